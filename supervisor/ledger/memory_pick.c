// SPDX-License-Identifier: GPL-2.0
/*
 * Chooses free memory to give: the smallest piece that is large enough, so that large pieces
 * stay whole; from the top, for shared memory; or in whole memory blocks.
 *
 * A piece is contiguous free memory of one node and of one origin, whatever it holds: the parts
 * that are not CLEAN are cleared before it is given.
 */
#include "extents.h"
#include "memory.h"
#include "portable.h"

struct rf_piece {
	__u64 start;
	__u64 size;
};

static bool rf_piece_wanted(const struct rf_extent *extent, __s32 node)
{
	return extent->state == RF_MEMORY_FREE && (node < 0 || extent->nid == node);
}

/* The next piece on @node, at or after extent *@at, which is moved past the piece. */
static bool rf_piece_next(const struct rf_memory_table *table, __s32 node, __u32 *at,
			  struct rf_piece *piece)
{
	const struct rf_extent *extent, *before;

	while (*at < table->count && !rf_piece_wanted(&table->extents[*at], node))
		(*at)++;
	if (*at == table->count)
		return false;
	before = &table->extents[(*at)++];
	piece->start = before->start;
	piece->size = before->size;
	for (; *at < table->count; (*at)++, before = extent) {
		extent = &table->extents[*at];
		if (!rf_piece_wanted(extent, node) || rf_extent_end(before) != extent->start ||
		    before->nid != extent->nid || before->reserved != extent->reserved)
			break;
		piece->size += extent->size;
	}
	return true;
}

/* What is left of a piece if @guard bytes are to stay free at both ends. */
static __u64 rf_piece_usable(const struct rf_piece *piece, __u64 guard)
{
	return piece->size > 2 * guard ? piece->size - 2 * guard : 0;
}

/**
 * rf_ledger_memory_usable() - how much could be given, in any number of pieces
 * @table: the table
 * @node: NUMA node, or -1
 * @guard: bytes to keep free at both ends of each piece, a multiple of RF_EXTENT_SIZE
 *
 * Context: Ledger lock held, as for all below.
 * Return: bytes.
 */
__u64 rf_ledger_memory_usable(const struct rf_memory_table *table, __s32 node, __u64 guard)
{
	struct rf_piece piece;
	__u64 sum = 0;
	__u32 at = 0;

	while (rf_piece_next(table, node, &at, &piece))
		sum += rf_piece_usable(&piece, guard);
	return sum;
}

/**
 * rf_ledger_memory_pick() - the smallest piece that can hold @size bytes, else the largest
 * @table: the table
 * @size: bytes
 * @node: NUMA node, or -1
 * @guard: bytes to keep free at both ends of the piece
 * @range: set to the part of the piece to give, at most @size
 *
 * Return: whether there is anything to give.
 */
bool rf_ledger_memory_pick(const struct rf_memory_table *table, __u64 size, __s32 node,
			   __u64 guard, struct rf_range *range)
{
	struct rf_piece piece, best = { 0, 0 };
	__u64 usable, best_usable = 0;
	__u32 at = 0;

	while (rf_piece_next(table, node, &at, &piece)) {
		usable = rf_piece_usable(&piece, guard);
		if (best_usable < size ? usable > best_usable
				       : usable >= size && usable < best_usable) {
			best = piece;
			best_usable = usable;
		}
	}
	range->start = best.start + guard;
	range->size = best_usable < size ? best_usable : size;
	return range->size;
}

/**
 * rf_ledger_memory_pick_top() - the top of the highest piece that can hold @size bytes
 * @table: the table
 * @size: bytes
 * @guard: bytes to keep free at both ends of the piece
 * @range: set to the part of the piece to give
 *
 * Return: whether there is such a piece.
 */
bool rf_ledger_memory_pick_top(const struct rf_memory_table *table, __u64 size, __u64 guard,
			       struct rf_range *range)
{
	struct rf_piece piece;
	bool found = false;
	__u32 at = 0;

	while (size && rf_piece_next(table, -1, &at, &piece)) {
		if (rf_piece_usable(&piece, guard) < size)
			continue;
		range->start = piece.start + piece.size - guard - size;
		range->size = size;
		found = true;
	}
	return found;
}

/* The whole blocks in a piece: bytes, and *@start of the first one. @block: a power of two. */
static __u64 rf_piece_blocks(const struct rf_piece *piece, __u64 block, __u64 *start)
{
	__u64 end = (piece->start + piece->size) & ~(block - 1);

	*start = (piece->start + block - 1) & ~(block - 1);
	return *start >= piece->start && end > *start ? end - *start : 0;
}

/* Bytes in whole free blocks of @block bytes, a power of two. */
__u64 rf_ledger_memory_usable_blocks(const struct rf_memory_table *table, __u64 block, __s32 node)
{
	struct rf_piece piece;
	__u64 sum = 0, start;
	__u32 at = 0;

	while (rf_piece_next(table, node, &at, &piece))
		sum += rf_piece_blocks(&piece, block, &start);
	return sum;
}

/**
 * rf_ledger_memory_pick_blocks() - blocks: the shortest run that holds @size, else the longest
 * @table: the table
 * @size: bytes, a multiple of @block
 * @block: bytes, a power of two, at least RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 * @range: set to the blocks to give, at most @size
 *
 * Return: whether there is anything to give.
 */
bool rf_ledger_memory_pick_blocks(const struct rf_memory_table *table, __u64 size, __u64 block,
				  __s32 node, struct rf_range *range)
{
	__u64 part, start, best = 0;
	struct rf_piece piece;
	__u32 at = 0;

	while (rf_piece_next(table, node, &at, &piece)) {
		part = rf_piece_blocks(&piece, block, &start);
		if (best < size ? part > best : part >= size && part < best) {
			range->start = start;
			best = part;
		}
	}
	range->size = best < size ? best : size;
	return range->size;
}

/**
 * rf_ledger_memory_figures() - how much memory there is
 * @table: the table
 * @node: NUMA node, or -1
 * @figures: filled
 */
void rf_ledger_memory_figures(const struct rf_memory_table *table, __s32 node,
			      struct rf_memory_figures *figures)
{
	struct rf_piece piece;
	__u32 at;

	memset(figures, 0, sizeof(*figures));
	for (at = 0; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (node >= 0 && extent->nid != node)
			continue;
		figures->total += extent->size;
		if (extent->reserved)
			figures->reserved += extent->size;
		if (extent->state != RF_MEMORY_FREE)
			continue;
		figures->free += extent->size;
		if (extent->content == RF_CONTENT_LEFT)
			figures->left += extent->size;
	}
	for (at = 0; rf_piece_next(table, node, &at, &piece);)
		if (piece.size > figures->largest)
			figures->largest = piece.size;
}
