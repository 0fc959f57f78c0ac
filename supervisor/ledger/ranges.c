// SPDX-License-Identifier: GPL-2.0
/*
 * Queries of the memory table, about one owner or about unowned memory. A range of an owner is
 * contiguous OWNED memory, whatever extents it spans; the boot area always begins a new range.
 */
#include "extents.h"
#include "memory.h"
#include "portable.h"

/* Ranges, found from the bottom up. */
struct rf_runs {
	struct rf_range *ranges;	/* may be NULL */
	__u32 room;			/* of @ranges */
	__u32 count;			/* of all ranges, also those that did not fit */
	__u32 boot;			/* index of the boot range, or ~0 */
	__u64 end;			/* of the last range */
};

#define RF_RUNS_NONE	((struct rf_runs){ .boot = ~0u })

static void rf_runs_add(struct rf_runs *runs, __u64 start, __u64 end, bool boot)
{
	if (!runs->count || runs->end != start || boot) {
		if (boot)
			runs->boot = runs->count;
		runs->count++;
		if (runs->count <= runs->room) {
			runs->ranges[runs->count - 1].start = start;
			runs->ranges[runs->count - 1].size = 0;
		}
	}
	runs->end = end;
	if (runs->count <= runs->room)
		runs->ranges[runs->count - 1].size = end - runs->ranges[runs->count - 1].start;
}

static bool rf_extent_is(const struct rf_extent *extent, __u32 owner, enum rf_memory_state state)
{
	return extent->owner == owner && extent->state == state;
}

static void rf_runs_find(struct rf_runs *runs, const struct rf_memory_table *table, __u32 owner,
			 enum rf_memory_state state)
{
	__u32 at;

	for (at = 0; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (rf_extent_is(extent, owner, state))
			rf_runs_add(runs, extent->start, rf_extent_end(extent), extent->boot);
	}
}

/**
 * rf_ledger_memory_ranges() - the ranges of a subOS, boot range first
 * @table: the table
 * @owner: the subOS
 * @ranges: filled; sorted by address, except for the first
 * @room: capacity of @ranges; RF_RANGES_MAX is always enough for a subOS
 *
 * Context: Ledger lock or state lock held, as for all below.
 * Return: how many ranges there are, even if not all of them fit.
 */
__u32 rf_ledger_memory_ranges(const struct rf_memory_table *table, __u32 owner,
			      struct rf_range *ranges, __u32 room)
{
	struct rf_runs runs = RF_RUNS_NONE;
	struct rf_range boot;

	runs.ranges = ranges;
	runs.room = room;
	rf_runs_find(&runs, table, owner, RF_MEMORY_OWNED);
	if (runs.boot < room) {
		boot = ranges[runs.boot];
		memmove(&ranges[1], &ranges[0], runs.boot * sizeof(boot));
		ranges[0] = boot;
	}
	return runs.count;
}

/**
 * rf_ledger_memory_next_range() - iterate over the ranges of an owner, by address
 * @table: the table
 * @owner: a subOS, or the arena
 * @from: 0, or the end of the previous range
 * @range: set to the next range
 *
 * Return: whether there is another range.
 */
bool rf_ledger_memory_next_range(const struct rf_memory_table *table, __u32 owner, __u64 from,
				 struct rf_range *range)
{
	__u32 at = rf_extent_above(table, from);

	while (at < table->count && !rf_extent_is(&table->extents[at], owner, RF_MEMORY_OWNED))
		at++;
	if (at == table->count)
		return false;
	range->start = table->extents[at].start;
	range->size = table->extents[at].size;
	for (at++; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (!rf_extent_is(extent, owner, RF_MEMORY_OWNED) || extent->boot ||
		    extent->start != range->start + range->size)
			break;
		range->size += extent->size;
	}
	return true;
}

/* How many more ranges @owner has room for, if none of them touches another one. */
__u32 rf_ledger_memory_room(const struct rf_memory_table *table, __u32 owner)
{
	struct rf_runs owned = RF_RUNS_NONE, coming = RF_RUNS_NONE;

	rf_runs_find(&owned, table, owner, RF_MEMORY_OWNED);
	rf_runs_find(&coming, table, owner, RF_MEMORY_COMING);
	if (owned.count + coming.count >= RF_RANGES_MAX)
		return 0;
	return RF_RANGES_MAX - owned.count - coming.count;
}

/**
 * rf_ledger_memory_would_fit() - would the ranges after this change fit in a grant?
 * @table: the table
 * @owner: the subOS
 * @start: physical address
 * @size: bytes
 * @granted: the memory is to become OWNED; else it is OWNED, and is to become LEAVING
 *
 * Losing memory, too, can leave a subOS with one more range.
 */
bool rf_ledger_memory_would_fit(const struct rf_memory_table *table, __u32 owner, __u64 start,
				__u64 size, bool granted)
{
	const __u64 end = start + size;
	struct rf_runs runs = RF_RUNS_NONE;
	__u32 at;

	for (at = 0; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];
		const __u64 last = rf_extent_end(extent);
		/* The part of the extent that lies in [start, end). */
		const __u64 from = extent->start > start ? extent->start : start;
		const __u64 to = last < end ? last : end;
		const bool owned = rf_extent_is(extent, owner, RF_MEMORY_OWNED);

		if (from >= to) {
			if (owned)
				rf_runs_add(&runs, extent->start, last, extent->boot);
			continue;
		}
		if (owned && extent->start < from)
			rf_runs_add(&runs, extent->start, from, extent->boot);
		if (granted)
			rf_runs_add(&runs, from, to, extent->boot && from == extent->start);
		if (owned && to < last)
			rf_runs_add(&runs, to, last, false);
	}
	return runs.count <= RF_RANGES_MAX;
}

/**
 * rf_ledger_memory_holds() - does one range of an owner contain this memory?
 * @table: the table
 * @owner: the subOS
 * @start: physical address, any
 * @size: bytes; 0 is never held
 */
bool rf_ledger_memory_holds(const struct rf_memory_table *table, __u32 owner, __u64 start,
			    __u64 size)
{
	const __u64 end = start + size, first = start;
	__u32 at;

	if (end <= start)
		return false;
	for (at = rf_extent_above(table, start); start < end; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (at == table->count || extent->start > start ||
		    !rf_extent_is(extent, owner, RF_MEMORY_OWNED) ||
		    (extent->boot && extent->start > first))
			return false;
		start = rf_extent_end(extent);
	}
	return true;
}

/* Address of @owner's boot area, or 0. */
__u64 rf_ledger_memory_boot(const struct rf_memory_table *table, __u32 owner)
{
	__u32 at;

	for (at = 0; at < table->count; at++)
		if (table->extents[at].boot && table->extents[at].owner == owner)
			return table->extents[at].start;
	return 0;
}

/* Bytes that are @owner's, in any state. */
__u64 rf_ledger_memory_owned(const struct rf_memory_table *table, __u32 owner)
{
	__u64 sum = 0;
	__u32 at;

	for (at = 0; at < table->count; at++)
		if (table->extents[at].owner == owner)
			sum += table->extents[at].size;
	return sum;
}

/* The first extent of @owner (RF_OWNER_SUPERVISOR: FREE) that ends above @from, or NULL. */
const struct rf_extent *rf_ledger_memory_next(const struct rf_memory_table *table, __u32 owner,
					      __u64 from)
{
	__u32 at;

	for (at = rf_extent_above(table, from); at < table->count; at++)
		if (table->extents[at].owner == owner)
			return &table->extents[at];
	return NULL;
}

/* Is this range unowned? Memory that is not in the table is. */
bool rf_ledger_memory_is_free(const struct rf_memory_table *table, __u64 start, __u64 size)
{
	__u32 at;

	for (at = rf_extent_above(table, start);
	     at < table->count && table->extents[at].start < start + size; at++)
		if (table->extents[at].state != RF_MEMORY_FREE)
			return false;
	return true;
}

/* Is all memory in this range FREE and CLEAN? Memory that is not in the table is ignored. */
bool rf_ledger_memory_is_clean(const struct rf_memory_table *table, __u64 start, __u64 size)
{
	__u32 at;

	for (at = rf_extent_above(table, start);
	     at < table->count && table->extents[at].start < start + size; at++)
		if (table->extents[at].content != RF_CONTENT_CLEAN)
			return false;
	return true;
}

/**
 * rf_ledger_memory_next_left() - find memory that is to be cleared next
 * @table: the table
 * @step: maximum number of bytes, a multiple of RF_EXTENT_SIZE
 * @range: set to some FREE memory that is LEFT
 *
 * Return: whether there is any.
 */
bool rf_ledger_memory_next_left(const struct rf_memory_table *table, __u64 step,
				struct rf_range *range)
{
	__u32 at;

	for (at = 0; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (extent->state != RF_MEMORY_FREE || extent->content != RF_CONTENT_LEFT)
			continue;
		range->start = extent->start;
		range->size = extent->size < step ? extent->size : step;
		return true;
	}
	return false;
}

/**
 * rf_ledger_memory_next_unclean() - find memory to clear before a range is given
 * @table: the table
 * @start: physical address
 * @size: bytes
 * @range: set to the first part of the memory that is FREE, but not CLEAN
 *
 * Return: whether there is any.
 */
bool rf_ledger_memory_next_unclean(const struct rf_memory_table *table, __u64 start, __u64 size,
				   struct rf_range *range)
{
	const __u64 end = start + size;
	__u32 at;

	for (at = rf_extent_above(table, start);
	     at < table->count && table->extents[at].start < end; at++) {
		const struct rf_extent *extent = &table->extents[at];
		const __u64 from = extent->start > start ? extent->start : start;
		const __u64 last = rf_extent_end(extent) < end ? rf_extent_end(extent) : end;

		if (extent->state != RF_MEMORY_FREE || extent->content == RF_CONTENT_CLEAN)
			continue;
		range->start = from;
		range->size = last - from;
		return true;
	}
	return false;
}
