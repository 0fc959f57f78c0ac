// SPDX-License-Identifier: GPL-2.0
/* PCI functions: the owner and the state of each. */
#include "functions.h"
#include "portable.h"
#include "wire/pci.h"

#define RF_TO(state)	(1u << (state))

/* What may follow each state. */
static const __u16 rf_function_follows[RF_PCI_STATES] = {
	[RF_PCI_HOME] = RF_TO(RF_PCI_TAKING),
	[RF_PCI_TAKING] = RF_TO(RF_PCI_GRANTED) | RF_TO(RF_PCI_HOME),
	[RF_PCI_GRANTED] = RF_TO(RF_PCI_LEAVING) | RF_TO(RF_PCI_CUT) | RF_TO(RF_PCI_KEPT) |
			   RF_TO(RF_PCI_QUIET),
	[RF_PCI_LEAVING] = RF_TO(RF_PCI_GRANTED) | RF_TO(RF_PCI_CUT) | RF_TO(RF_PCI_GIVEN_UP) |
			   RF_TO(RF_PCI_QUIET),
	[RF_PCI_CUT] = RF_TO(RF_PCI_GIVEN_UP) | RF_TO(RF_PCI_KEPT) | RF_TO(RF_PCI_QUIET),
	[RF_PCI_GIVEN_UP] = RF_TO(RF_PCI_LEAVING) | RF_TO(RF_PCI_CUT) | RF_TO(RF_PCI_KEPT) |
			    RF_TO(RF_PCI_QUIET),
	[RF_PCI_KEPT] = RF_TO(RF_PCI_GRANTED) | RF_TO(RF_PCI_GIVEN_UP) | RF_TO(RF_PCI_QUIET),
	[RF_PCI_QUIET] = RF_TO(RF_PCI_PARKED) | RF_TO(RF_PCI_HOME),
	[RF_PCI_PARKED] = RF_TO(RF_PCI_HOME),
};

/* Is @to allowed after @from? Context: any. */
bool rf_function_transition(enum rf_function_state from, enum rf_function_state to)
{
	return (__u32)from < RF_PCI_STATES && (__u32)to < RF_PCI_STATES &&
	       rf_function_follows[from] & RF_TO(to);
}

/* Initialize an empty table. Context: before the table is visible to anybody else. */
void rf_ledger_function_init(struct rf_function_table *table)
{
	memset(table, 0, sizeof(*table));
}

/**
 * rf_ledger_function_add() - add a function to the table, in state TAKING
 * @table: the table
 * @entry: of the function, in no table; the caller must not free it before it is HOME again
 * @bdf: its address, RF_BDF()
 * @owner: the subOS that is to get the function
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL invalid @bdf or @owner; -EEXIST a function with that address is in the
 *         table; -ENOSPC @owner has RF_FUNCTIONS_MAX functions.
 */
int rf_ledger_function_add(struct rf_function_table *table, struct rf_function_entry *entry,
			   __u32 bdf, __u32 owner)
{
	if (!rf_owner_is_subos(owner) || bdf == RF_BDF_NONE)
		return -EINVAL;
	if (rf_ledger_function_find(table, bdf))
		return -EEXIST;
	if (rf_ledger_function_count(table, owner) >= RF_FUNCTIONS_MAX)
		return -ENOSPC;
	memset(entry, 0, sizeof(*entry));
	entry->state = RF_PCI_TAKING;
	entry->bdf = bdf;
	entry->owner = owner;
	entry->prev = table->last;
	if (table->last)
		table->last->next = entry;
	else
		table->first = entry;
	table->last = entry;
	table->count++;
	return 0;
}

static void rf_function_remove(struct rf_function_table *table, struct rf_function_entry *entry)
{
	if (entry->prev)
		entry->prev->next = entry->next;
	else
		table->first = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
	else
		table->last = entry->prev;
	entry->next = entry->prev = NULL;
	table->count--;
}

/**
 * rf_ledger_function_move() - change the state of a function
 * @table: the table
 * @entry: of the function, in the table
 * @state: the new state. HOME: @entry leaves the table, and may be freed.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL the transition is not allowed, or is to CUT, but the function is not
 *         `taken`. On error nothing has changed.
 */
int rf_ledger_function_move(struct rf_function_table *table, struct rf_function_entry *entry,
			    enum rf_function_state state)
{
	if (entry->state == RF_PCI_HOME || !rf_function_transition(entry->state, state) ||
	    (state == RF_PCI_CUT && !entry->taken))
		return -EINVAL;
	entry->state = state;
	if (state != RF_PCI_GIVEN_UP && state != RF_PCI_KEPT)
		entry->kernel_id = 0;
	if (state == RF_PCI_HOME)
		rf_function_remove(table, entry);
	return 0;
}

/**
 * rf_ledger_function_leave() - a function is to go home; its kernel will be asked to give it up
 * @table: the table
 * @entry: of the function, in the table
 *
 * A function that its kernel does not use becomes GIVEN_UP at once, one that was taken from its
 * kernel CUT, any other LEAVING. Idempotent.
 *
 * Context: Ledger lock and state lock held, as for all below.
 * Return: 0; -EINVAL the function is not granted to a subOS.
 */
int rf_ledger_function_leave(struct rf_function_table *table, struct rf_function_entry *entry)
{
	switch (entry->state) {
	case RF_PCI_GRANTED:
	case RF_PCI_LEAVING:
		if (entry->taken)
			return rf_ledger_function_move(table, entry, RF_PCI_CUT);
		if (entry->state == RF_PCI_LEAVING)
			return 0;
		return rf_ledger_function_move(table, entry, RF_PCI_LEAVING);
	case RF_PCI_KEPT:
		return rf_ledger_function_move(table, entry, RF_PCI_GIVEN_UP);
	case RF_PCI_CUT:
	case RF_PCI_GIVEN_UP:
		return 0;
	default:
		return -EINVAL;
	}
}

/* As above, but by force: the function is `taken`. A KEPT one stays KEPT, as nobody uses it. */
int rf_ledger_function_cut(struct rf_function_table *table, struct rf_function_entry *entry)
{
	if (!rf_ledger_function_listed(entry) || entry->state == RF_PCI_QUIET)
		return -EINVAL;
	WRITE_ONCE(entry->taken, true);
	return entry->state == RF_PCI_KEPT ? 0 : rf_ledger_function_leave(table, entry);
}

/**
 * rf_ledger_function_confirm() - a kernel does not use a function any more, or never did
 * @table: the table
 * @entry: of the function, in the table
 * @kernel_id: of that kernel
 *
 * A function that is to go home becomes GIVEN_UP, any other KEPT. Idempotent.
 *
 * Return: 0; -EINVAL the function is not granted to a subOS.
 */
int rf_ledger_function_confirm(struct rf_function_table *table, struct rf_function_entry *entry,
			       __u32 kernel_id)
{
	int rc = 0;

	if (entry->state == RF_PCI_LEAVING || entry->state == RF_PCI_CUT)
		rc = rf_ledger_function_move(table, entry, RF_PCI_GIVEN_UP);
	else if (entry->state == RF_PCI_GRANTED)
		rc = rf_ledger_function_move(table, entry, RF_PCI_KEPT);
	else if (entry->state != RF_PCI_GIVEN_UP && entry->state != RF_PCI_KEPT)
		rc = -EINVAL;
	if (!rc)
		entry->kernel_id = kernel_id;
	return rc;
}

/**
 * rf_ledger_function_keep() - a function that was to go home stays
 * @table: the table
 * @entry: in the table; if it is CUT, or LEAVING and `taken`, no kernel runs in its subOS
 *
 * A function that its kernel uses becomes GRANTED again, any other KEPT. Idempotent.
 *
 * Return: 0; -EINVAL the function is not granted to a subOS.
 */
int rf_ledger_function_keep(struct rf_function_table *table, struct rf_function_entry *entry)
{
	if (entry->state == RF_PCI_GRANTED || entry->state == RF_PCI_KEPT)
		return 0;
	if (!rf_ledger_function_leaving(entry))
		return -EINVAL;
	if (entry->state == RF_PCI_LEAVING && !entry->taken)
		return rf_ledger_function_move(table, entry, RF_PCI_GRANTED);
	if (entry->state == RF_PCI_LEAVING)
		rf_ledger_function_move(table, entry, RF_PCI_CUT);
	return rf_ledger_function_move(table, entry, RF_PCI_KEPT);
}

/* KEPT becomes GRANTED again. Return: 0; -EINVAL not KEPT; -EPERM the function was taken. */
int rf_ledger_function_offer(struct rf_function_table *table, struct rf_function_entry *entry)
{
	if (entry->state != RF_PCI_KEPT)
		return -EINVAL;
	return entry->taken ? -EPERM : rf_ledger_function_move(table, entry, RF_PCI_GRANTED);
}

/* Before a new kernel starts in @owner: functions that the last one gave up are granted to it. */
void rf_ledger_function_restart(struct rf_function_table *table, __u32 owner)
{
	struct rf_function_entry *entry = NULL;

	while ((entry = rf_ledger_function_next(table, entry, owner))) {
		if (entry->state == RF_PCI_GIVEN_UP)
			rf_ledger_function_move(table, entry,
						entry->taken ? RF_PCI_CUT : RF_PCI_LEAVING);
		else if (entry->state == RF_PCI_KEPT)
			rf_ledger_function_move(table, entry, RF_PCI_GRANTED);
	}
}

/* A function was unplugged. Context: state lock held; WRITE_ONCE() for lockless readers. */
void rf_ledger_function_mark_unplugged(struct rf_function_entry *entry)
{
	WRITE_ONCE(entry->taken, true);
	WRITE_ONCE(entry->unplugged, true);
}

/* The function at this address, whoever owns it, or NULL. Context: either lock, as below. */
struct rf_function_entry *rf_ledger_function_find(const struct rf_function_table *table, __u32 bdf)
{
	struct rf_function_entry *entry;

	for (entry = table->first; entry; entry = entry->next)
		if (entry->bdf == bdf)
			return entry;
	return NULL;
}

/**
 * rf_ledger_function_next() - iterate over the functions of a subOS, in the order of taking
 * @table: the table
 * @entry: the previous one, NULL: begin
 * @owner: the subOS; RF_OWNER_SUPERVISOR: the functions of all subOSes, and PARKED ones
 *
 * Return: the next one, or NULL.
 */
struct rf_function_entry *rf_ledger_function_next(const struct rf_function_table *table,
						  const struct rf_function_entry *entry,
						  __u32 owner)
{
	struct rf_function_entry *next = entry ? entry->next : table->first;

	while (next && owner != RF_OWNER_SUPERVISOR &&
	       (next->owner != owner || next->state == RF_PCI_PARKED))
		next = next->next;
	return next;
}

/* Number of @owner's functions: also those that are TAKING, but none that is PARKED. */
__u32 rf_ledger_function_count(const struct rf_function_table *table, __u32 owner)
{
	const struct rf_function_entry *entry;
	__u32 count = 0;

	for (entry = table->first; entry; entry = entry->next)
		count += entry->owner == owner && entry->state != RF_PCI_PARKED;
	return count;
}

/* Is a function reported as one of its owner's? */
bool rf_ledger_function_listed(const struct rf_function_entry *entry)
{
	return entry->state >= RF_PCI_GRANTED && entry->state <= RF_PCI_QUIET;
}

/* Is a function in its owner's grant? */
bool rf_ledger_function_granted(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_GRANTED || entry->state == RF_PCI_LEAVING ||
	       entry->state == RF_PCI_CUT;
}

/* Is a function to go home? */
bool rf_ledger_function_leaving(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_LEAVING || entry->state == RF_PCI_CUT ||
	       entry->state == RF_PCI_GIVEN_UP;
}

/* Can it go home now, as nothing uses it any more? @alive: a kernel may run in its subOS. */
bool rf_ledger_function_goes(const struct rf_function_entry *entry, bool alive)
{
	return entry->state == RF_PCI_GIVEN_UP || (!alive && rf_ledger_function_leaving(entry));
}
