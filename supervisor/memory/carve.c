// SPDX-License-Identifier: GPL-2.0
/*
 * Who gets which part of the pool, in steps of RF_EXTENT_SIZE: partitions from the bottom
 * of free pieces, the arena from the top, so that whole aligned blocks stay free for subOSes
 * that grow.
 *
 * With poison=1 (fill.c) free memory is verified and cleared when it gets an owner, and
 * partitions keep a distance of one extent.
 */
#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>

#include "memory/internal.h"

/* Distance from other partitions that a carve keeps at both ends of a free piece. */
static u64 rf_guard(void)
{
	return rf_free_byte() ? RF_EXTENT_SIZE : 0;
}

static u64 rf_pool_usable(int node)
{
	return rf_ledger_memory_usable(&rf_books.memory, node, rf_guard());
}

/* With poison=1: CLEAN memory must still hold the pattern. */
static int rf_pool_verify(const struct rf_range *range)
{
	const u64 end = range->start + range->size;
	const struct rf_extent *extent;
	u64 at, next, wrong;
	int rc;

	for (at = range->start; at < end; at = next) {
		extent = rf_ledger_memory_next(&rf_books.memory, RF_OWNER_SUPERVISOR, at);
		next = min(end, extent->start + extent->size);
		if (extent->content != RF_CONTENT_CLEAN)
			continue;
		rc = rf_find_other(at, next - at, rf_free_byte(), &wrong);
		if (rc)
			return rc;
		if (wrong)
			pr_err("memory nobody owned was written at 0x%llx\n", wrong);
	}
	return 0;
}

/* Before memory gets an owner: make it hold only zeros. */
static int rf_pool_clear_all(const struct rf_range *range)
{
	struct rf_range part;
	int rc = 0;

	if (rf_free_byte()) {
		rc = rf_pool_verify(range) ?:
		     rf_extents_set_content(range->start, range->size, RF_CONTENT_LEFT);
	}
	while (!rc && rf_ledger_memory_next_unclean(&rf_books.memory, range->start, range->size,
						    &part))
		rc = rf_fill(part.start, part.size, 0) ?:
		     rf_extents_set_content(part.start, part.size, RF_CONTENT_CLEAN);
	return rc;
}

/* Give free memory to @owner, for use after rf_pool_own(). On an error it stays unowned. */
static int rf_pool_give(u32 owner, const struct rf_range *range)
{
	int rc = rf_pool_clear_all(range);

	if (!rc)
		rc = rf_extents_move(owner, range->start, range->size, RF_MEMORY_FREE,
				     RF_MEMORY_COMING);
	/* With poison=1 unowned memory must hold the pattern again, not zeros. */
	if (rc && rf_free_byte())
		rf_expect(rf_extents_set_content(range->start, range->size, RF_CONTENT_LEFT));
	return rc;
}

/* For a create: the subOS owns the memory at once; the first range is its boot range. */
static int rf_pool_give_first(struct rf_subos *subos, const struct rf_range *range)
{
	const u32 id = subos->id;
	int rc;

	static_assert(RF_BOOT_AREA_SIZE <= RF_EXTENT_SIZE);
	if (!rf_ledger_memory_would_fit(&rf_books.memory, id, range->start, range->size, true))
		return -ENOMEM;
	rc = rf_pool_give(id, range);
	if (rc)
		return rc;
	if (!rf_ledger_memory_boot(&rf_books.memory, id))
		rf_expect(rf_extents_set_boot(id, range->start));
	rf_expect(rf_pool_own(id, range->start, range->size));
	return 0;
}

/* Clear some of what would be picked; if it is clean, give it. Return: bytes given, or an error. */
static s64 rf_pool_carve_some(struct rf_subos *subos, u64 size, int node)
{
	struct rf_range range;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_ledger_memory_pick(&rf_books.memory, size, node, rf_guard(), &range))
		return -ENOMEM;
	rc = rf_pool_clear_part(&range);
	if (rc)
		return min(rc, 0);
	return rf_pool_give_first(subos, &range) ?: range.size;
}

/* How much could be given; with @align, in whole aligned blocks. */
static u64 rf_pool_ready(u64 align, int node)
{
	return align ? rf_ledger_memory_usable_blocks(&rf_books.memory, align, node) :
		       rf_pool_usable(node);
}

/**
 * rf_pool_at_best() - how much memory could be given to one owner, if all that may work does
 * @memory: node, and its figures, see rf_blocks_figures()
 * @align: for whole aligned memory blocks: their size; else 0
 *
 * Context: Process context. Ledger lock held.
 * Return: bytes.
 */
u64 rf_pool_at_best(const struct rf_memory *memory, u64 align)
{
	u64 blocks = min(memory->movable + memory->other,
			 rf_memory_spare() + rf_blocks_returning());

	lockdep_assert_held(&rf_ledger_lock);
	return rf_pool_ready(align, memory->node) +
	       (align ? ALIGN_DOWN(blocks, align) : blocks - min(blocks, 2 * rf_guard()));
}

/**
 * rf_pool_could_take() - is it worth trying to get so much memory?
 * @size: bytes
 * @align: as above
 * @node: NUMA node, or -1
 * @available: how much could be given at best
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
bool rf_pool_could_take(u64 size, u64 align, int node, u64 *available)
{
	struct rf_memory memory = { .node = node };

	lockdep_assert_held(&rf_ledger_lock);
	*available = rf_pool_ready(align, node);
	if (*available >= size)
		return true;
	rf_blocks_figures(&memory);
	*available = rf_pool_at_best(&memory, align);
	return *available >= size;
}

/**
 * rf_pool_missing() - how much memory the pool lacks
 * @size: bytes wanted
 * @align: as above
 * @node: NUMA node, or -1
 * @ample: with poison=1, also for the distances between those that share it
 * @available: how much there is
 *
 * Context: Process context. Ledger lock held.
 */
u64 rf_pool_missing(u64 size, u64 align, int node, bool ample, u64 *available)
{
	/* Two homes of the arena and one range: each has two neighbours. */
	u64 wanted = size + (ample && !align ? 6 * rf_guard() : 0);

	lockdep_assert_held(&rf_ledger_lock);
	*available = rf_pool_ready(align, node);
	return wanted > *available ? wanted - *available : 0;
}

/**
 * rf_pool_take() - give a subOS its memory, cleared
 * @subos: the new owner, also of the memory carved before an error
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 *
 * Others may be faster. The ledger lock is held for a part at a time.
 *
 * Context: Process context. Ledger lock not held; nobody else changes what @subos owns.
 * Return: 0, -ENOMEM.
 */
int rf_pool_take(struct rf_subos *subos, u64 size, int node)
{
	s64 rc = rf_step("memory-carve");

	while (rc >= 0 && size) {
		mutex_lock(&rf_ledger_lock);
		rc = rf_pool_carve_some(subos, size, node);
		mutex_unlock(&rf_ledger_lock);
		size -= max(rc, 0LL);
	}
	return min(rc, 0LL);
}

/**
 * rf_pool_take_top() - take memory from the top of the highest free piece that has room
 * @owner: the new owner
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @start: set to its physical address
 *
 * Context: Process context. Ledger lock held.
 * Return: 0, with the memory cleared, and COMING; -ENOMEM.
 */
int rf_pool_take_top(u32 owner, u64 size, u64 *start)
{
	struct rf_range range;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_ledger_memory_pick_top(&rf_books.memory, size, rf_guard(), &range))
		return -ENOMEM;
	*start = range.start;
	return rf_pool_give(owner, &range);
}

/* As rf_pool_carve_some(). */
static s64 rf_pool_take_some(u32 owner, u64 size, u64 align, int node, struct rf_range *range)
{
	int rc;

	if (!rf_ledger_memory_pick_blocks(&rf_books.memory, size, align, node, range))
		return -ENOMEM;
	rc = rf_pool_clear_part(range);
	if (rc)
		return min(rc, 0);
	return rf_pool_give(owner, range) ?: range->size;
}

/**
 * rf_pool_take_aligned() - take whole aligned memory blocks, in as few ranges as possible
 * @owner: the new owner
 * @size: bytes, a multiple of @align
 * @align: a power of two, at least RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 * @ranges: filled
 * @count: in: room in @ranges; out: how many
 *
 * Context: as rf_pool_take().
 * Return: 0, with the memory cleared, and COMING; -ENOMEM: nobody owns it.
 */
int rf_pool_take_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *ranges,
			 u32 *count)
{
	u32 room = *count;
	s64 rc = 0;

	*count = 0;
	while (rc >= 0 && size) {
		mutex_lock(&rf_ledger_lock);
		rc = *count < room ? rf_pool_take_some(owner, size, align, node, &ranges[*count]) :
				     -ENOMEM;
		mutex_unlock(&rf_ledger_lock);
		size -= max(rc, 0LL);
		*count += rc > 0;
	}
	mutex_lock(&rf_ledger_lock);
	while (rc < 0 && *count) {
		(*count)--;
		rf_pool_put(owner, ranges[*count].start, ranges[*count].size, RF_MEMORY_COMING);
	}
	mutex_unlock(&rf_ledger_lock);
	return min(rc, 0LL);
}
