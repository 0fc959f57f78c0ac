// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger of memory: extents of the pool, sorted, without overlap, each with
 * exactly one owner. Who is given what is decided in pool.c.
 */
#include <linux/slab.h>

#include "memory/internal.h"

LIST_HEAD(rf_pool);			/* ledger lock */

/* A new extent in its place in the list, otherwise like @like. */
static struct rf_pool_extent *rf_pool_insert(u64 start, u64 size, const struct rf_pool_extent *like)
{
	struct rf_pool_extent *extent = kzalloc(sizeof(*extent), GFP_KERNEL), *at;

	if (!extent)
		return NULL;
	*extent = *like;
	extent->start = start;
	extent->size = size;
	list_for_each_entry(at, &rf_pool, node)
		if (at->start > start)
			break;
	list_add_tail(&extent->node, &at->node);
	return extent;
}

/* Cut @extent at @address (inside it): it keeps the lower part. */
int rf_pool_split(struct rf_pool_extent *extent, u64 address)
{
	u64 lower = address - extent->start;

	if (!lower || lower >= extent->size)
		return 0;
	if (!rf_pool_insert(address, extent->size - lower, extent))
		return -ENOMEM;
	extent->size = lower;
	return 0;
}

/*
 * Join neighbours that nobody owns; with @all, also a clean one with one that is
 * not: then both have to be cleared.
 */
void rf_pool_merge(bool all)
{
	struct rf_pool_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		while (!list_entry_is_head(next, &rf_pool, node) && !extent->owner &&
		       !next->owner && extent->start + extent->size == next->start &&
		       extent->nid == next->nid && extent->reserved == next->reserved &&
		       (all || extent->content == next->content)) {
			struct rf_pool_extent *after = list_next_entry(next, node);

			extent->size += next->size;
			extent->content = min(extent->content, next->content);
			list_del(&next->node);
			kfree(next);
			next = after;
		}
	}
}

/**
 * rf_pool_add() - memory that nobody owns any more joins the pool
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node
 * @reserved: reserved at boot
 *
 * Context: Process context. Ledger lock held.
 * Return: 0 or -ENOMEM; on error the pool is as before.
 */
int rf_pool_add(u64 start, u64 size, int node, bool reserved)
{
	struct rf_pool_extent extent = {
		.nid = node, .reserved = reserved, .content = RF_CONTENT_BOOT,
	};

	/* What was reserved at boot is large, and nobody's: it is cleared when it is carved. */
	if (!reserved || rf_free_byte()) {
		if (rf_fill(start, size, rf_free_byte()))
			return -ENOMEM;
		extent.content = RF_CONTENT_CLEAN;
	}
	if (!rf_pool_insert(start, size, &extent))
		return -ENOMEM;
	rf_pool_merge(false);
	return 0;
}

/* Take memory that nobody owns out of the pool. Ledger lock held. */
int rf_pool_remove(u64 start, u64 size)
{
	struct rf_pool_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		if (extent->start + extent->size <= start || extent->start >= start + size)
			continue;
		if (rf_pool_split(extent, start))
			return -ENOMEM;
		if (extent->start < start) {
			next = list_next_entry(extent, node);
			continue;
		}
		if (rf_pool_split(extent, start + size))
			return -ENOMEM;
		list_del(&extent->node);
		kfree(extent);
	}
	return 0;
}

/* Does nobody own anything in this range? Ledger lock held. */
bool rf_pool_is_free(u64 start, u64 size)
{
	struct rf_pool_extent *extent;

	list_for_each_entry(extent, &rf_pool, node)
		if (extent->owner && extent->start < start + size &&
		    extent->start + extent->size > start)
			return false;
	return true;
}

/* Does memory that nobody owns hold only zeros in this range? Ledger lock held. */
bool rf_pool_is_zero(u64 start, u64 size)
{
	struct rf_pool_extent *extent;

	list_for_each_entry(extent, &rf_pool, node)
		if (extent->content != RF_CONTENT_CLEAN && extent->start < start + size &&
		    extent->start + extent->size > start)
			return false;
	return !rf_free_byte();
}

/* Bytes that belong to @owner. Ledger lock held. */
u64 rf_pool_owned(u32 owner)
{
	struct rf_pool_extent *extent;
	u64 sum = 0;

	list_for_each_entry(extent, &rf_pool, node)
		if (extent->owner == owner)
			sum += extent->size;
	return sum;
}

/* Copy who owns what memory into @ledger, as far as it has room. Ledger lock held. */
void rf_pool_ledger(struct rf_ledger *ledger)
{
	struct rf_pool_extent *extent;
	u32 i = 0;

	list_for_each_entry(extent, &rf_pool, node) {
		if (!extent->owner || i == RF_LEDGER_RANGES)
			continue;
		ledger->ranges[i].start = extent->start;
		ledger->ranges[i].size = extent->size;
		ledger->ranges[i].subos_id = extent->owner;
		i++;
	}
	ledger->nr_ranges = i;
}

/* Figures of the pool, in bytes, any pointer may be NULL. Ledger lock held. */
void rf_pool_figures(int node, u64 *total, u64 *free, u64 *largest, u64 *reserved)
{
	u64 sum = 0, sum_free = 0, sum_reserved = 0, max_free = 0;
	struct rf_pool_extent *extent;

	list_for_each_entry(extent, &rf_pool, node) {
		if (node >= 0 && extent->nid != node)
			continue;
		sum += extent->size;
		if (extent->reserved)
			sum_reserved += extent->size;
		if (extent->owner)
			continue;
		sum_free += extent->size;
		max_free = max(max_free, extent->size);
	}
	if (total)
		*total = sum;
	if (free)
		*free = sum_free;
	if (largest)
		*largest = max_free;
	if (reserved)
		*reserved = sum_reserved;
}

/* Everything in [start, start + size), whole extents, belongs to nobody from now on. */
void rf_extents_disown(u64 start, u64 size, enum rf_content content)
{
	struct rf_pool_extent *extent;

	list_for_each_entry(extent, &rf_pool, node)
		if (extent->start >= start && extent->start < start + size) {
			extent->owner = RF_OWNER_SUPERVISOR;
			extent->content = content;
		}
	rf_pool_merge(false);
}

/**
 * rf_pool_cut() - make extents begin and end where a range does
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 *
 * Context: Process context. Ledger lock held.
 * Return: 0 or -ENOMEM.
 */
int rf_pool_cut(u64 start, u64 size)
{
	struct rf_pool_extent *extent, *next;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		u64 end = extent->start + extent->size;

		/* The end first: it leaves the beginning in this extent. */
		if (extent->start < start + size && start + size < end)
			rc = rf_pool_split(extent, start + size);
		if (!rc && extent->start < start && start < end)
			rc = rf_pool_split(extent, start);
		if (rc)
			break;
	}
	return rc;
}

/* Unload: nobody owns anything. */
void rf_extents_exit(void)
{
	struct rf_pool_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		list_del(&extent->node);
		kfree(extent);
	}
}
