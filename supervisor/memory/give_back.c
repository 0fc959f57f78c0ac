// SPDX-License-Identifier: GPL-2.0
/*
 * Memory blocks in which nobody owns anything return to the supervisor's kernel, online again in
 * the zone they came from.
 */
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "kernel/hotplug.h"
#include "memory/internal.h"

#define RF_HOME		(60 * HZ)	/* for a block that is given back */
#define RF_OFFLINE	(10 * HZ)	/* for one that came online in another zone */
#define RF_LATER	(2 * HZ)	/* then those are tried again that could not be */
#define RF_AGAIN	(30 * HZ)	/* after an error */

static u32 rf_round;

static void rf_later_work(struct work_struct *unused);

static DECLARE_DELAYED_WORK(rf_later, rf_later_work);

/* Blocks that cannot be given back now are, when hotplug is free again. Context: any. */
void rf_blocks_later(void)
{
	mod_delayed_work(system_unbound_wq, &rf_later, RF_LATER);
}

/* The same for those that could not because of an error. */
static void rf_blocks_again(void)
{
	queue_delayed_work(system_unbound_wq, &rf_later, RF_AGAIN);
}

static int rf_block_write(const struct rf_block *block, const char *state)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/memory/memory%llu/state",
		 block->start / rf_block_size());
	return rf_file_write(path, state);
}

/* Return: -EREMCHG: a kernel that onlines added memory by itself has chosen another zone. */
static int rf_block_online(const struct rf_block *block)
{
	struct page *page = rf_block_page(block->start, -1);

	if (!page)
		return rf_block_write(block, block->movable ? "online_movable" : "online_kernel");
	return (page_zonenum(page) == ZONE_MOVABLE) == block->movable ? 0 : -EREMCHG;
}

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
	if (rc && rc != -EREMCHG)
		pr_err("memory block at 0x%llx did not come online: error %d\n",
		       block->start, rc);
	return rc;
}

/* In its thread: unlike the way back, offlining may have no end. */
static int rf_block_offline_work(struct rf_hotplug_job *job)
{
	return rf_block_write(container_of(job, struct rf_block, job), "offline");
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
	rf_blocks_later();
}

/* Out of the other zone it is brought back later, and else stays there. */
static void rf_block_offline_settle(struct rf_hotplug_job *job, int rc)
{
	struct rf_block *block = container_of(job, struct rf_block, job);

	mutex_lock(&rf_ledger_lock);
	rf_block_returned(block, rc ? 0 : -EREMCHG);
	mutex_unlock(&rf_ledger_lock);
	rf_blocks_later();
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

static int rf_block_return_run(struct rf_block *block, unsigned long deadline)
{
	/* With a signal pending, a node's first memory would come online without its kswapd. */
	block->job.can_stop = false;
	block->job.interruptible = false;
	block->job.work = rf_block_return_work;
	block->job.settle = rf_block_return_settle;
	return rf_hotplug_run(&block->job, deadline);
}

/* It came online in another zone. Better there than not at all. */
static int rf_block_rezone(struct rf_block *block, unsigned long deadline)
{
	int rc;

	block->job.can_stop = true;
	block->job.work = rf_block_offline_work;
	block->job.settle = rf_block_offline_settle;
	rc = rf_hotplug_run(&block->job, jiffies + RF_OFFLINE);
	if (!rc)
		return rf_block_return_run(block, deadline);
	if (rc == -EINPROGRESS)
		return rc;
	pr_warn("memory block at 0x%llx came online in another zone\n", block->start);
	return 0;
}

/* Return one block. Ledger lock held, but not meanwhile. */
static int rf_block_return(struct rf_block *block, unsigned long deadline)
{
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (block->out)
		rc = rf_step("block-return");
	if (!rc && block->pooled)
		rc = rf_block_unpool(block);
	if (rc)
		return rc;
	block->transit = true;
	block->job.left = false;
	mutex_unlock(&rf_ledger_lock);
	rc = rf_block_return_run(block, deadline);
	if (rc == -EREMCHG)
		rc = rf_block_rezone(block, deadline);
	mutex_lock(&rf_ledger_lock);
	return rc == -EINPROGRESS ? rc : rf_block_returned(block, rc);
}

/* Does anybody need a block, or is it in transit? Ledger lock held. */
static bool rf_block_idle(const struct rf_block *block)
{
	lockdep_assert_held(&rf_ledger_lock);
	return !block->transit && !block->holder &&
	       (!block->pooled || rf_ledger_memory_is_free(&rf_books.memory, block->start,
							   rf_block_size()));
}

/* Was it tried in @round, or in a later one beside it? */
static bool rf_block_tried(const struct rf_block *block, u32 round)
{
	return (s32)(block->round - round) >= 0;
}

/* A block that nobody needs, and that was not tried in @round. */
static struct rf_block *rf_block_unowned(u32 round)
{
	struct rf_block *block;

	list_for_each_entry(block, &rf_blocks, node)
		if (rf_block_idle(block) && !rf_block_tried(block, round))
			return block;
	return NULL;
}

/* Is there one, or does somebody else return one right now, who has the turn? */
static bool rf_blocks_any(u32 round)
{
	struct rf_block *block;
	bool any;

	mutex_lock(&rf_ledger_lock);
	any = rf_block_unowned(round);
	list_for_each_entry(block, &rf_blocks, node)
		any |= block->transit && !block->holder && !block->job.left;
	mutex_unlock(&rf_ledger_lock);
	return any;
}

/* Return one block. The caller has the turn. Return: as below. */
static int rf_blocks_return_one(u32 round)
{
	struct rf_block *block;
	bool again;
	int rc = 0;

	mutex_lock(&rf_ledger_lock);
	block = rf_block_unowned(round);
	if (block) {
		block->round = round;
		again = !block->out;
		rc = rf_block_return(block, jiffies + RF_HOME);
		if (rc && rc != -EINPROGRESS)
			rf_blocks_again();
		if (rc != -EINPROGRESS && again)
			rc = 0;
	}
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

static u32 rf_blocks_round(void)
{
	u32 round;

	mutex_lock(&rf_ledger_lock);
	round = ++rf_round;
	mutex_unlock(&rf_ledger_lock);
	return round;
}

/**
 * rf_blocks_give_back() - return all blocks in which nobody owns anything
 *
 * Also tries those again that did not come online earlier. They are no error a second time: who
 * calls now has nothing to do with them.
 *
 * Context: Workqueue; neither the turn to hotplug nor the ledger lock held. A turn for each block:
 *	    others come between.
 * Return: 0 or the first error; goes on after one. -EBUSY: hotplug is blocked: what is left goes
 *	   back later.
 */
int rf_blocks_give_back(void)
{
	const u32 round = rf_blocks_round();
	int rc, result = 0;

	while (rf_blocks_any(round)) {
		if (rf_hotplug_blocked() || rf_hotplug_begin_return(jiffies + RF_HOTPLUG_RETURN)) {
			rf_blocks_later();
			return -EBUSY;
		}
		rc = rf_blocks_return_one(round);
		/* The turn is the thread's, and who comes next sees that hotplug is blocked. */
		if (rc != -EINPROGRESS)
			rf_hotplug_end();
		result = result ?: rc;
	}
	return result;
}

static void rf_later_work(struct work_struct *unused)
{
	rf_blocks_give_back();
}

struct rf_returning {
	struct work_struct work;
	struct task_struct *caller;
	int rc;
};

static void rf_returning_work(struct work_struct *work)
{
	struct rf_returning *returning = container_of(work, struct rf_returning, work);

	rf_step_caller(returning->caller);
	returning->rc = rf_blocks_give_back();
	rf_step_caller(NULL);
}

/**
 * rf_blocks_home() - return all blocks in which nobody owns anything, and wait for that
 *
 * In a worker: it must not end with the caller.
 *
 * Context: Process context, may sleep; neither the turn to hotplug nor the ledger lock held.
 * Return: as rf_blocks_give_back().
 */
int rf_blocks_home(void)
{
	struct rf_returning returning = { .caller = current };

	INIT_WORK_ONSTACK(&returning.work, rf_returning_work);
	rf_work_run(&returning.work);
	destroy_work_on_stack(&returning.work);
	return returning.rc;
}

/*
 * Somebody has blocks that he did not need. He does not wait for a thread that was left behind.
 * Context: as above.
 */
void rf_blocks_unused(void)
{
	if (rf_hotplug_left())
		rf_blocks_later();
	else
		rf_blocks_home();
}

/*
 * Unload: nobody owns anything. A block that still cannot be given back stays
 * out of the kernel, but nothing may point into this module any more.
 */
void rf_blocks_exit(void)
{
	struct rf_block *block, *next;

	rf_blocks_home();
	cancel_delayed_work_sync(&rf_later);
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
