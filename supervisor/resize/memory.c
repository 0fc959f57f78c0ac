// SPDX-License-Identifier: GPL-2.0
/*
 * Memory between the supervisor and a subOS that runs, in whole memory blocks of
 * the subOS's kernel. They come from the pool, or out of the supervisor's kernel,
 * and go back there.
 */
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "memory/memory.h"
#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* An agent is told to be done a little before we stop waiting. */
#define RF_MEMORY_SPARE_MS	500

/* ---- blocks of the supervisor's kernel in which nobody owns anything any more ---- */

struct rf_returning {
	struct work_struct work;
	struct task_struct *caller;
	int rc;
};

static void rf_returning_work(struct work_struct *work)
{
	struct rf_returning *returning = container_of(work, struct rf_returning, work);

	mutex_lock(&rf_ledger_lock);
	rf_step_caller(returning->caller);
	returning->rc = rf_blocks_give_back();
	rf_step_caller(NULL);
	mutex_unlock(&rf_ledger_lock);
}

/* In a worker, for it writes to sysfs files, which the caller may not even see. */
static int rf_memory_home(void)
{
	struct rf_returning returning = { .caller = current };

	INIT_WORK_ONSTACK(&returning.work, rf_returning_work);
	rf_work_run(&returning.work);
	destroy_work_on_stack(&returning.work);
	return returning.rc;
}

/* Can its memory be resized now? An agent may say HELLO again: its block size is read once. */
static int rf_memory_ready(struct rf_subos *subos, u64 *block_size)
{
	*block_size = READ_ONCE(subos->block_size);
	return rf_resize_ready(subos, RF_CAN_MEMORY) ?: *block_size ? 0 : -EOPNOTSUPP;
}

static void rf_memory_note(struct rf_subos *subos, enum rf_event_type type,
			   const struct rf_resize *args, u64 begun, int rc)
{
	const u64 event[4] = { args->memory_done, args->memory };

	rf_event(subos, type, rc, RF_CAUSE_OPERATOR, ktime_get_ns() - begun, event, NULL);
}

/* ---- to a subOS ---- */

struct rf_growth {
	u64 size;			/* bytes, rounded up */
	u64 block_size;
	u32 count;
	u32 added;			/* of ranges[], in the subOS's grant */
	struct rf_range ranges[RF_RANGES_MAX];
};

/* A range that the subOS does not use goes back to the pool. Ledger lock held. */
static int rf_memory_withdraw(struct rf_subos *subos, u64 start, u64 size)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	down_write(&subos->memory_sem);
	rc = rf_pool_leave(subos->id, start, size);
	up_write(&subos->memory_sem);
	if (rc)
		return rc;
	rf_publish();
	rf_dma_unmap(subos, start, size);
	rf_pool_put(subos->id, start, size, RF_MEMORY_LEAVING);
	rf_publish();	/* to a later supervisor, too, the memory is nobody's now */
	return 0;
}

/* The subOS owns the memory, or nothing has changed but blocks in the pool. Ledger lock held. */
static int rf_memory_add_begin(struct rf_subos *subos, struct rf_resize *args,
			       struct rf_growth *growth)
{
	struct rf_range *range;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("memory-offer");
	if (rc)
		return rc;
	growth->count = rf_ledger_memory_room(&rf_books.memory, subos->id);
	rc = rf_pool_take_aligned(subos->id, growth->size, growth->block_size, args->node,
				  growth->ranges, &growth->count, &args->available);
	if (rc)
		return rc;
	for (; !rc && growth->added < growth->count; growth->added += !rc) {
		range = &growth->ranges[growth->added];
		rc = rf_dma_map(subos, range->start, range->size);
		if (!rc)
			rc = rf_pool_own(subos->id, range->start, range->size);
	}
	if (!rc)
		rc = rf_step("memory-grant");
	while (rc && growth->count) {
		range = &growth->ranges[--growth->count];
		if (growth->count < growth->added) {
			rf_expect(rf_memory_withdraw(subos, range->start, range->size));
			continue;
		}
		rf_dma_unmap(subos, range->start, range->size);
		rf_pool_put(subos->id, range->start, range->size, RF_MEMORY_COMING);
	}
	rf_publish();
	return rc;
}

/* Memory of a late MEMORY_ADD that failed: nothing of it is in use. */
static void rf_memory_add_late(struct rf_subos *subos, const struct rf_late *late)
{
	u64 start = late->args[0], size = late->args[1];

	/* Without an answer it may be using what it was given. */
	if (!rf_late_begin(subos, late) || late->lost || late->answer == RF_ANSWER_DONE)
		return;
	mutex_lock(&rf_ledger_lock);
	if (rf_ledger_memory_holds(&rf_books.memory, subos->id, start, size))
		rf_memory_withdraw(subos, start, size);
	mutex_unlock(&rf_ledger_lock);
	rf_memory_home();
}

/* The agent brings the ranges online one after the other; from the first error on they go back. */
static int rf_memory_add_end(struct rf_subos *subos, struct rf_resize *args,
			     const struct rf_growth *growth)
{
	u64 end = ktime_get_ns() + rf_resize_timeout(args) * NSEC_PER_MSEC, now;
	struct rf_ask ask;
	int rc = 0, rc_back = 0;
	u32 i;

	for (i = 0; !rc && i < growth->count; i++) {
		now = ktime_get_ns();
		if (now >= end) {
			rc = -ETIMEDOUT;
			break;
		}
		ask = (struct rf_ask){
			.op = RF_OP_MEMORY_ADD,
			.timeout_ms = (end - now) / NSEC_PER_MSEC + 1,
			.args = { growth->ranges[i].start, growth->ranges[i].size },
			.late = rf_memory_add_late,
		};
		rc = rf_resize_result(args, &ask, rf_supcon_ask(subos, &ask));
		if (rc && (ask.settled || rf_phase_held(rf_subos_phase(subos))))
			break;
		/* Also if the agent has not had its last word: it may be using it right now. */
		args->memory_done += growth->ranges[i].size;
	}
	mutex_lock(&rf_ledger_lock);
	for (; i < growth->count; i++)
		rc_back = rf_memory_withdraw(subos, growth->ranges[i].start,
					     growth->ranges[i].size) ?: rc_back;
	mutex_unlock(&rf_ledger_lock);
	if (rc_back)
		pr_err("subOS %s keeps memory that it does not use: error %d\n", subos->name,
		       rc_back);
	return rc;
}

/* Context: `adjusting` held, as below. */
static int rf_memory_add(struct rf_subos *subos, struct rf_resize *args,
			 struct rf_growth *growth)
{
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_memory_add_begin(subos, args, growth);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		rc = rf_memory_add_end(subos, args, growth);
	if (rc)
		rf_memory_home();	/* blocks that were taken in vain, or for nothing */
	return rc;
}

/* RF_RESIZE_MEMORY_ADD */
int rf_resize_memory_add(struct rf_subos *subos, struct rf_resize *args)
{
	u64 begun = ktime_get_ns(), block_size;
	struct rf_growth *growth;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (!args->memory || !IS_ALIGNED(args->memory, RF_EXTENT_SIZE) || args->node < -1 ||
	    args->node >= MAX_NUMNODES || (args->node >= 0 && !node_online(args->node)))
		return -EINVAL;
	rc = rf_memory_ready(subos, &block_size);
	if (rc)
		return rc;
	if (args->memory > U64_MAX - block_size)
		return -ENOMEM;
	growth = kzalloc(sizeof(*growth), GFP_KERNEL);
	if (!growth)
		return -ENOMEM;
	growth->size = ALIGN(args->memory, block_size);
	growth->block_size = block_size;
	rc = rf_memory_add(subos, args, growth);
	kfree(growth);
	rf_memory_note(subos, RF_EVENT_MEMORY_ADDED, args, begun, rc);
	return rc;
}

/* ---- from a subOS ---- */

struct rf_shrinkage {
	u64 done;			/* bytes */
	u32 refused;			/* of ranges[], for the agent to take back */
	struct rf_range ranges[RF_RANGES_MAX];
};

/*
 * May a subOS give this up? That it is in steps of RF_EXTENT_SIZE was checked when the
 * answer came (wire/control_check.h). Ledger lock held.
 */
static bool rf_memory_sound(struct rf_subos *subos, u64 start, u64 size)
{
	u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);

	lockdep_assert_held(&rf_ledger_lock);
	return rf_ledger_memory_holds(&rf_books.memory, subos->id, start, size) &&
	       (start >= boot + RF_BOOT_AREA_SIZE || start + size <= boot);
}

/* PROGRESS of MEMORY_REMOVE: the kernel there has given up a range for good. */
static void rf_memory_given_up(struct rf_subos *subos, const s64 *args, void *data)
{
	struct rf_shrinkage *shrinkage = data;
	u64 start = args[0], size = args[1];
	int rc = -ERANGE;

	mutex_lock(&rf_ledger_lock);
	if (rf_memory_sound(subos, start, size))
		rc = rf_memory_withdraw(subos, start, size);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		shrinkage->done += size;
	else if (rc == -ERANGE)
		pr_warn_ratelimited("subOS %s gives up memory that is not its to give\n",
				    subos->name);
	else if (shrinkage->refused < RF_RANGES_MAX)
		shrinkage->ranges[shrinkage->refused++] = (struct rf_range){ start, size };
}

/* Let the agent use again what its subOS owns and has given up in vain. */
static void rf_memory_offer(struct rf_subos *subos, u64 start, u64 size)
{
	struct rf_ask ask = {
		.op = RF_OP_MEMORY_ADD,
		.timeout_ms = RF_RESIZE_MS,
		.insist = true,
		.args = { start, size },
		.late = rf_memory_add_late,
	};
	int rc = rf_supcon_ask(subos, &ask);

	if (rc)
		pr_warn_ratelimited("subOS %s did not take 0x%llx bytes at 0x%llx back: error %d\n",
				    subos->name, size, start, rc);
}

/* Memory that was given up when nobody waited any more: the subOS may have it again. */
static void rf_memory_remove_late(struct rf_subos *subos, const struct rf_late *late)
{
	u64 start, size;
	bool sound;
	u32 i;

	if (!rf_late_begin(subos, late))
		return;
	for (i = late->handled; i < late->count; i++) {
		start = late->progress[i][0];
		size = late->progress[i][1];
		mutex_lock(&rf_ledger_lock);
		sound = rf_memory_sound(subos, start, size);
		mutex_unlock(&rf_ledger_lock);
		if (sound)
			rf_memory_offer(subos, start, size);
	}
}

static int rf_memory_remove(struct rf_subos *subos, struct rf_resize *args, u64 block_size,
			    struct rf_shrinkage *shrinkage)
{
	u32 timeout = rf_resize_timeout(args), i;
	/* No more than there is room to note. */
	u64 wanted = min(args->memory, (RF_UNITS_MAX - 1) * block_size);
	struct rf_ask ask = {
		.op = RF_OP_MEMORY_REMOVE,
		.timeout_ms = timeout,
		.units = wanted / block_size + 1,
		.args = { wanted, timeout - min_t(u32, timeout / 4, RF_MEMORY_SPARE_MS) },
		.progress = rf_memory_given_up,
		.data = shrinkage,
		.late = rf_memory_remove_late,
	};
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_step("memory-claim");
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		rc = rf_resize_result(args, &ask, rf_supcon_ask(subos, &ask));
	args->memory_done = shrinkage->done;
	for (i = 0; i < shrinkage->refused; i++)
		rf_memory_offer(subos, shrinkage->ranges[i].start, shrinkage->ranges[i].size);
	if (shrinkage->done)
		rc = rf_memory_home() ?: rc;
	return rc;
}

/* RF_RESIZE_MEMORY_REMOVE */
int rf_resize_memory_remove(struct rf_subos *subos, struct rf_resize *args)
{
	u64 begun = ktime_get_ns(), block_size;
	struct rf_shrinkage *shrinkage;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (!args->memory || !IS_ALIGNED(args->memory, RF_EXTENT_SIZE))
		return -EINVAL;
	rc = rf_memory_ready(subos, &block_size);
	if (rc)
		return rc;
	shrinkage = kzalloc(sizeof(*shrinkage), GFP_KERNEL);
	if (!shrinkage)
		return -ENOMEM;
	rc = rf_memory_remove(subos, args, block_size, shrinkage);
	kfree(shrinkage);
	rf_memory_note(subos, RF_EVENT_MEMORY_REMOVED, args, begun, rc);
	return rc;
}
