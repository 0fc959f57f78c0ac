// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug of this kernel, with an end. Offlining memory tries for ever, until a signal is
 * pending, and waits for pages whose I/O may never end without listening to signals. All that
 * time it holds the kernel's own lock of hotplug. So:
 *
 *   - one at a time: whoever hotplugs has the turn, and waits for it with a deadline and
 *     without a lock that others need;
 *   - what may take long runs in a thread of its own, which gets a signal at the deadline. If
 *     it does not end then, it is left behind, and the turn with it: hotplug is blocked until
 *     the thread ends after all, and settles what it had in hand.
 */
#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/memory.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/wait.h>

#include "base/base.h"

#define RF_RETURN_MS	30000
#define RF_GRACE	HZ		/* for a thread that got a signal */
#define RF_GRACE_LOOK	(HZ / 50)

static DEFINE_SPINLOCK(rf_turn_lock);
static DECLARE_WAIT_QUEUE_HEAD(rf_turn_wait);
static bool rf_turn_taken;
static u64 rf_blocked_by;		/* address of the memory block of a thread left behind, or 0 */

static bool rf_turn_try(void)
{
	bool got;

	spin_lock(&rf_turn_lock);
	got = !rf_turn_taken;
	rf_turn_taken = true;
	spin_unlock(&rf_turn_lock);
	return got;
}

static void rf_turn_report(u64 block)
{
	pr_err("hotplug of this kernel is blocked by memory block %llu\n",
	       block / memory_block_size_bytes());
}

/**
 * rf_hotplug_blocked() - the memory block that keeps this kernel from hotplug
 *
 * Context: Any.
 * Return: its address, or 0. It may change at once.
 */
u64 rf_hotplug_blocked(void)
{
	return READ_ONCE(rf_blocked_by);
}

/**
 * rf_hotplug_begin() - wait for the turn to hotplug
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible, ledger lock not held: outside of it.
 * Return: 0, then rf_hotplug_end() is due; -EINTR; -ETIMEDOUT, at once if hotplug is blocked.
 */
int rf_hotplug_begin(unsigned long deadline)
{
	long left = deadline - jiffies, rc;
	bool got = false;
	u64 block = 0;

	rc = wait_event_interruptible_timeout(rf_turn_wait,
					      (got = rf_turn_try()) ||
					      (block = rf_hotplug_blocked()),
					      max(left, 1L));
	if (got)
		return 0;
	if (rc < 0)
		return -EINTR;
	if (block)
		rf_turn_report(block);
	return -ETIMEDOUT;
}

/* The same for who gives back, which a signal does not end. Return: 0; -ETIMEDOUT. */
int rf_hotplug_begin_return(void)
{
	bool got = false;
	u64 block = 0;

	wait_event_idle_timeout(rf_turn_wait,
				(got = rf_turn_try()) || (block = rf_hotplug_blocked()),
				msecs_to_jiffies(RF_RETURN_MS));
	if (!got && block)
		rf_turn_report(block);
	return got ? 0 : -ETIMEDOUT;
}

/* Context: any. */
void rf_hotplug_end(void)
{
	spin_lock(&rf_turn_lock);
	WRITE_ONCE(rf_blocked_by, 0);
	rf_turn_taken = false;
	spin_unlock(&rf_turn_lock);
	wake_up_all(&rf_turn_wait);
}

/* Does somebody still wait for the job? If so, tell; what it is about is the waiter's then. */
static bool rf_job_tell(struct rf_hotplug_job *job)
{
	bool left;

	spin_lock(&rf_turn_lock);
	left = job->left;
	if (!left)
		complete(&job->done);
	spin_unlock(&rf_turn_lock);
	return !left;
}

static int rf_job_thread(void *data)
{
	struct rf_hotplug_job *job = data;
	struct work_struct *later = job->later;
	int rc;

	/* The one signal that makes all kernels give up offlining. */
	allow_kernel_signal(SIGKILL);
	rc = job->work(job);
	if (rf_job_tell(job))
		return rc;
	job->settle(job, rc);		/* frees it */
	rf_hotplug_end();
	rf_work_queue(later);
	module_put_and_kthread_exit(0);
}

/* Leave a thread behind. It has a reference on the module: not while that is unloaded. */
static bool rf_job_leave(struct rf_hotplug_job *job)
{
	bool left;

	spin_lock(&rf_turn_lock);
	left = !completion_done(&job->done) && try_module_get(THIS_MODULE);
	if (left) {
		job->left = true;
		WRITE_ONCE(rf_blocked_by, job->block);
		rf_turn_report(job->block);
	}
	spin_unlock(&rf_turn_lock);
	if (left)
		wake_up_all(&rf_turn_wait);
	return left;
}

/**
 * rf_hotplug_run() - do what may take long, in a thread of its own
 * @job: block, work, settle and later are set; in memory that the caller may leave behind
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible, ledger lock not held. The caller has the turn.
 * Return: what job->work() returned. -EINPROGRESS: it did not end in time, nor on a signal: the
 *	   turn and @job are the thread's now, which will call job->settle().
 */
int rf_hotplug_run(struct rf_hotplug_job *job, unsigned long deadline)
{
	long left = deadline - jiffies;
	struct task_struct *task;
	unsigned long end;
	bool done;
	int rc;

	job->left = false;
	init_completion(&job->done);
	task = kthread_create(rf_job_thread, job, "rf_hotplug");
	if (IS_ERR(task))
		return PTR_ERR(task);
	get_task_struct(task);
	wake_up_process(task);
	done = wait_for_completion_interruptible_timeout(&job->done, max(left, 1L)) > 0;
	for (end = jiffies + RF_GRACE; !done;) {
		/* Again and again: it may not listen yet. */
		send_sig(SIGKILL, task, 1);
		if (time_after(jiffies, end) && rf_job_leave(job)) {
			put_task_struct(task);
			return -EINPROGRESS;
		}
		done = wait_for_completion_timeout(&job->done, RF_GRACE_LOOK);
	}
	rc = kthread_stop(task);
	put_task_struct(task);
	return rc;
}
