// SPDX-License-Identifier: GPL-2.0
/*
 * Memory comes and goes in this kernel's memory blocks. What was added is brought
 * online by the kernel itself, as movable (memhp_default_state=online_movable on the
 * command line), so that it can go again. The newest goes first; after it, blocks
 * that were there at boot, from the top down.
 *
 * Not every block of the boot may go. Its removal shortens or splits the System RAM
 * resource that it lies in, and the kernel image is a child of one such resource:
 * release_mem_region_adjustable() keeps the children with the lower part, so a block
 * must lie above all of them. Memory that was added has no children.
 */
#include <linux/completion.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/vmstat.h>

#include "kernel/hotplug.h"
#include "kernel/regions.h"
#include "rf_subos.h"

/* MemAvailable never falls below this, lest the OOM killer runs. */
#define RF_MEMORY_RESERVE	(32ULL << 20)
#define RF_DEADLINE_MAX_MS	(10 * 60 * 1000)
#define RF_UNDO_MS		2000
#define RF_LOOK_MS		20

/* A block that was added. In rf_added, newest first; only requests touch the list. */
struct rf_block {
	struct list_head node;
	u64 start;
};

static LIST_HEAD(rf_added);

/* ---- removal, with an end ---- */

struct rf_removal {
	int (*work)(void *data);
	void *data;
	struct completion done;
};

static int rf_removal_thread(void *data)
{
	struct rf_removal *removal = data;
	int rc;

	/* The one signal that makes all kernels give up offlining. */
	allow_kernel_signal(SIGKILL);
	rc = removal->work(removal->data);
	complete(&removal->done);
	return rc;
}

/*
 * Offlining tries for ever as long as pages are busy, so what does it runs in a thread
 * of its own, which gets a signal at the deadline (in jiffies), or when @request (may be
 * NULL) is cancelled.
 */
static int rf_removal_run(int (*work)(void *data), void *data, const struct rf_request *request,
			  unsigned long deadline)
{
	struct rf_removal removal = { .work = work, .data = data };
	struct task_struct *task;
	int rc;

	init_completion(&removal.done);
	task = kthread_create(rf_removal_thread, &removal, "rf_removal");
	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	wake_up_process(task);
	while (!wait_for_completion_timeout(&removal.done, msecs_to_jiffies(RF_LOOK_MS)))
		if (time_after(jiffies, deadline) || (request && rf_request_cancelled(request)))
			send_sig(SIGKILL, task, 1);
	rc = kthread_stop(task);
	put_task_struct(task);
	return rc;
}

static void rf_forget(u64 start, u64 size)
{
	struct rf_block *block, *next;

	list_for_each_entry_safe(block, next, &rf_added, node) {
		if (block->start < start || block->start - start >= size)
			continue;
		list_del(&block->node);
		kfree(block);
	}
}

/* Take a range out of the kernel, all or nothing. In a removal's thread. */
static int rf_take_out(u64 start, u64 size)
{
	int rc = rf_hotplug_remove_memory(start, size);

	if (!rc)
		rf_forget(start, size);
	return rc;
}

/* ---- adding ---- */

static u64 rf_online_bytes(u64 start, u64 size)
{
	u64 step = memory_block_size_bytes(), at, online = 0;

	for (at = start; at < start + size; at += step)
		if (pfn_to_online_page(PHYS_PFN(at)))
			online += step;
	return online;
}

/* One entry for each block, highest first. */
static int rf_blocks_alloc(u64 start, u64 size, struct list_head *blocks)
{
	u64 step = memory_block_size_bytes(), at;
	struct rf_block *block, *next;

	for (at = start; at < start + size; at += step) {
		block = kmalloc(sizeof(*block), GFP_KERNEL);
		if (!block)
			goto free_blocks;
		block->start = at;
		list_add(&block->node, blocks);
	}
	return 0;

free_blocks:
	list_for_each_entry_safe(block, next, blocks, node)
		kfree(block);
	return -ENOMEM;
}

static int rf_undo_work(void *data)
{
	const struct rf_range *range = data;

	return rf_take_out(range->start, range->size);
}

static int rf_undo(u64 start, u64 size)
{
	struct rf_range range = { start, size };

	return rf_removal_run(rf_undo_work, &range, NULL,
			      jiffies + msecs_to_jiffies(RF_UNDO_MS));
}

/*
 * Add a range that is not there. Returns the bytes that came online: all of it, or
 * less if what did not come online could not even be removed. On a negative error
 * nothing of it is there.
 */
static s64 rf_bring_in(u64 start, u64 size)
{
	LIST_HEAD(blocks);
	int rc;

	rc = rf_blocks_alloc(start, size, &blocks);
	if (rc)
		return rc;
	list_splice(&blocks, &rf_added);
	rc = rf_hotplug_add_memory(memory_add_physaddr_to_nid(start), start, size);
	if (rc) {
		pr_err("memory at %#llx+%#llx cannot be added: error %d\n", start, size, rc);
		rf_forget(start, size);
		return rc;
	}
	if (rf_online_bytes(start, size) == size)
		return size;
	pr_err("memory at %#llx+%#llx not online: is memhp_default_state=online_movable set?\n",
	       start, size);
	if (!rf_undo(start, size))
		return -EIO;
	return rf_online_bytes(start, size);
}

/* RF_OP_MEMORY_ADD. Context: process context, may sleep. */
int rf_memory_add(struct rf_request *request, const s64 *args, s64 *results)
{
	u64 start = args[0], size = args[1], step = memory_block_size_bytes();
	s64 online;

	if (!size || start + size < start || !IS_ALIGNED(start | size, step))
		return -EINVAL;
	if (!rf_grant_has_range(start, size))
		return -EPERM;
	if (region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT)
		return -EEXIST;

	online = rf_bring_in(start, size);
	if (online < 0)
		return online;
	if (rf_request_cancelled(request) && !rf_undo(start, size))
		return -ECANCELED;
	results[0] = online;
	return 0;
}

/* ---- giving ---- */

/* A MEMORY_REMOVE under way. */
struct rf_giving {
	struct rf_request *request;
	u64 wanted, given;
	u64 undecided;			/* a block that was out when it was cancelled */
	unsigned long deadline;		/* jiffies */
};

/* May one more block go? */
static bool rf_giving_more(const struct rf_giving *giving)
{
	u64 step = memory_block_size_bytes();

	return giving->wanted - giving->given >= step && time_before(jiffies, giving->deadline) &&
	       !rf_request_cancelled(giving->request) &&
	       ((u64)si_mem_available() << PAGE_SHIFT) > step + RF_MEMORY_RESERVE;
}

/* Give one block. A failure is no error, there may be others; -ECANCELED is one. */
static int rf_give(struct rf_giving *giving, u64 start)
{
	u64 step = memory_block_size_bytes();

	if (rf_take_out(start, step))
		return 0;
	if (rf_request_cancelled(giving->request)) {
		giving->undecided = start;
		return -ECANCELED;
	}
	giving->given += step;
	rf_request_progress(giving->request, start, step);
	return 0;
}

static int rf_give_added(struct rf_giving *giving)
{
	struct rf_block *block, *next;
	int rc = 0;

	list_for_each_entry_safe(block, next, &rf_added, node) {
		if (rc || !rf_giving_more(giving))
			break;
		rc = rf_give(giving, block->start);
	}
	return rc;
}

static bool rf_is_added(u64 start)
{
	struct rf_block *block;

	list_for_each_entry(block, &rf_added, node)
		if (block->start == start)
			return true;
	return false;
}

/*
 * What is available may all be in memory that was added, which is movable and of no
 * use to the kernel itself. Then its own zones must not shrink to nothing.
 */
static bool rf_zone_has_room(struct page *page)
{
	u64 free = (u64)zone_page_state(page_zone(page), NR_FREE_PAGES) << PAGE_SHIFT;

	return list_empty(&rf_added) || page_zonenum(page) == ZONE_MOVABLE ||
	       free > memory_block_size_bytes() + RF_MEMORY_RESERVE;
}

/*
 * Could this block of the boot go? Boot-time allocations never move, and the kernel
 * packs them at the ends of memory; looking there spares a vain attempt, which the
 * kernel would log.
 */
static bool rf_may_give(u64 start)
{
	u64 step = memory_block_size_bytes();
	struct page *first = pfn_to_online_page(PHYS_PFN(start));

	return first && !PageReserved(first) && !PageReserved(first + PHYS_PFN(step) - 1) &&
	       !rf_is_added(start) && rf_zone_has_room(first) && rf_grant_has_range(start, step);
}

static int rf_give_region(struct rf_giving *giving, const struct rf_region *region)
{
	u64 step = memory_block_size_bytes();
	u64 bottom = ALIGN(max(region->start, region->child_end), step);
	u64 start = ALIGN_DOWN(region->end, step);
	int rc = 0;

	while (!rc && start > bottom && rf_giving_more(giving)) {
		start -= step;
		if (rf_may_give(start))
			rc = rf_give(giving, start);
	}
	return rc;
}

static int rf_give_boot(struct rf_giving *giving)
{
	struct rf_regions *regions = rf_regions_read();
	int rc = 0;
	u32 i;

	if (!regions)
		return -ENOMEM;
	for (i = regions->count; i-- > 0 && !rc;)
		rc = rf_give_region(giving, &regions->region[i]);
	kvfree(regions);
	return rc;
}

static int rf_give_all(void *data)
{
	struct rf_giving *giving = data;
	int rc = rf_give_added(giving);

	if (!rc && rf_giving_more(giving))
		rc = rf_give_boot(giving);
	return rc;
}

/* RF_OP_MEMORY_REMOVE. Context: process context, may sleep. */
int rf_memory_remove(struct rf_request *request, const s64 *args, s64 *results)
{
	struct rf_giving giving = {
		.request = request,
		.wanted = max_t(s64, args[0], 0),
		.deadline = jiffies + msecs_to_jiffies(clamp_t(s64, args[1], 0,
							       RF_DEADLINE_MAX_MS)),
	};
	u64 step = memory_block_size_bytes();
	int rc = rf_removal_run(rf_give_all, &giving, request, giving.deadline);

	/* What cannot be used again is given after all. */
	if (rc == -ECANCELED && rf_bring_in(giving.undecided, step) < 0)
		rf_request_progress(request, giving.undecided, step);
	if (rc == -ECANCELED || rf_request_cancelled(request))
		return -ECANCELED;
	results[0] = giving.given;
	return 0;
}
