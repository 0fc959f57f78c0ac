// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks: taken out of the supervisor's kernel by memory hot-remove, and
 * given back, online again in the zone they came from.
 *
 * Not every block is safe to take. Removing a block shortens or splits the
 * System RAM resource that it lies in, and the kernel image is a child of one
 * such resource: release_mem_region_adjustable() keeps the children with the
 * lower part. So a block may go if it lies above all children of its resource,
 * or if it is the very beginning of the resource.
 */
#include <linux/ioport.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kernel/hotplug.h"
#include "kernel/regions.h"
#include "memory/internal.h"

/* Kept free for the supervisor itself when memory is taken from it. */
#define RF_SUPERVISOR_RESERVE	(64ULL << 20)

/* A block that was taken; in rf_blocks. Ledger lock. */
struct rf_block {
	struct list_head node;
	u64 start;
	int nid;
	bool movable;
	bool added;			/* the kernel has it again, but did not take it online */
};

static LIST_HEAD(rf_blocks);

u64 rf_block_size(void)
{
	return memory_block_size_bytes();
}

enum rf_place { RF_PLACE_UNSAFE, RF_PLACE_ANY, RF_PLACE_PREFIX };

static enum rf_place rf_block_place(const struct rf_region *region, u64 start)
{
	if (!region->child_end || start >= region->child_end)
		return RF_PLACE_ANY;
	/* The beginning of the resource, if all blocks before it go first. */
	if (IS_ALIGNED(region->start, rf_block_size()) &&
	    start + rf_block_size() <= region->child_start)
		return RF_PLACE_PREFIX;
	return RF_PLACE_UNSAFE;
}

/* The block's first page if the whole block is online and on @node, else NULL. */
static struct page *rf_block_page(u64 start, int node)
{
	struct page *page = pfn_to_online_page(PHYS_PFN(start));

	if (!page || (node >= 0 && page_to_nid(page) != node))
		return NULL;
	return page;
}

/*
 * Boot-time allocations never move, and the kernel packs them at the ends of
 * memory. Checking there avoids a futile attempt, which the kernel would log.
 */
static bool rf_block_pinned(struct page *first)
{
	return PageReserved(first) || PageReserved(first + PHYS_PFN(rf_block_size()) - 1);
}

/**
 * rf_blocks_figures() - how much memory could be taken from the supervisor
 * @memory: in: node; out: movable, other, unsafe
 *
 * Context: Process context.
 */
void rf_blocks_figures(struct rf_memory *memory)
{
	struct rf_regions *regions = rf_regions_read();
	u64 size = rf_block_size(), start;
	u32 i;

	memory->movable = memory->other = memory->unsafe = 0;
	for (i = 0; regions && i < regions->count; i++) {
		struct rf_region *region = &regions->region[i];

		for (start = ALIGN(region->start, size); start + size <= region->end;
		     start += size) {
			struct page *page = rf_block_page(start, memory->node);

			if (!page)
				continue;
			if (rf_block_place(region, start) == RF_PLACE_UNSAFE ||
			    rf_block_pinned(page))
				memory->unsafe += size;
			else if (page_zonenum(page) == ZONE_MOVABLE)
				memory->movable += size;
			else
				memory->other += size;
		}
	}
	kvfree(regions);
}

static int rf_block_online(const struct rf_block *block)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%llu/state",
		 block->start / rf_block_size());
	/* A kernel that onlines added memory by itself may have chosen another zone. */
	if (rf_block_page(block->start, -1)) {
		if ((page_zonenum(pfn_to_page(PHYS_PFN(block->start))) == ZONE_MOVABLE) ==
		    block->movable)
			return 0;
		rf_file_write(path, "offline");
	}
	return rf_file_write(path, block->movable ? "online_movable" : "online_kernel");
}

/* Out of the pool and into the kernel. */
static int rf_block_add(struct rf_block *block)
{
	u64 size = rf_block_size();
	int rc;

	rc = rf_step("block-return");
	if (!rc && (rf_free_byte() ||
		    !rf_ledger_memory_is_clean(&rf_books.memory, block->start, size)))
		rc = rf_fill(block->start, size, 0);
	if (!rc)
		rc = rf_extents_remove(block->start, size);
	if (rc)
		return rc;
	release_mem_region(block->start, size);
	rc = rf_hotplug_add_memory(block->nid, block->start, size);
	if (rc) {
		pr_err("memory block at 0x%llx cannot be added: error %d\n", block->start, rc);
		request_mem_region(block->start, size, "rainforest pool");
		return rf_pool_add(block->start, size, block->nid, false) ?: rc;
	}
	block->added = true;
	return 0;
}

static int rf_block_give_back(struct rf_block *block)
{
	int rc = block->added ? 0 : rf_block_add(block);

	if (rc)
		return rc;
	rc = rf_block_online(block);
	if (!rc && !rf_block_page(block->start, block->nid))
		rc = -EIO;
	if (rc) {
		/* It stays in the list, to be tried again. */
		pr_err("memory block at 0x%llx did not come online: error %d\n",
		       block->start, rc);
		return rc;
	}
	list_del(&block->node);
	kfree(block);
	return 0;
}

/**
 * rf_blocks_give_back() - return all blocks in which nobody owns anything
 *
 * Also tries those again that did not come online earlier. They are no error a second time: who
 * calls now has nothing to do with them.
 *
 * Context: Workqueue (it writes to sysfs files), ledger lock held.
 * Return: 0 or the first error; goes on after one.
 */
int rf_blocks_give_back(void)
{
	struct rf_block *block, *next;
	int rc, result = 0;
	bool again;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry_safe(block, next, &rf_blocks, node) {
		if (!block->added &&
		    !rf_ledger_memory_is_free(&rf_books.memory, block->start, rf_block_size()))
			continue;
		again = block->added;
		rc = rf_block_give_back(block);
		if (rc && !again && !result)
			result = rc;
	}
	return result;
}

/*
 * Unload: nobody owns anything. A block that still cannot be given back stays
 * out of the kernel, but nothing may point into this module any more.
 */
void rf_blocks_exit(void)
{
	struct rf_block *block, *next;

	mutex_lock(&rf_ledger_lock);
	rf_blocks_give_back();
	list_for_each_entry_safe(block, next, &rf_blocks, node) {
		if (block->added) {
			pr_err("memory block at 0x%llx stays offline\n", block->start);
		} else {
			pr_err("memory block at 0x%llx is lost until the next boot\n", block->start);
			release_mem_region(block->start, rf_block_size());
		}
		list_del(&block->node);
		kfree(block);
	}
	mutex_unlock(&rf_ledger_lock);
}

/* One that somebody else took online after all. */
static void rf_block_forget(u64 start)
{
	struct rf_block *block, *next;

	list_for_each_entry_safe(block, next, &rf_blocks, node)
		if (block->added && block->start == start) {
			list_del(&block->node);
			kfree(block);
		}
}

/* Take one block. Return: 0, -EINTR, or another error after which other blocks may be tried. */
static int rf_block_take(u64 start, struct page *page)
{
	u64 size = rf_block_size();
	struct rf_block *block = kzalloc(sizeof(*block), GFP_KERNEL);
	bool claimed;
	int rc;

	if (!block)
		return -ENOMEM;
	block->start = start;
	block->nid = page_to_nid(page);
	block->movable = page_zonenum(page) == ZONE_MOVABLE;

	rc = rf_hotplug_remove_memory(start, size);
	if (rc)
		goto free_block;
	/*
	 * From here on the block is ours: on an error it goes back in the same
	 * way as any other block in which nobody owns anything.
	 */
	claimed = request_mem_region(start, size, "rainforest pool");
	rf_block_forget(start);
	list_add_tail(&block->node, &rf_blocks);
	rc = rf_pool_add(start, size, block->nid, false);
	if (!rc && !claimed)
		rc = -EBUSY;
	return rc;

free_block:
	kfree(block);
	return rc;
}

struct rf_candidate {
	u64 start;
	const struct rf_region *region;
	enum rf_place place;
};

/*
 * Blocks in the order in which to try them: movable ones first, each kind from
 * the top down, then the beginnings of resources from the bottom up.
 */
static u32 rf_candidates(const struct rf_regions *regions, int node, bool movable,
			 enum rf_place place, struct rf_candidate *list, u32 count)
{
	u64 size = rf_block_size(), start;
	u32 i, first = count;

	for (i = 0; i < regions->count; i++) {
		const struct rf_region *region = &regions->region[i];

		for (start = ALIGN(region->start, size); start + size <= region->end;
		     start += size) {
			struct page *page = rf_block_page(start, node);

			if (!page || (page_zonenum(page) == ZONE_MOVABLE) != movable ||
			    rf_block_place(region, start) != place || rf_block_pinned(page))
				continue;
			list[count++] = (struct rf_candidate){ start, region, place };
		}
	}
	if (place == RF_PLACE_ANY)
		for (i = 0; i < (count - first) / 2; i++)
			swap(list[first + i], list[count - 1 - i]);
	return count;
}

static int rf_candidates_take(const struct rf_candidate *list, u32 count, int node, u64 size,
			      u64 *taken)
{
	const struct rf_region *stuck = NULL;
	struct page *page;
	u32 i;
	int rc;

	for (i = 0; i < count && *taken < size; i++) {
		/* A prefix block can only be taken after the one before it. */
		if (list[i].place == RF_PLACE_PREFIX && list[i].region == stuck)
			continue;
		page = rf_block_page(list[i].start, node);
		rc = rf_step("block-take");
		if (rc)
			return rc;
		if (signal_pending(current))
			return -EINTR;
		rc = page ? rf_block_take(list[i].start, page) : -ENODEV;
		if (rc == -EINTR)
			return rc;
		if (!rc)
			*taken += rf_block_size();
		else
			stuck = list[i].region;
	}
	return 0;
}

/**
 * rf_blocks_take() - take memory blocks out of the supervisor's kernel
 * @size: bytes wanted
 * @node: NUMA node, or -1
 * @taken: bytes added to the pool, cleared, owned by nobody
 *
 * Blocks that were taken stay in the pool even on an error;
 * rf_blocks_give_back() undoes that.
 *
 * Context: Process context, interruptible by a signal. Ledger lock held.
 * Return: 0 if @taken reached @size; -ENOMEM, -EINTR.
 */
int rf_blocks_take(u64 size, int node, u64 *taken)
{
	struct rf_regions *regions;
	struct rf_candidate *list = NULL;
	u64 blocks = 0, spare;
	u32 i, count = 0;
	int rc = -ENOMEM;

	lockdep_assert_held(&rf_ledger_lock);
	*taken = 0;
	regions = rf_regions_read();
	if (!regions)
		return -ENOMEM;
	for (i = 0; i < regions->count; i++)
		blocks += (regions->region[i].end - regions->region[i].start) / rf_block_size();
	spare = (u64)si_mem_available() << PAGE_SHIFT;
	if (spare < RF_SUPERVISOR_RESERVE || size > spare - RF_SUPERVISOR_RESERVE)
		goto free;
	list = kvcalloc(blocks + 1, sizeof(*list), GFP_KERNEL);
	if (!list)
		goto free;
	count = rf_candidates(regions, node, true, RF_PLACE_ANY, list, count);
	count = rf_candidates(regions, node, false, RF_PLACE_ANY, list, count);
	count = rf_candidates(regions, node, true, RF_PLACE_PREFIX, list, count);
	count = rf_candidates(regions, node, false, RF_PLACE_PREFIX, list, count);
	rc = rf_candidates_take(list, count, node, size, taken);
	if (!rc && *taken < size)
		rc = -ENOMEM;
free:
	kvfree(list);
	kvfree(regions);
	return rc;
}
