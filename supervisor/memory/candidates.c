// SPDX-License-Identifier: GPL-2.0
/*
 * Which memory blocks of the supervisor's kernel can be taken.
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
#include <linux/xarray.h>

#include "kernel/hotplug.h"
#include "kernel/regions.h"
#include "memory/internal.h"

/* So often another page of a block may be busy before it is tried all the same: its I/O moves. */
#define RF_BUSY_PAGES	3

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
struct page *rf_block_page(u64 start, int node)
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

/*
 * What is remembered of a block while somebody looks for blocks: that it cannot be taken (0), or
 * a page whose I/O was under way, and how many there were.
 */
static void *rf_note(unsigned long pfn, unsigned long count)
{
	return xa_mk_value(pfn * (RF_BUSY_PAGES + 1) + count);
}

/* A block was tried in vain. Context: process context, may sleep. */
int rf_block_exclude(struct xarray *notes, u64 start)
{
	return xa_err(xa_store(notes, start / rf_block_size(), rf_note(0, 0), GFP_KERNEL));
}

/*
 * Is no I/O under way in a block, as far as can be seen? I/O that never ends would block all
 * hotplug of this kernel.
 */
static bool rf_block_quiet(struct xarray *notes, u64 start, bool *busy)
{
	void *note = xa_load(notes, start / rf_block_size());
	unsigned long value = note ? xa_to_value(note) : 0;
	unsigned long pfn = value / (RF_BUSY_PAGES + 1), count = value % (RF_BUSY_PAGES + 1);

	if (note && !value)
		return false;
	if (!pfn || !rf_hotplug_page_busy(pfn)) {
		pfn = rf_hotplug_busy_page(start, rf_block_size());
		if (!pfn || count == RF_BUSY_PAGES)
			return true;
		xa_store(notes, start / rf_block_size(), rf_note(pfn, count + 1), GFP_KERNEL);
	}
	*busy = true;
	return false;
}

struct rf_search {
	int node;
	struct xarray *notes;
	bool *busy;
};

/* May this block be tried, as one of the wanted kind? */
static bool rf_block_suits(const struct rf_search *search, const struct rf_region *region,
			   u64 start, bool movable, enum rf_place place)
{
	struct page *page = rf_block_page(start, search->node);

	/* Of a resource's beginning the blocks go from the bottom up. */
	return page && (page_zonenum(page) == ZONE_MOVABLE) == movable &&
	       rf_block_place(region, start) == place &&
	       (place == RF_PLACE_ANY || start == region->start) && !rf_block_pinned(page) &&
	       rf_block_quiet(search->notes, start, search->busy);
}

static u64 rf_block_search(const struct rf_search *search, const struct rf_regions *regions,
			   bool movable, enum rf_place place)
{
	u64 size = rf_block_size(), start;
	u32 i;

	for (i = regions->count; i-- > 0;) {
		const struct rf_region *region = &regions->region[i];

		for (start = ALIGN_DOWN(region->end, size); start >= region->start + size;) {
			start -= size;
			if (rf_block_suits(search, region, start, movable, place))
				return start;
		}
	}
	return 0;
}

/**
 * rf_block_pick() - the memory block to take next
 * @node: NUMA node, or -1
 * @notes: what this search remembers, empty at first; see rf_block_exclude()
 * @busy: set if a block has pages whose I/O is under way: it may be picked later
 *
 * Movable ones first, each kind from the top down, then the beginnings of resources.
 *
 * Context: Process context, may sleep. The caller has the turn to hotplug.
 * Return: its address, or 0: none.
 */
u64 rf_block_pick(int node, struct xarray *notes, bool *busy)
{
	const struct rf_search search = { node, notes, busy };
	struct rf_regions *regions = rf_regions_read();
	u64 start;

	*busy = false;
	if (!regions)
		return 0;
	start = rf_block_search(&search, regions, true, RF_PLACE_ANY) ?:
		rf_block_search(&search, regions, false, RF_PLACE_ANY) ?:
		rf_block_search(&search, regions, true, RF_PLACE_PREFIX) ?:
		rf_block_search(&search, regions, false, RF_PLACE_PREFIX);
	kvfree(regions);
	return start;
}
