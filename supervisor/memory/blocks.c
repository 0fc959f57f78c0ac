// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks are taken out of the supervisor's kernel by memory hot-remove; give_back.c is the
 * way back. Both take long, and run in a thread without the ledger lock: the block is in transit
 * then, in no pool, and nobody else's.
 */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "kernel/hotplug.h"
#include "memory/internal.h"

LIST_HEAD(rf_blocks);

/* In its thread. */
static int rf_block_take_work(struct rf_hotplug_job *job)
{
	struct rf_block *block = container_of(job, struct rf_block, job);
	u64 size = rf_block_size();
	int rc = rf_hotplug_remove_memory(block->start, size);

	if (rc)
		return rc;
	block->out = true;
	block->claimed = request_mem_region(block->start, size, "rainforest pool");
	block->unclean = true;
	if (!block->claimed)
		return -EBUSY;
	/* Who has no time for it leaves it to the next owner. */
	if (!signal_pending(current))
		block->unclean = rf_fill(block->start, size, rf_free_byte());
	return 0;
}

/* One that somebody else took online after all. */
static void rf_block_forget(u64 start)
{
	struct rf_block *block, *next;

	list_for_each_entry_safe(block, next, &rf_blocks, node)
		if (!block->out && !block->transit && block->start == start) {
			list_del(&block->node);
			kfree(block);
		}
}

/*
 * Its thread is done. From when it is out the block is ours: on an error it goes back in the
 * same way as any other block in which nobody owns anything.
 */
static int rf_block_taken(struct rf_block *block, int rc)
{
	lockdep_assert_held(&rf_ledger_lock);
	block->transit = false;
	if (!block->out) {
		list_del(&block->node);
		kfree(block);
		return rc;
	}
	rf_block_forget(block->start);
	if (!rc)
		rc = rf_extents_add(block->start, rf_block_size(), block->nid, false,
				    block->unclean ? RF_CONTENT_BOOT : RF_CONTENT_CLEAN);
	block->pooled = !rc;
	return rc;
}

static void rf_block_take_settle(struct rf_hotplug_job *job, int rc)
{
	mutex_lock(&rf_ledger_lock);
	rf_block_taken(container_of(job, struct rf_block, job), rc);
	mutex_unlock(&rf_ledger_lock);
	rf_blocks_later();
}

/**
 * rf_block_take() - take one memory block out of the supervisor's kernel, into the pool
 * @start: its address
 * @holder: it is not given back before rf_blocks_release() for this
 * @patience: how long to wait for it, in jiffies
 *
 * Context: Process context, interruptible. The caller has the turn to hotplug, but not the
 *	    ledger lock.
 * Return: 0; -EINPROGRESS: hotplug is blocked, and the turn is not the caller's any more; or
 *	   another error.
 */
int rf_block_take(u64 start, const void *holder, unsigned long patience)
{
	struct page *page = rf_block_page(start, -1);
	struct rf_block *block;
	int rc;

	if (!page)
		return -ENODEV;
	block = kzalloc(sizeof(*block), GFP_KERNEL);
	if (!block)
		return -ENOMEM;
	block->start = start;
	block->nid = page_to_nid(page);
	block->movable = page_zonenum(page) == ZONE_MOVABLE;
	block->holder = holder;
	block->transit = true;
	block->job = (struct rf_hotplug_job){
		.subject = start,
		.can_stop = true,
		.interruptible = true,
		.work = rf_block_take_work,
		.settle = rf_block_take_settle,
	};
	mutex_lock(&rf_ledger_lock);
	list_add_tail(&block->node, &rf_blocks);
	mutex_unlock(&rf_ledger_lock);
	rc = rf_hotplug_run(&block->job, jiffies + patience);
	if (rc == -EINPROGRESS)
		return rc;
	mutex_lock(&rf_ledger_lock);
	rc = rf_block_taken(block, rc);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* Nobody holds blocks for @holder any more. Context: process context; takes the ledger lock. */
void rf_blocks_release(const void *holder)
{
	struct rf_block *block;

	mutex_lock(&rf_ledger_lock);
	list_for_each_entry(block, &rf_blocks, node)
		if (block->holder == holder)
			block->holder = NULL;
	mutex_unlock(&rf_ledger_lock);
}
