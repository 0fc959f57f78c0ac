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

static const struct rf_block *rf_block_in_transit(u64 start)
{
	const struct rf_block *block;

	list_for_each_entry(block, &rf_blocks, node)
		if (block->transit && block->start == start)
			return block;
	return NULL;
}

static void rf_block_figure(const struct rf_region *region, u64 start, struct rf_memory *memory)
{
	const struct rf_block *transit = rf_block_in_transit(start);
	struct page *page;

	/* A page of one that leaves may be gone with the next look. */
	if (transit)
		return;
	page = rf_block_page(start, memory->node);
	if (!page)
		return;
	if (rf_block_place(region, start) == RF_PLACE_UNSAFE || rf_block_pinned(page))
		memory->unsafe += rf_block_size();
	else if (page_zonenum(page) == ZONE_MOVABLE)
		memory->movable += rf_block_size();
	else
		memory->other += rf_block_size();
}

/* On its way back? */
static bool rf_block_returning(const struct rf_block *block)
{
	return block->transit && !block->holder;
}

/* Bytes on their way back, which the kernel has not yet. Ledger lock held. */
u64 rf_blocks_returning(void)
{
	const struct rf_block *block;
	u64 size = 0;

	list_for_each_entry(block, &rf_blocks, node)
		size += rf_block_returning(block) ? rf_block_size() : 0;
	return size;
}

static void rf_blocks_figure_returning(struct rf_memory *memory)
{
	const struct rf_block *block;

	list_for_each_entry(block, &rf_blocks, node)
		if (rf_block_returning(block) && (memory->node < 0 || memory->node == block->nid))
			*(block->movable ? &memory->movable : &memory->other) += rf_block_size();
}

/**
 * rf_blocks_figures() - how much memory could be taken from the supervisor
 * @memory: in: node; out: movable, other, unsafe
 *
 * Context: Process context. Ledger lock held.
 */
void rf_blocks_figures(struct rf_memory *memory)
{
	struct rf_regions *regions = rf_regions_read();
	u64 size = rf_block_size(), start;
	u32 i;

	lockdep_assert_held(&rf_ledger_lock);
	memory->movable = memory->other = memory->unsafe = 0;
	for (i = 0; regions && i < regions->count; i++)
		for (start = ALIGN(regions->region[i].start, size);
		     start + size <= regions->region[i].end; start += size)
			rf_block_figure(&regions->region[i], start, memory);
	rf_blocks_figure_returning(memory);
	kvfree(regions);
}

/*
 * What is remembered of a block while somebody looks for blocks: how many tries of it had no
 * result in time (RF_NOTE_NEVER: it cannot be taken); a page whose I/O was under way; and how many
 * such pages there were.
 */
#define RF_NOTE_NEVER	7

struct rf_note {
	unsigned long tries, busy, pfn;
};

static struct rf_note rf_note_load(struct rf_provision *provision, u64 start)
{
	void *entry = xa_load(&provision->notes, start / rf_block_size());
	unsigned long value = entry ? xa_to_value(entry) : 0;

	return (struct rf_note){ value & 7, value >> 3 & 7, value >> 6 };
}

static int rf_note_store(struct rf_provision *provision, u64 start, struct rf_note note)
{
	return xa_err(xa_store(&provision->notes, start / rf_block_size(),
			       xa_mk_value(note.pfn << 6 | note.busy << 3 | note.tries),
			       GFP_KERNEL));
}

/**
 * rf_block_note_try() - a block was tried in vain
 * @provision: who looks for blocks
 * @start: its address
 * @late: the try had no result in time: it is tried again, after all others
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int rf_block_note_try(struct rf_provision *provision, u64 start, bool late)
{
	struct rf_note note = { .tries = RF_NOTE_NEVER };

	if (late)
		note.tries = provision->round + 1;
	provision->late |= late;
	return rf_note_store(provision, start, note);
}

/*
 * Is no I/O under way in a block, as far as can be seen? I/O that never ends would block all
 * hotplug of this kernel.
 */
static bool rf_block_quiet(struct rf_provision *provision, u64 start, struct rf_note note,
			   bool *busy)
{
	if (!note.pfn || !rf_hotplug_page_busy(note.pfn)) {
		if (note.busy == RF_BUSY_PAGES)
			return true;
		note.pfn = rf_hotplug_busy_page(start, rf_block_size());
		note.busy++;
		if (!note.pfn)
			return true;
		rf_note_store(provision, start, note);
	}
	*busy = true;
	return false;
}

struct rf_search {
	struct rf_provision *provision;
	bool *busy;
};

/* May this block be tried, as one of the wanted kind? */
static bool rf_block_suits(const struct rf_search *search, const struct rf_region *region,
			   u64 start, bool movable, enum rf_place place)
{
	struct page *page = rf_block_page(start, search->provision->node);
	struct rf_note note = rf_note_load(search->provision, start);

	/* Of a resource's beginning the blocks go from the bottom up. */
	return page && (page_zonenum(page) == ZONE_MOVABLE) == movable &&
	       rf_block_place(region, start) == place &&
	       (place == RF_PLACE_ANY || start == region->start) && !rf_block_pinned(page) &&
	       note.tries <= search->provision->round &&
	       rf_block_quiet(search->provision, start, note, search->busy);
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
 * @provision: who looks for blocks: node, notes, looks, round
 * @busy: set if a block has pages whose I/O is under way: it may be picked later
 *
 * Movable ones first, each kind from the top down, then the beginnings of resources.
 *
 * Context: Process context, may sleep. The caller has the turn to hotplug.
 * Return: its address, or 0: none.
 */
u64 rf_block_pick(struct rf_provision *provision, bool *busy)
{
	const struct rf_search search = { provision, busy };
	struct rf_regions *regions = rf_regions_read();
	u64 start;

	*busy = false;
	if (!regions)
		return 0;
	start = rf_block_search(&search, regions, true, RF_PLACE_ANY);
	/* Most I/O ends: better a movable block a little later than another one now. */
	if (!start && !(*busy && provision->looks < RF_BUSY_LOOKS))
		start = rf_block_search(&search, regions, false, RF_PLACE_ANY) ?:
			rf_block_search(&search, regions, true, RF_PLACE_PREFIX) ?:
			rf_block_search(&search, regions, false, RF_PLACE_PREFIX);
	kvfree(regions);
	return start;
}
