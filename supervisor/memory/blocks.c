// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks: taken out of the supervisor's kernel by memory hot-remove, and
 * given back, online again in the zone they came from. Both take long, and run in a thread
 * without the ledger lock: the block is in transit then, in no pool, and nobody else's.
 */
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "kernel/hotplug.h"
#include "memory/internal.h"

#define RF_HOME_MS	60000		/* for all blocks that are given back together */

/*
 * A block that was taken, or is being taken; in rf_blocks. Ledger lock; while it is in transit
 * only its thread uses what stands below that.
 */
struct rf_block {
	struct list_head node;
	const void *holder;		/* for whom it was taken, and who still needs it */
	u32 round;			/* the last one of rf_blocks_give_back() that tried it */
	bool pooled;			/* in the ledger's table */
	bool transit;
	struct rf_hotplug_job job;
	u64 start;
	int nid;
	bool movable;
	bool out;			/* of the kernel; else it is there, but not online */
	bool claimed;			/* in the resource tree */
	bool unclean;
};

static LIST_HEAD(rf_blocks);
static u32 rf_round;

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

/* ---- back into the kernel ---- */

static int rf_block_add(struct rf_block *block)
{
	u64 size = rf_block_size();
	int rc = block->unclean ? rf_fill(block->start, size, 0) : 0;

	if (rc)
		return rc;
	if (block->claimed)
		release_mem_region(block->start, size);
	rc = rf_hotplug_add_memory(block->nid, block->start, size);
	block->out = rc;
	block->claimed = rc && request_mem_region(block->start, size, "rainforest pool");
	if (rc)
		pr_err("memory block at 0x%llx cannot be added: error %d\n", block->start, rc);
	return rc;
}

/* In its thread. */
static int rf_block_return_work(struct rf_hotplug_job *job)
{
	struct rf_block *block = container_of(job, struct rf_block, job);
	int rc = block->out ? rf_block_add(block) : 0;

	if (rc)
		return rc;
	rc = rf_block_online(block);
	if (!rc && !rf_block_page(block->start, block->nid))
		rc = -EIO;
	if (rc)
		pr_err("memory block at 0x%llx did not come online: error %d\n",
		       block->start, rc);
	return rc;
}

/* Its thread is done. After an error it stays in the list, to be tried again. */
static int rf_block_returned(struct rf_block *block, int rc)
{
	lockdep_assert_held(&rf_ledger_lock);
	block->transit = false;
	if (!rc) {
		list_del(&block->node);
		kfree(block);
	} else if (block->out && block->claimed) {
		block->pooled = !rf_extents_add(block->start, rf_block_size(), block->nid, false,
						RF_CONTENT_BOOT);
	}
	return rc;
}

static void rf_block_return_settle(struct rf_hotplug_job *job, int rc)
{
	mutex_lock(&rf_ledger_lock);
	rf_block_returned(container_of(job, struct rf_block, job), rc);
	mutex_unlock(&rf_ledger_lock);
}

/* Out of the pool. */
static int rf_block_unpool(struct rf_block *block)
{
	u64 size = rf_block_size();
	int rc;

	block->unclean = rf_free_byte() ||
			 !rf_ledger_memory_is_clean(&rf_books.memory, block->start, size);
	rc = rf_extents_remove(block->start, size);
	block->pooled = rc;
	return rc;
}

/* Return one block. Ledger lock held, but not meanwhile. */
static int rf_block_return(struct rf_block *block, struct task_struct *caller,
			   unsigned long deadline)
{
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (block->out) {
		rf_step_caller(caller);
		rc = rf_step("block-return");
		rf_step_caller(NULL);
	}
	if (!rc && block->pooled)
		rc = rf_block_unpool(block);
	if (rc)
		return rc;
	block->transit = true;
	block->job.work = rf_block_return_work;
	block->job.settle = rf_block_return_settle;
	mutex_unlock(&rf_ledger_lock);
	rc = rf_hotplug_run(&block->job, deadline);
	mutex_lock(&rf_ledger_lock);
	return rc == -EINPROGRESS ? rc : rf_block_returned(block, rc);
}

/* A block in which nobody owns anything, which nobody holds, and that was not tried in @round. */
static struct rf_block *rf_block_unowned(u32 round)
{
	struct rf_block *block;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry(block, &rf_blocks, node)
		if (!block->transit && !block->holder && block->round != round &&
		    (!block->pooled || rf_ledger_memory_is_free(&rf_books.memory, block->start,
								rf_block_size())))
			return block;
	return NULL;
}

/**
 * rf_blocks_give_back() - return all blocks in which nobody owns anything
 * @caller: the task on whose behalf, for tests; or NULL
 *
 * Also tries those again that did not come online earlier. They are no error a second time: who
 * calls now has nothing to do with them.
 *
 * Context: Workqueue. The caller has the turn to hotplug, but not the ledger lock.
 * Return: 0 or the first error; goes on after one. -EINPROGRESS: hotplug is blocked, and the
 *	   turn is not the caller's any more.
 */
int rf_blocks_give_back(struct task_struct *caller)
{
	unsigned long deadline = jiffies + msecs_to_jiffies(RF_HOME_MS);
	struct rf_block *block;
	int rc, result = 0;
	bool again;
	u32 round;

	mutex_lock(&rf_ledger_lock);
	round = ++rf_round;
	while ((block = rf_block_unowned(round))) {
		block->round = round;
		again = !block->out;
		rc = time_after(jiffies, deadline) ? -ETIMEDOUT :
						     rf_block_return(block, caller, deadline);
		if (rc == -EINPROGRESS) {
			result = rc;
			break;
		}
		if (rc && !again && !result)
			result = rc;
	}
	mutex_unlock(&rf_ledger_lock);
	return result;
}

/* The same for who does not have the turn. */
static int rf_blocks_return(struct task_struct *caller)
{
	bool any;
	int rc;

	mutex_lock(&rf_ledger_lock);
	any = rf_block_unowned(++rf_round);
	mutex_unlock(&rf_ledger_lock);
	if (!any)
		return 0;
	rc = rf_hotplug_begin(jiffies + msecs_to_jiffies(RF_HOME_MS));
	if (rc)
		return rc;
	rc = rf_blocks_give_back(caller);
	if (rc != -EINPROGRESS)
		rf_hotplug_end();
	return rc;
}

struct rf_returning {
	struct work_struct work;
	struct task_struct *caller;
	int rc;
};

static void rf_returning_work(struct work_struct *work)
{
	struct rf_returning *returning = container_of(work, struct rf_returning, work);

	returning->rc = rf_blocks_return(returning->caller);
}

/**
 * rf_blocks_home() - return all blocks in which nobody owns anything, and wait for that
 *
 * In a worker: it must not end with the caller.
 *
 * Context: Process context, may sleep; neither the turn to hotplug nor the ledger lock held.
 * Return: as rf_blocks_give_back(), or as rf_hotplug_begin().
 */
int rf_blocks_home(void)
{
	struct rf_returning returning = { .caller = current };

	INIT_WORK_ONSTACK(&returning.work, rf_returning_work);
	rf_work_run(&returning.work);
	destroy_work_on_stack(&returning.work);
	return returning.rc;
}

static void rf_later_work(struct work_struct *unused)
{
	rf_blocks_return(NULL);
}

static DECLARE_WORK(rf_later, rf_later_work);

/*
 * Unload: nobody owns anything. A block that still cannot be given back stays
 * out of the kernel, but nothing may point into this module any more.
 */
void rf_blocks_exit(void)
{
	struct rf_block *block, *next;

	cancel_work_sync(&rf_later);
	rf_blocks_return(NULL);
	mutex_lock(&rf_ledger_lock);
	list_for_each_entry_safe(block, next, &rf_blocks, node) {
		if (!block->out)
			pr_err("memory block at 0x%llx stays offline\n", block->start);
		else
			pr_err("memory block at 0x%llx is lost until the next boot\n", block->start);
		if (block->claimed)
			release_mem_region(block->start, rf_block_size());
		list_del(&block->node);
		kfree(block);
	}
	mutex_unlock(&rf_ledger_lock);
}

/* ---- out of the kernel ---- */

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
	block->unclean = rf_fill(block->start, size, rf_free_byte());
	return block->claimed ? 0 : -EBUSY;
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
}

/**
 * rf_block_take() - take one memory block out of the supervisor's kernel, into the pool
 * @start: its address
 * @holder: it is not given back before rf_blocks_release() for this
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible. The caller has the turn to hotplug, but not the
 *	    ledger lock.
 * Return: 0; -EINPROGRESS: hotplug is blocked, and the turn is not the caller's any more; or
 *	   another error.
 */
int rf_block_take(u64 start, const void *holder, unsigned long deadline)
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
		.block = start,
		.work = rf_block_take_work,
		.settle = rf_block_take_settle,
		.later = &rf_later,
	};
	mutex_lock(&rf_ledger_lock);
	list_add_tail(&block->node, &rf_blocks);
	mutex_unlock(&rf_ledger_lock);
	rc = rf_hotplug_run(&block->job, deadline);
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
