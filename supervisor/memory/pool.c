// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: memory that is not the supervisor's. It comes from ranges reserved
 * at boot (reserved.c) and from memory blocks taken at run time (blocks.c), and
 * is carved in steps of RF_EXTENT_SIZE: partitions from the bottom of free
 * extents, the arena from the top, so that whole aligned blocks stay free for
 * subOSes that grow.
 *
 * Memory is cleared before it gets another owner: at the end of a subOS at once,
 * and soon after what a running one gave up, so that memory nobody owns holds only
 * zeros. With poison=1 (fill.c) it holds a pattern instead, is verified and cleared
 * when it gets an owner, and partitions keep a distance of one extent.
 */
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "memory/internal.h"

#define RF_CLEAR_STEP		(8ULL << 20)	/* cleared at a time, others wait that long */
/* After memory was given up, for more of it may follow, and somebody waits for that. */
#define RF_CLEAR_DELAY		(HZ / 5)

/* ---- cleared in the background ---- */

/* Clear some of what an owner left; false: there is nothing left, or it cannot be mapped now. */
static bool rf_pool_clear_some(void)
{
	struct rf_pool_extent *extent;

	list_for_each_entry(extent, &rf_pool, node) {
		if (extent->owner || extent->content != RF_CONTENT_LEFT)
			continue;
		if (rf_pool_split(extent, extent->start + RF_CLEAR_STEP) ||
		    rf_fill(extent->start, extent->size, rf_free_byte()))
			return false;
		extent->content = RF_CONTENT_CLEAN;
		rf_pool_merge(false);
		return true;
	}
	return false;
}

/* All that owners left, so that it joins what is clean already. Ledger lock held. */
static void rf_pool_clear_left(void)
{
	while (rf_pool_clear_some())
		;
}

static void rf_pool_clear(struct work_struct *unused)
{
	bool more;

	do {
		mutex_lock(&rf_ledger_lock);
		more = rf_pool_clear_some();
		mutex_unlock(&rf_ledger_lock);
	} while (more);
}

static DECLARE_DELAYED_WORK(rf_clear_work, rf_pool_clear);

/**
 * rf_pool_put() - memory loses its owner, and is cleared soon
 * @start: physical address
 * @size: bytes; whole extents
 *
 * In the background, or when it gets its next owner if that is sooner.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_pool_put(u64 start, u64 size)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_extents_disown(start, size, RF_CONTENT_LEFT);
	mod_delayed_work(system_unbound_wq, &rf_clear_work, RF_CLEAR_DELAY);
}

/* Clear now what is to be cleared soon. Context: process, may sleep; ledger lock not held. */
void rf_pool_clear_wait(void)
{
	flush_delayed_work(&rf_clear_work);
}

/* Bytes that are still to be cleared in the background. Ledger lock held. */
u64 rf_pool_left(void)
{
	struct rf_pool_extent *extent;
	u64 sum = 0;

	list_for_each_entry(extent, &rf_pool, node)
		if (!extent->owner && extent->content == RF_CONTENT_LEFT)
			sum += extent->size;
	return sum;
}

/* ---- who gets what ---- */

/* Distance from other partitions that a carve keeps at both ends of a free extent. */
static u64 rf_guard(void)
{
	return rf_free_byte() ? RF_EXTENT_SIZE : 0;
}

static u64 rf_extent_usable(const struct rf_pool_extent *extent, int node)
{
	if (extent->owner || (node >= 0 && extent->nid != node) ||
	    extent->size <= 2 * rf_guard())
		return 0;
	return extent->size - 2 * rf_guard();
}

/* The free extent to carve from: the smallest that holds all, else the largest. */
static struct rf_pool_extent *rf_pool_pick(u64 size, int node)
{
	struct rf_pool_extent *extent, *fits = NULL, *largest = NULL;

	list_for_each_entry(extent, &rf_pool, node) {
		u64 usable = rf_extent_usable(extent, node);

		if (usable >= size && (!fits || extent->size < fits->size))
			fits = extent;
		if (usable && (!largest || extent->size > largest->size))
			largest = extent;
	}
	return fits ?: largest;
}

static u64 rf_pool_usable(int node)
{
	struct rf_pool_extent *extent;
	u64 sum = 0;

	list_for_each_entry(extent, &rf_pool, node)
		sum += rf_extent_usable(extent, node);
	return sum;
}

/* Memory gets an owner: it must hold only zeros, and must have been left alone so far. */
static int rf_extent_clear(struct rf_pool_extent *extent)
{
	u64 wrong;

	if (extent->content == RF_CONTENT_CLEAN && rf_free_byte()) {
		wrong = rf_find_other(extent->start, extent->size, rf_free_byte());
		if (wrong)
			pr_err("memory nobody owned was written at 0x%llx\n", wrong);
	} else if (extent->content == RF_CONTENT_CLEAN) {
		return 0;
	}
	extent->content = RF_CONTENT_LEFT;
	return rf_fill(extent->start, extent->size, 0);
}

/* [start, start + size), inside a free extent, gets an owner. On an error nobody owns it. */
static int rf_extent_give(struct rf_pool_extent *extent, u64 start, u64 size, u32 owner)
{
	int rc;

	if (rf_pool_split(extent, start))
		return -ENOMEM;
	if (extent->start < start)
		extent = list_next_entry(extent, node);
	if (rf_pool_split(extent, start + size))
		return -ENOMEM;
	rc = rf_extent_clear(extent);
	if (!rc)
		extent->owner = owner;
	return rc;
}

/* Give @size bytes from free extents to @subos. -ENOMEM leaves what was carved with it. */
static int rf_pool_carve(struct rf_subos *subos, u64 size, int node)
{
	while (size) {
		struct rf_pool_extent *extent = rf_pool_pick(size, node);
		u64 start, part;
		int rc;

		if (!extent || subos->nr_ranges == RF_RANGES_MAX)
			return -ENOMEM;
		start = extent->start + rf_guard();
		part = min(size, rf_extent_usable(extent, node));
		rc = rf_extent_give(extent, start, part, subos->id);
		if (rc)
			return rc;
		subos->ranges[subos->nr_ranges++] = (struct rf_range){ start, part };
		size -= part;
	}
	return 0;
}

/**
 * rf_pool_could_take() - is a rf_pool_take() worth trying?
 * @size: bytes
 * @node: NUMA node, or -1
 * @available: how much could be given at best
 *
 * What is still to be cleared is cleared now, so that it does not lie apart.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
bool rf_pool_could_take(u64 size, int node, u64 *available)
{
	struct rf_memory memory = { .node = node };

	lockdep_assert_held(&rf_ledger_lock);
	rf_pool_clear_left();
	*available = rf_pool_usable(node);
	if (*available >= size)
		return true;
	rf_blocks_figures(&memory);
	*available += memory.movable + memory.other;
	return *available >= 2 * rf_guard() && *available - 2 * rf_guard() >= size;
}

/**
 * rf_pool_take() - give a subOS its memory, cleared
 * @subos: the new owner; its ranges[] also hold what it got before an error
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 * @available: on -ENOMEM, how much could have been given
 *
 * Takes memory blocks from the supervisor if the pool is too small.
 *
 * Context: Process context, interruptible. Ledger lock held.
 * Return: 0, -ENOMEM, -EINTR.
 */
int rf_pool_take(struct rf_subos *subos, u64 size, int node, u64 *available)
{
	u64 usable = rf_pool_usable(node), taken;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (usable < size) {
		rc = rf_blocks_take(size - usable + 2 * rf_guard(), node, &taken);
		*available = rf_pool_usable(node);
		if (rc)
			return rc;
	}
	rc = rf_step("memory-carve");
	if (!rc)
		rc = rf_pool_carve(subos, size, node);
	return rc;
}

/**
 * rf_pool_take_top() - memory from the top of the highest free extent that has room
 * @owner: the new owner
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @start: set to its physical address
 *
 * Takes memory blocks from the supervisor if the pool has no room.
 *
 * Context: Process context, interruptible. Ledger lock held.
 * Return: 0, with the memory cleared; -ENOMEM, -EINTR.
 */
int rf_pool_take_top(u32 owner, u64 size, u64 *start)
{
	struct rf_pool_extent *extent, *highest;
	u64 taken;
	int rc, tries;

	lockdep_assert_held(&rf_ledger_lock);
	for (tries = 0; tries < 2; tries++) {
		highest = NULL;
		list_for_each_entry(extent, &rf_pool, node)
			if (rf_extent_usable(extent, -1) >= size)
				highest = extent;
		if (highest) {
			*start = highest->start + highest->size - rf_guard() - size;
			return rf_extent_give(highest, *start, size, owner);
		}
		rc = rf_blocks_take(size + 2 * rf_guard(), -1, &taken);
		if (rc)
			return rc;
	}
	return -ENOMEM;
}

/* Bytes in whole blocks of @align in a free extent; *@start: the first of them. */
static u64 rf_extent_aligned(const struct rf_pool_extent *extent, u64 align, int node, u64 *start)
{
	u64 end = ALIGN_DOWN(extent->start + extent->size, align);

	*start = ALIGN(extent->start, align);
	if (extent->owner || (node >= 0 && extent->nid != node) || end <= *start)
		return 0;
	return end - *start;
}

static u64 rf_pool_aligned(u64 align, int node)
{
	struct rf_pool_extent *extent;
	u64 sum = 0, start;

	list_for_each_entry(extent, &rf_pool, node)
		sum += rf_extent_aligned(extent, align, node, &start);
	return sum;
}

/* One run of whole blocks: the smallest that holds all, else the largest. */
static int rf_pool_carve_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *range)
{
	struct rf_pool_extent *extent, *best = NULL;
	u64 start, part, best_part = 0;

	list_for_each_entry(extent, &rf_pool, node) {
		part = rf_extent_aligned(extent, align, node, &start);
		if (part && (!best || (best_part < size ? part > best_part
							: part >= size && part < best_part))) {
			best = extent;
			best_part = part;
		}
	}
	if (!best)
		return -ENOMEM;
	rf_extent_aligned(best, align, node, &start);
	*range = (struct rf_range){ start, min(size, best_part) };
	return rf_extent_give(best, range->start, range->size, owner);
}

/**
 * rf_pool_take_aligned() - whole aligned memory blocks, in as few ranges as possible
 * @owner: the new owner
 * @size: bytes, a multiple of @align
 * @align: a power of two, at least RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 * @ranges: filled
 * @count: in: room in @ranges; out: how many
 * @available: on -ENOMEM, how much could have been given
 *
 * Takes memory blocks from the supervisor if the pool is too small; what was taken
 * in vain stays in the pool, see rf_blocks_give_back().
 *
 * Context: Process context, interruptible. Ledger lock held.
 * Return: 0, with the memory cleared; -ENOMEM, -EINTR: nobody owns it.
 */
int rf_pool_take_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *ranges,
			 u32 *count, u64 *available)
{
	struct rf_memory memory = { .node = node };
	u32 room = *count;
	u64 taken;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	*count = 0;
	*available = rf_pool_aligned(align, node);
	if (*available < size) {
		rf_pool_clear_left();
		rf_pool_merge(true);
		*available = rf_pool_aligned(align, node);
	}
	if (*available < size) {
		rf_blocks_figures(&memory);
		if (size - *available > memory.movable + memory.other) {
			*available += ALIGN_DOWN(memory.movable + memory.other, align);
			return -ENOMEM;
		}
		rc = rf_blocks_take(size - *available, node, &taken);
		*available = rf_pool_aligned(align, node);
		if (rc == -EINTR)
			return rc;
		rc = *available < size ? -ENOMEM : 0;
	}
	while (!rc && size) {
		if (*count == room) {
			rc = -ENOMEM;
			break;
		}
		rc = rf_pool_carve_aligned(owner, size, align, node, &ranges[*count]);
		if (!rc)
			size -= ranges[(*count)++].size;
	}
	while (rc && *count) {
		(*count)--;
		rf_pool_put(ranges[*count].start, ranges[*count].size);
	}
	return rc;
}

/**
 * rf_pool_take_back() - take a subOS's memory back, cleared
 * @subos: the owner; none of its cores or devices can write any more
 * @returned: counts the bytes
 *
 * Context: Process context. Ledger lock held.
 * Return: 0 or an error; the subOS keeps the ranges that could not be cleared.
 */
int rf_pool_take_back(struct rf_subos *subos, u64 *returned)
{
	int rc, result = 0;
	u32 kept = 0;

	lockdep_assert_held(&rf_ledger_lock);
	while (kept < subos->nr_ranges) {
		struct rf_range range = subos->ranges[kept];

		rc = rf_step("memory-clear");
		if (!rc)
			rc = rf_fill(range.start, range.size, rf_free_byte());
		if (!rc)
			rc = rf_ranges_remove(subos, range.start, range.size);
		if (rc) {
			kept++;
			result = rc;
			continue;
		}
		rf_extents_disown(range.start, range.size, RF_CONTENT_CLEAN);
		*returned += range.size;
	}
	return result;
}

/* First address in memory nobody owns that does not hold what it should, or 0. Reads it all. */
u64 rf_pool_check(void)
{
	struct rf_pool_extent *extent;
	u64 wrong;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry(extent, &rf_pool, node) {
		if (extent->owner || extent->content != RF_CONTENT_CLEAN)
			continue;
		wrong = rf_find_other(extent->start, extent->size, rf_free_byte());
		if (wrong)
			return wrong;
	}
	return 0;
}
