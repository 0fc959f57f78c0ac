// SPDX-License-Identifier: GPL-2.0
/* PCI functions: who has which, and how far each is on its way. */
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

/* An empty table. Context: before anybody else knows it. */
void rf_ledger_function_init(struct rf_function_table *table)
{
	memset(table, 0, sizeof(*table));
}

/**
 * rf_ledger_function_add() - a function is TAKING from now on
 * @table: the table
 * @entry: of the function, not in a table; the caller's until it is HOME again
 * @bdf: its address, RF_BDF()
 * @owner: the subOS that is to get it
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -EEXIST a function of that address is in the table; -ENOSPC @owner has
 *         RF_FUNCTIONS_MAX of them.
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
 * rf_ledger_function_move() - a function changes its state
 * @table: the table
 * @entry: in it
 * @state: the new state. HOME: it is not in the table any more, and may be freed.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL the table has no such transition, or CUT, but not taken. Nothing has
 *         changed then.
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
 * rf_ledger_function_leave() - a function is to go home; its kernel is going to be asked
 * @table: the table
 * @entry: in it
 *
 * What its kernel does not use is GIVEN_UP at once, what was taken from it is CUT, all
 * others are LEAVING. Idempotent.
 *
 * Context: Ledger lock and state lock held, as for all below.
 * Return: 0; -EINVAL it is not granted to a subOS.
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

/* As before, but by force: it is `taken`. A KEPT one stays, for nobody uses it. */
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
 * @entry: in it
 * @kernel_id: of that kernel
 *
 * One that is to go home is GIVEN_UP, another one KEPT. Idempotent.
 *
 * Return: 0; -EINVAL it is not granted to a subOS.
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
 * @entry: in it; one that is CUT, or LEAVING and taken, only if no kernel runs in its subOS
 *
 * What its kernel uses is GRANTED as before, all else is KEPT. Idempotent.
 *
 * Return: 0; -EINVAL it is not granted to a subOS.
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

/* What is KEPT is GRANTED again. Return: 0; -EINVAL it is not KEPT; -EPERM it was taken. */
int rf_ledger_function_offer(struct rf_function_table *table, struct rf_function_entry *entry)
{
	if (entry->state != RF_PCI_KEPT)
		return -EINVAL;
	return entry->taken ? -EPERM : rf_ledger_function_move(table, entry, RF_PCI_GRANTED);
}

/* A new kernel is about to be started in @owner: what the last one gave up is granted to it. */
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

/* It was unplugged. Context: state lock held; WRITE_ONCE() for those who only look. */
void rf_ledger_function_mark_unplugged(struct rf_function_entry *entry)
{
	WRITE_ONCE(entry->taken, true);
	WRITE_ONCE(entry->unplugged, true);
}

/* The function of this address, whoever has it, or NULL. Context: either lock, as below. */
struct rf_function_entry *rf_ledger_function_find(const struct rf_function_table *table, __u32 bdf)
{
	struct rf_function_entry *entry;

	for (entry = table->first; entry; entry = entry->next)
		if (entry->bdf == bdf)
			return entry;
	return NULL;
}

/**
 * rf_ledger_function_next() - all functions of a subOS, in the order in which they were taken
 * @table: the table
 * @entry: the one before, NULL: the first
 * @owner: the subOS; RF_OWNER_SUPERVISOR: those of all, and those that are PARKED
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

/* How many functions @owner has: also those that are TAKING, but none that is PARKED. */
__u32 rf_ledger_function_count(const struct rf_function_table *table, __u32 owner)
{
	const struct rf_function_entry *entry;
	__u32 count = 0;

	for (entry = table->first; entry; entry = entry->next)
		count += entry->owner == owner && entry->state != RF_PCI_PARKED;
	return count;
}

/* Is it one of its owner's, as others are told? */
bool rf_ledger_function_listed(const struct rf_function_entry *entry)
{
	return entry->state >= RF_PCI_GRANTED && entry->state <= RF_PCI_QUIET;
}

/* Is it in its owner's grant? */
bool rf_ledger_function_granted(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_GRANTED || entry->state == RF_PCI_LEAVING ||
	       entry->state == RF_PCI_CUT;
}

/* Is it to go home? */
bool rf_ledger_function_leaving(const struct rf_function_entry *entry)
{
	return entry->state == RF_PCI_LEAVING || entry->state == RF_PCI_CUT ||
	       entry->state == RF_PCI_GIVEN_UP;
}

/* And can it go, for nothing uses it? @alive: a kernel may run in its subOS. */
bool rf_ledger_function_goes(const struct rf_function_entry *entry, bool alive)
{
	return entry->state == RF_PCI_GIVEN_UP || (!alive && rf_ledger_function_leaving(entry));
}
