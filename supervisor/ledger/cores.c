// SPDX-License-Identifier: GPL-2.0
/* Cores: the owner and the state of each, and the order in which they were attached. */
#include "cores.h"
#include "portable.h"
#include "wire/layout.h"

#define RF_TO(state)	(1u << (state))

/* What may follow each state. */
static const __u8 rf_core_follows[RF_CORE_STATES] = {
	[RF_CORE_HOME] = RF_TO(RF_CORE_COMING),
	[RF_CORE_COMING] = RF_TO(RF_CORE_HOME) | RF_TO(RF_CORE_LENT) | RF_TO(RF_CORE_RETURNING),
	[RF_CORE_LENT] = RF_TO(RF_CORE_LEAVING),
	[RF_CORE_LEAVING] = RF_TO(RF_CORE_LENT) | RF_TO(RF_CORE_RETURNING),
	[RF_CORE_RETURNING] = RF_TO(RF_CORE_HOME) | RF_TO(RF_CORE_LEAVING),
};

/* Is @to allowed after @from? Context: any. */
bool rf_core_transition(enum rf_core_state from, enum rf_core_state to)
{
	return (__u32)from < RF_CORE_STATES && (__u32)to < RF_CORE_STATES &&
	       rf_core_follows[from] & RF_TO(to);
}

/**
 * rf_ledger_core_init() - initialize an empty table
 * @table: the table
 * @entries: storage for the table, one entry for each possible CPU number
 * @count: of @entries
 *
 * Context: Before the table is visible to anybody else.
 */
void rf_ledger_core_init(struct rf_core_table *table, struct rf_core_entry *entries, __u32 count)
{
	__u32 cpu;

	table->entries = entries;
	table->count = count;
	table->smt_shift = 0;
	table->last_rank = 0;
	for (cpu = 0; cpu < count; cpu++) {
		memset(&entries[cpu], 0, sizeof(entries[cpu]));
		entries[cpu].apic_id = RF_APIC_NONE;
	}
}

/* The entry of a core that exists, or NULL. */
static struct rf_core_entry *rf_core_entry(const struct rf_core_table *table, __u32 cpu)
{
	if (cpu >= table->count || table->entries[cpu].apic_id == RF_APIC_NONE)
		return NULL;
	return &table->entries[cpu];
}

/**
 * rf_ledger_core_add() - add a core to the table
 * @table: the table
 * @cpu: logical number
 * @apic_id: its physical APIC id
 *
 * Idempotent.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL invalid number or APIC id; -EEXIST @cpu has another APIC id, or another
 *         core has @apic_id.
 */
int rf_ledger_core_add(struct rf_core_table *table, __u32 cpu, __u32 apic_id)
{
	int same;

	if (cpu >= table->count || apic_id == RF_APIC_NONE)
		return -EINVAL;
	same = rf_ledger_core_find(table, apic_id);
	if (same >= 0)
		return (__u32)same == cpu ? 0 : -EEXIST;
	if (rf_core_entry(table, cpu))
		return -EEXIST;
	WRITE_ONCE(table->entries[cpu].apic_id, apic_id);
	return 0;
}

/**
 * rf_ledger_core_forget() - a core was unplugged
 * @table: the table
 * @cpu: logical number
 *
 * It is nobody's sibling any more, and may be plugged in again with another APIC id. One that a
 * subOS has, or that is on its way, stays.
 *
 * Context: Ledger lock and state lock held.
 */
void rf_ledger_core_forget(struct rf_core_table *table, __u32 cpu)
{
	struct rf_core_entry *entry = rf_core_entry(table, cpu);

	if (entry && cpu && entry->state == RF_CORE_HOME)
		WRITE_ONCE(entry->apic_id, RF_APIC_NONE);
}

/* Number of @owner's cores, in any state. */
static __u32 rf_core_owned(const struct rf_core_table *table, __u32 owner)
{
	__u32 cpu, count = 0;

	for (cpu = 0; cpu < table->count; cpu++)
		count += table->entries[cpu].owner == owner;
	return count;
}

/* May a core of @from become @to's in @state? The caller checks the transition itself. */
static bool rf_core_may_pass(enum rf_core_state was, __u32 from, __u32 to,
			     enum rf_core_state state)
{
	if (state == RF_CORE_HOME)
		return to == RF_OWNER_SUPERVISOR;
	if (!rf_owner_is_subos(to))
		return false;
	return from == to || was == RF_CORE_HOME ||
	       (was == RF_CORE_LEAVING && state == RF_CORE_LENT);
}

/* A lockless reader may see the old owner with the new state: each was true at some time. */
static void rf_core_set(struct rf_core_table *table, struct rf_core_entry *entry, __u32 owner,
			enum rf_core_state state)
{
	if (entry->owner != owner)
		WRITE_ONCE(entry->lender, 0);
	entry->rank = state == RF_CORE_LENT ? ++table->last_rank : 0;
	WRITE_ONCE(entry->owner, owner);
	WRITE_ONCE(entry->state, state);
}

/**
 * rf_ledger_core_move() - change the state of a core, and perhaps its owner
 * @table: the table
 * @cpu: logical number
 * @from: the current owner
 * @to: the next owner; differs from @from only out of HOME (to COMING), into HOME, and from
 *      LEAVING to LENT
 * @state: the new state
 *
 * A core that becomes LENT is the last in its owner's list. A loan ends when the owner
 * changes. Going back, HOME or to the same owner, is never refused for lack of room.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -ENODEV no such core; -EXDEV the core is not @from's; -EINVAL the transition is
 *         not allowed, or core 0; -ENOSPC @to has RF_CPUS_MAX cores. On error nothing has
 *         changed.
 */
int rf_ledger_core_move(struct rf_core_table *table, __u32 cpu, __u32 from, __u32 to,
			enum rf_core_state state)
{
	struct rf_core_entry *entry = rf_core_entry(table, cpu);

	if (!entry)
		return -ENODEV;
	if (entry->owner != from)
		return -EXDEV;
	if (!cpu || !rf_core_transition(entry->state, state) ||
	    !rf_core_may_pass(entry->state, from, to, state))
		return -EINVAL;
	if (to != from && rf_owner_is_subos(to) && rf_core_owned(table, to) >= RF_CPUS_MAX)
		return -ENOSPC;
	rf_core_set(table, entry, to, state);
	return 0;
}

/* May the supervisor start this core? Context: any, without a lock. */
bool rf_ledger_core_may_start(const struct rf_core_table *table, __u32 cpu)
{
	enum rf_core_state state;

	if (cpu >= table->count)
		return false;
	state = READ_ONCE(table->entries[cpu].state);
	return state == RF_CORE_HOME || state == RF_CORE_RETURNING;
}

/* The owner of a core, in any state. Context: any, without a lock. */
__u32 rf_ledger_core_owner(const struct rf_core_table *table, __u32 cpu)
{
	return cpu < table->count ? READ_ONCE(table->entries[cpu].owner) : RF_OWNER_SUPERVISOR;
}

/* Id of the subOS that a core is borrowed from, 0: it is not on loan. Context: as above. */
__u32 rf_ledger_core_lender(const struct rf_core_table *table, __u32 cpu)
{
	return cpu < table->count ? READ_ONCE(table->entries[cpu].lender) : 0;
}

static bool rf_core_lent_to(const struct rf_core_entry *entry, __u32 owner)
{
	return entry->state == RF_CORE_LENT && entry->owner == owner;
}

/*
 * The physical APIC id of a core, or RF_APIC_NONE. Context: any: the APIC id of a core that is there
 * never changes.
 */
__u32 rf_ledger_core_apic_id(const struct rf_core_table *table, __u32 cpu)
{
	return cpu < table->count ? READ_ONCE(table->entries[cpu].apic_id) : RF_APIC_NONE;
}

/* Is a core in @owner's list? Context: ledger lock or state lock held, as for all below. */
bool rf_ledger_core_listed(const struct rf_core_table *table, __u32 cpu, __u32 owner)
{
	return cpu < table->count && rf_core_lent_to(&table->entries[cpu], owner);
}

/* Number of cores in @owner's list. */
__u32 rf_ledger_core_count(const struct rf_core_table *table, __u32 owner)
{
	__u32 cpu, count = 0;

	for (cpu = 0; cpu < table->count; cpu++)
		count += rf_core_lent_to(&table->entries[cpu], owner);
	return count;
}

/**
 * rf_ledger_core_list() - the cores of a subOS, boot core first
 * @table: the table
 * @owner: the subOS
 * @cpus: filled with logical numbers, in the order in which they were attached
 * @room: capacity of @cpus; RF_CPUS_MAX is always enough
 *
 * Context: Ledger lock or state lock held.
 * Return: number of cores filled in; if @room is too small, these are not necessarily the
 *         first ones of the list.
 */
__u32 rf_ledger_core_list(const struct rf_core_table *table, __u32 owner, __u32 *cpus, __u32 room)
{
	const struct rf_core_entry *entries = table->entries;
	__u32 cpu, at, count = 0;

	for (cpu = 0; cpu < table->count && count < room; cpu++) {
		if (!rf_core_lent_to(&entries[cpu], owner))
			continue;
		/* Most were attached in the order of their numbers: this loop is short. */
		for (at = count++; at && entries[cpus[at - 1]].rank > entries[cpu].rank; at--)
			cpus[at] = cpus[at - 1];
		cpus[at] = cpu;
	}
	return count;
}

/**
 * rf_ledger_core_next() - iterate over the list of a subOS, boot core first
 * @table: the table
 * @owner: the subOS
 * @rank: 0 for the first call; set to the rank of the core that is returned
 *
 * Cores may leave the list between two calls; cores attached meanwhile are visited last.
 *
 * Context: Ledger lock or state lock held.
 * Return: the logical number of the next core, or -ENODEV.
 */
int rf_ledger_core_next(const struct rf_core_table *table, __u32 owner, __u64 *rank)
{
	const struct rf_core_entry *entries = table->entries;
	int next = -ENODEV;
	__u32 cpu;

	for (cpu = 0; cpu < table->count; cpu++)
		if (rf_core_lent_to(&entries[cpu], owner) && entries[cpu].rank > *rank &&
		    (next < 0 || entries[cpu].rank < entries[next].rank))
			next = cpu;
	if (next >= 0)
		*rank = entries[next].rank;
	return next;
}

/* The boot core of @owner, or -ENODEV if its list is empty. */
int rf_ledger_core_boot(const struct rf_core_table *table, __u32 owner)
{
	__u64 rank = 0;

	return rf_ledger_core_next(table, owner, &rank);
}

/* The core with this physical APIC id, or -ENODEV. */
int rf_ledger_core_find(const struct rf_core_table *table, __u32 apic_id)
{
	__u32 cpu;

	for (cpu = 0; apic_id != RF_APIC_NONE && cpu < table->count; cpu++)
		if (table->entries[cpu].apic_id == apic_id)
			return cpu;
	return -ENODEV;
}

static bool rf_core_named(const __u32 *cpus, __u32 count, __u32 cpu)
{
	while (count--)
		if (cpus[count] == cpu)
			return true;
	return false;
}

/*
 * Are two cores SMT siblings: does one physical core have both? Context: any: the APIC ids of cores
 * that are there do not change.
 */
bool rf_ledger_core_siblings(const struct rf_core_table *table, __u32 cpu, __u32 other)
{
	const struct rf_core_entry *one = rf_core_entry(table, cpu);
	const struct rf_core_entry *two = rf_core_entry(table, other);

	return one && two && one != two &&
	       !((READ_ONCE(one->apic_id) ^ READ_ONCE(two->apic_id)) >> table->smt_shift);
}

/**
 * rf_ledger_core_lent_sibling() - an SMT sibling that a subOS has
 * @table: the table
 * @apic_id: of a core, which need not be in the table yet
 *
 * Context: Any, without a lock.
 * Return: the logical number of the sibling, in any state, or -ENODEV.
 */
int rf_ledger_core_lent_sibling(const struct rf_core_table *table, __u32 apic_id)
{
	__u32 other, id;

	for (other = 0; other < table->count; other++) {
		id = READ_ONCE(table->entries[other].apic_id);
		if (id != RF_APIC_NONE && id != apic_id && !((id ^ apic_id) >> table->smt_shift) &&
		    rf_owner_is_subos(rf_ledger_core_owner(table, other)))
			return other;
	}
	return -ENODEV;
}

/**
 * rf_ledger_core_split() - would a change of hands put SMT siblings into different ones?
 * @table: the table
 * @cpus: logical numbers of the cores that change hands together
 * @count: of @cpus
 * @from: their owner
 * @to: their next owner. RF_OWNER_SUPERVISOR, also for a loan that ends: they only must not leave
 *	a sibling behind; one that another subOS has was parted from them before
 *
 * Whether a sibling is online or not does not matter.
 *
 * Context: Ledger lock or state lock held.
 * Return: the first of @cpus with a sibling that would have another owner, or -ENODEV.
 */
int rf_ledger_core_split(const struct rf_core_table *table, const __u32 *cpus, __u32 count,
			 __u32 from, __u32 to)
{
	__u32 i, other, owner;

	for (i = 0; i < count; i++)
		for (other = 0; other < table->count; other++) {
			if (!rf_ledger_core_siblings(table, cpus[i], other) ||
			    rf_core_named(cpus, count, other))
				continue;
			owner = table->entries[other].owner;
			if (owner == from || (to != RF_OWNER_SUPERVISOR && owner != to))
				return cpus[i];
		}
	return -ENODEV;
}

/**
 * rf_ledger_core_set_boot() - make a core the first in its owner's list
 * @table: the table
 * @cpu: logical number; LENT
 * @owner: the subOS
 *
 * For a supervisor that adopts a subOS: the copy of the ledger does not record the order.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0, or -EXDEV if the core is not in @owner's list.
 */
int rf_ledger_core_set_boot(struct rf_core_table *table, __u32 cpu, __u32 owner)
{
	int first = rf_ledger_core_boot(table, owner);
	__u64 rank;

	if (!rf_ledger_core_listed(table, cpu, owner))
		return -EXDEV;
	rank = table->entries[first].rank;
	table->entries[first].rank = table->entries[cpu].rank;
	table->entries[cpu].rank = rank;
	return 0;
}

/**
 * rf_ledger_core_lend() - record a loan of a core, or end it
 * @table: the table
 * @cpu: logical number
 * @lender: the subOS that the core's owner borrowed it from, 0: the loan ends
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -ENODEV no such core; -EINVAL @lender is not a subOS, or owns the core, or the
 *         core is not LENT.
 */
int rf_ledger_core_lend(struct rf_core_table *table, __u32 cpu, __u32 lender)
{
	struct rf_core_entry *entry = rf_core_entry(table, cpu);

	if (!entry)
		return -ENODEV;
	if (lender && (!rf_owner_is_subos(lender) || lender == entry->owner ||
		       entry->state != RF_CORE_LENT))
		return -EINVAL;
	WRITE_ONCE(entry->lender, lender);
	return 0;
}

/* A lender goes away: the cores that it lent stay with the borrowers. Context: as above. */
void rf_ledger_core_forget_lender(struct rf_core_table *table, __u32 lender)
{
	__u32 cpu;

	for (cpu = 0; cpu < table->count; cpu++)
		if (table->entries[cpu].lender == lender)
			WRITE_ONCE(table->entries[cpu].lender, 0);
}

/* A core that a subOS uses already, found in a copy: see rf_ledger_adopt(). Context: as above. */
int rf_ledger_core_adopt(struct rf_core_table *table, __u32 cpu, __u32 owner)
{
	struct rf_core_entry *entry = rf_core_entry(table, cpu);

	if (!entry)
		return -ENODEV;
	if (!cpu || entry->state != RF_CORE_HOME || !rf_owner_is_subos(owner))
		return -EINVAL;
	if (rf_core_owned(table, owner) >= RF_CPUS_MAX)
		return -ENOSPC;
	rf_core_set(table, entry, owner, RF_CORE_LENT);
	return 0;
}
