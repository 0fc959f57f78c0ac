// SPDX-License-Identifier: GPL-2.0
/* Memory that is not the supervisor's: its extents, and how they change hands. */
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
 * rf_ledger_memory_add() - add unowned memory to the table
 * @table: the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @nid: NUMA node
 * @reserved: reserved at boot
 * @content: what it holds
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -EEXIST some of it is in the table already; -ENOMEM no room for an extent.
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
 * rf_ledger_memory_remove() - remove unowned memory from the table
 * @table: the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE; parts that are not in the table are ignored
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -EBUSY some of it is not FREE; -ENOMEM no room to split extents.
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

/* ---- changing hands ---- */

/* Is all of [start, end) in the table, @owner's, in @state, and CLEAN if @clean? */
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

/* Would this change leave @owner with more ranges than fit in a grant? */
static bool rf_memory_too_many(const struct rf_memory_table *table, __u64 start, __u64 size,
			       __u32 owner, enum rf_memory_state from, enum rf_memory_state to)
{
	if (!rf_owner_is_subos(owner) || (from != RF_MEMORY_OWNED && to != RF_MEMORY_OWNED))
		return false;
	return !rf_ledger_memory_would_fit(table, owner, start, size, to == RF_MEMORY_OWNED);
}

/**
 * rf_ledger_memory_move() - change the state of memory, and so perhaps its owner
 * @table: the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @owner: a subOS or the arena: the current owner, unless @from is FREE, and the next owner,
 *         unless @to is FREE
 * @from: the state that all of the memory is in
 * @to: the new state
 *
 * Memory that becomes FREE is LEFT. If it is clean already, rf_ledger_memory_set_content() can
 * say so next, and never lacks room: it needs no more than this change did.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL the transition is not allowed, or @owner cannot own memory; -ERANGE some of
 *         the memory is not in the table, not @owner's, or not in state @from; -EUCLEAN some
 *         FREE memory is not CLEAN; -ENOSPC @owner would have more than RF_RANGES_MAX ranges;
 *         -ENOMEM no room to split extents. On error nothing has changed.
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
 * rf_ledger_memory_set_content() - record what unowned memory holds
 * @table: the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @content: what the memory holds now
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EINVAL; -ERANGE some of it is not in the table, or not FREE; -ENOMEM no room to
 *         split extents.
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
 * rf_ledger_memory_set_boot() - mark where the boot area of a subOS begins
 * @table: the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @owner: the subOS, with no boot area yet. The mark is dropped when the memory becomes FREE.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -ERANGE the memory is not @owner's, or is LEAVING; -EEXIST @owner has a boot area;
 *         -ENOSPC @owner would have more than RF_RANGES_MAX ranges; -ENOMEM no room to split.
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
	/* The mark would split a range, which leaves too many. */
	table->extents[at].boot = false;
	rf_extent_merge(table, start, start);
	return -ENOSPC;
}

/*
 * Memory that a subOS or the arena uses already, found in a copy: see rf_ledger_adopt(). In the
 * table all of it is still FREE, with any content. Context: as above.
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
