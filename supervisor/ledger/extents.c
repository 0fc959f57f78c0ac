// SPDX-License-Identifier: GPL-2.0
/* The array of extents: searching, splitting and merging, whoever owns them. */
#include "extents.h"
#include "portable.h"

/**
 * rf_ledger_memory_init() - initialize an empty table
 * @table: the table
 * @extents: storage for the table
 * @capacity: of @extents
 *
 * Context: Before the table is visible to anybody else.
 */
void rf_ledger_memory_init(struct rf_memory_table *table, struct rf_extent *extents,
			   __u32 capacity)
{
	table->extents = extents;
	table->count = 0;
	table->capacity = capacity;
	table->bytes = 0;
}

/**
 * rf_ledger_memory_grow() - move the table into other storage
 * @table: the table
 * @extents: storage for the table
 * @capacity: of @extents
 *
 * Context: Ledger lock and state lock held.
 * Return: the array to free once the locks are released: the old storage, or @extents if
 *         that is too small.
 */
struct rf_extent *rf_ledger_memory_grow(struct rf_memory_table *table, struct rf_extent *extents,
					__u32 capacity)
{
	struct rf_extent *before = table->extents;

	if (capacity < table->count)
		return extents;
	if (table->count)
		memcpy(extents, before, table->count * sizeof(*extents));
	table->extents = extents;
	table->capacity = capacity;
	return before;
}

/* How many more extents fit into the table. Context: ledger lock held. */
__u32 rf_ledger_memory_spare(const struct rf_memory_table *table)
{
	return table->capacity - table->count;
}

/* Number of the first extent that ends above @address; table->count: none. */
__u32 rf_extent_above(const struct rf_memory_table *table, __u64 address)
{
	__u32 low = 0, high = table->count;

	while (low < high) {
		__u32 middle = low + (high - low) / 2;

		if (rf_extent_end(&table->extents[middle]) > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* The caller has checked that there is room. */
void rf_extent_insert(struct rf_memory_table *table, __u32 at, const struct rf_extent *new)
{
	memmove(&table->extents[at + 1], &table->extents[at],
		(table->count - at) * sizeof(*new));
	table->extents[at] = *new;
	table->count++;
}

void rf_extent_delete(struct rf_memory_table *table, __u32 at)
{
	table->count--;
	memmove(&table->extents[at], &table->extents[at + 1],
		(table->count - at) * sizeof(table->extents[0]));
}

/* Does an extent begin before @address and end after it? */
static bool rf_extent_spans(const struct rf_memory_table *table, __u64 address)
{
	__u32 at = rf_extent_above(table, address);

	return at < table->count && table->extents[at].start < address;
}

/* Split the extent that spans @address, if there is one. */
void rf_extent_split(struct rf_memory_table *table, __u64 address)
{
	struct rf_extent *lower, upper;
	__u32 at = rf_extent_above(table, address);

	if (!rf_extent_spans(table, address))
		return;
	lower = &table->extents[at];
	upper = *lower;
	upper.size = rf_extent_end(lower) - address;
	upper.start = address;
	upper.boot = false;
	lower->size = address - lower->start;
	rf_extent_insert(table, at + 1, &upper);
}

/* Is there room to split the extents that span @start and @end? */
bool rf_extent_room(const struct rf_memory_table *table, __u64 start, __u64 end)
{
	__u32 splits = rf_extent_spans(table, start) + rf_extent_spans(table, end);

	return rf_ledger_memory_spare(table) >= splits;
}

bool rf_extent_joins(const struct rf_extent *lower, const struct rf_extent *upper)
{
	return rf_extent_end(lower) == upper->start && lower->nid == upper->nid &&
	       lower->reserved == upper->reserved && lower->owner == upper->owner &&
	       lower->state == upper->state && lower->content == upper->content &&
	       !upper->boot;
}

/* Merge adjacent extents that are alike, where they touch [start, end], from the top down. */
void rf_extent_merge(struct rf_memory_table *table, __u64 start, __u64 end)
{
	__u32 first = rf_extent_above(table, start ? start - 1 : 0);
	__u32 at = rf_extent_above(table, end);

	if (at >= table->count)
		at = table->count ? table->count - 1 : 0;
	for (; at > first; at--) {
		if (!rf_extent_joins(&table->extents[at - 1], &table->extents[at]))
			continue;
		table->extents[at - 1].size += table->extents[at].size;
		rf_extent_delete(table, at);
	}
}
