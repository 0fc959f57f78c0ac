// SPDX-License-Identifier: GPL-2.0
/* Memory that is not the supervisor's: what there is of it, and how it changes hands. */
#include "extents.h"
#include "memory.h"
#include "portable.h"

#define RF_TO(state)	(1u << (state))

/* What may follow each state. */
static const __u8 rf_memory_follows[RF_MEMORY_STATES] = {
	[RF_MEMORY_FREE] = RF_TO(RF_MEMORY_COMING),
	[RF_MEMORY_COMING] = RF_TO(RF_MEMORY_OWNED) | RF_TO(RF_MEMORY_FREE),
	[RF_MEMORY_OWNED] = RF_TO(RF_MEMORY_LEAVING),
	[RF_MEMORY_LEAVING] = RF_TO(RF_MEMORY_OWNED) | RF_TO(RF_MEMORY_FREE),
};

/* Is @to allowed after @from? Context: any. */
bool rf_memory_transition(enum rf_memory_state from, enum rf_memory_state to)
{
	return (__u32)from < RF_MEMORY_STATES && (__u32)to < RF_MEMORY_STATES &&
	       rf_memory_follows[from] & RF_TO(to);
}

/**
 * rf_ledger_memory_add() - memory that is nobody's joins the table
 * @table: the table
 * @start: physical address, in steps of RF_EXTENT_SIZE
 * @size: bytes, in the same steps
 * @nid: NUMA node
 * @reserved: reserved at boot
 * @content: what it holds
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -EEXIST some of it is there already; -ENOMEM no room for an extent.
 */
int rf_ledger_memory_add(struct rf_memory_table *table, __u64 start, __u64 size, __s32 nid,
			 bool reserved, enum rf_content content)
{
	const struct rf_extent extent = {
		.start = start,
		.size = size,
		.nid = nid,
		.owner = RF_OWNER_SUPERVISOR,
		.state = RF_MEMORY_FREE,
		.content = content,
		.reserved = reserved,
	};
	__u32 at = rf_extent_above(table, start);

	if (!rf_memory_sound(start, size) || (__u32)content > RF_CONTENT_CLEAN)
		return -EINVAL;
	if (at < table->count && table->extents[at].start < start + size)
		return -EEXIST;
	if (!rf_ledger_memory_spare(table))
		return -ENOMEM;
	rf_extent_insert(table, at, &extent);
	table->bytes += size;
	rf_extent_merge(table, start, start + size);
	return 0;
}

/**
 * rf_ledger_memory_remove() - memory that is nobody's leaves the table
 * @table: the table
 * @start: physical address, in steps of RF_EXTENT_SIZE
 * @size: bytes, in the same steps; what is not in the table does not matter
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -EBUSY some of it is not FREE; -ENOMEM no room to cut extents.
 */
int rf_ledger_memory_remove(struct rf_memory_table *table, __u64 start, __u64 size)
{
	__u64 end = start + size;
	__u32 at;

	if (!rf_memory_sound(start, size))
		return -EINVAL;
	for (at = rf_extent_above(table, start);
	     at < table->count && table->extents[at].start < end; at++)
		if (table->extents[at].state != RF_MEMORY_FREE)
			return -EBUSY;
	if (!rf_extent_room(table, start, end))
		return -ENOMEM;
	rf_extent_split(table, start);
	rf_extent_split(table, end);
	at = rf_extent_above(table, start);
	while (at < table->count && table->extents[at].start < end) {
		table->bytes -= table->extents[at].size;
		rf_extent_delete(table, at);
	}
	return 0;
}

/* ---- how it changes hands ---- */

/* Is all of [start, end) there, @owner's, in @state, and CLEAN if it has to be? */
static int rf_memory_all(const struct rf_memory_table *table, __u64 start, __u64 end, __u32 owner,
			 enum rf_memory_state state, bool clean)
{
	__u32 at;

	for (at = rf_extent_above(table, start); start < end; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (at == table->count || extent->start > start || extent->owner != owner ||
		    extent->state != state)
			return -ERANGE;
		if (clean && extent->content != RF_CONTENT_CLEAN)
			return -EUCLEAN;
		start = rf_extent_end(extent);
	}
	return 0;
}

/* [start, end) is made of whole extents. */
static void rf_memory_set(struct rf_memory_table *table, __u64 start, __u64 end, __u32 owner,
			  enum rf_memory_state state, enum rf_content content)
{
	__u32 at;

	for (at = rf_extent_above(table, start);
	     at < table->count && table->extents[at].start < end; at++) {
		table->extents[at].owner = owner;
		table->extents[at].state = state;
		table->extents[at].content = content;
		if (state == RF_MEMORY_FREE)
			table->extents[at].boot = false;
	}
	rf_extent_merge(table, start, end);
}

/* Would this change leave @owner more ranges than a grant has room for? */
static bool rf_memory_too_many(const struct rf_memory_table *table, __u64 start, __u64 size,
			       __u32 owner, enum rf_memory_state from, enum rf_memory_state to)
{
	if (!rf_owner_is_subos(owner) || (from != RF_MEMORY_OWNED && to != RF_MEMORY_OWNED))
		return false;
	return !rf_ledger_memory_would_fit(table, owner, start, size, to == RF_MEMORY_OWNED);
}

/**
 * rf_ledger_memory_move() - memory changes its state, and so perhaps its owner
 * @table: the table
 * @start: physical address, in steps of RF_EXTENT_SIZE
 * @size: bytes, in the same steps
 * @owner: a subOS or the arena: whose it is, unless it is FREE, and whose it is afterwards,
 *         unless it becomes FREE
 * @from: the state that all of it is in
 * @to: its new state
 *
 * What becomes FREE is LEFT: rf_ledger_memory_set_content() if it was cleared already, which
 * always finds the room that this change needed.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL the table has no such transition, or @owner cannot own it; -ERANGE not
 *         all of it is there, @owner's and in state @from; -EUCLEAN it was FREE, but not all of
 *         it CLEAN; -ENOSPC @owner would have more than RF_RANGES_MAX ranges; -ENOMEM no room
 *         to cut extents. Nothing has changed then.
 */
int rf_ledger_memory_move(struct rf_memory_table *table, __u64 start, __u64 size, __u32 owner,
			  enum rf_memory_state from, enum rf_memory_state to)
{
	bool taken = from == RF_MEMORY_FREE, given = to == RF_MEMORY_FREE;
	__u64 end = start + size;
	int rc;

	if (!rf_memory_sound(start, size) || !rf_memory_transition(from, to) ||
	    (!rf_owner_is_subos(owner) && owner != RF_OWNER_ARENA))
		return -EINVAL;
	rc = rf_memory_all(table, start, end, taken ? RF_OWNER_SUPERVISOR : owner, from, taken);
	if (rc)
		return rc;
	if (rf_memory_too_many(table, start, size, owner, from, to))
		return -ENOSPC;
	if (!rf_extent_room(table, start, end))
		return -ENOMEM;
	rf_extent_split(table, start);
	rf_extent_split(table, end);
	rf_memory_set(table, start, end, given ? RF_OWNER_SUPERVISOR : owner, to,
		      RF_CONTENT_LEFT);
	return 0;
}

/**
 * rf_ledger_memory_set_content() - what memory that is nobody's holds
 * @table: the table
 * @start: physical address, in steps of RF_EXTENT_SIZE
 * @size: bytes, in the same steps
 * @content: what it holds now
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -ERANGE not all of it is there and FREE; -ENOMEM no room to cut extents.
 */
int rf_ledger_memory_set_content(struct rf_memory_table *table, __u64 start, __u64 size,
				 enum rf_content content)
{
	__u64 end = start + size;
	int rc;

	if (!rf_memory_sound(start, size) || (__u32)content > RF_CONTENT_CLEAN)
		return -EINVAL;
	rc = rf_memory_all(table, start, end, RF_OWNER_SUPERVISOR, RF_MEMORY_FREE, false);
	if (rc)
		return rc;
	if (!rf_extent_room(table, start, end))
		return -ENOMEM;
	rf_extent_split(table, start);
	rf_extent_split(table, end);
	rf_memory_set(table, start, end, RF_OWNER_SUPERVISOR, RF_MEMORY_FREE, content);
	return 0;
}

/**
 * rf_ledger_memory_set_boot() - memory begins with the boot area of its owner
 * @table: the table
 * @start: physical address, in steps of RF_EXTENT_SIZE
 * @owner: the subOS; it has no other boot area. The mark goes when the memory becomes FREE.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -ERANGE this is not @owner's, or LEAVING; -EEXIST @owner has a boot area; -ENOSPC
 *         it would have more than RF_RANGES_MAX ranges; -ENOMEM no room to cut an extent.
 */
int rf_ledger_memory_set_boot(struct rf_memory_table *table, __u64 start, __u32 owner)
{
	__u32 at = rf_extent_above(table, start);
	const struct rf_extent *extent = &table->extents[at];

	if (!rf_owner_is_subos(owner) || !rf_memory_sound(start, RF_EXTENT_SIZE) ||
	    at == table->count || extent->start > start || extent->owner != owner ||
	    extent->state == RF_MEMORY_LEAVING)
		return -ERANGE;
	if (rf_ledger_memory_boot(table, owner))
		return -EEXIST;
	if (!rf_extent_room(table, start, start))
		return -ENOMEM;
	rf_extent_split(table, start);
	at = rf_extent_above(table, start);
	table->extents[at].boot = true;
	if (rf_ledger_memory_ranges(table, owner, NULL, 0) <= RF_RANGES_MAX)
		return 0;
	/* It would cut a range in two. */
	table->extents[at].boot = false;
	rf_extent_merge(table, start, start);
	return -ENOSPC;
}

/*
 * Memory that a subOS or the arena uses already, found in a copy: see rf_ledger_adopt(). All
 * of it is FREE, whatever it holds. Context: as above.
 */
int rf_ledger_memory_adopt(struct rf_memory_table *table, __u64 start, __u64 size, __u32 owner)
{
	__u64 end = start + size;

	if (!rf_memory_sound(start, size) ||
	    (!rf_owner_is_subos(owner) && owner != RF_OWNER_ARENA))
		return -EINVAL;
	if (rf_memory_all(table, start, end, RF_OWNER_SUPERVISOR, RF_MEMORY_FREE, false))
		return -ERANGE;
	if (rf_memory_too_many(table, start, size, owner, RF_MEMORY_FREE, RF_MEMORY_OWNED))
		return -ENOSPC;
	if (!rf_extent_room(table, start, end))
		return -ENOMEM;
	rf_extent_split(table, start);
	rf_extent_split(table, end);
	rf_memory_set(table, start, end, owner, RF_MEMORY_OWNED, RF_CONTENT_LEFT);
	return 0;
}
