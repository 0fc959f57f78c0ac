// SPDX-License-Identifier: GPL-2.0
/*
 * Hotplug of this kernel, with an end. Offlining memory tries for ever, until a signal is
 * pending, and waits for pages whose I/O may never end without listening to signals. All that
 * time it holds the kernel's own lock of hotplug. So:
 *
 *   - one at a time, in the order of their coming: whoever hotplugs has the turn, and waits for it
 *     with a deadline and without a lock that others need;
 *   - what may take long runs in a thread of its own. If it does not end in time, it is left
 *     behind, and the turn with it. Once it is overdue, hotplug is blocked, until the thread ends
 *     after all, and settles what it had in hand.
 *
 * Others hotplug, too: an administrator, a hypervisor. So whoever gets the turn first passes
 * through the kernel's lock in such a thread: cores come and go under the ledger lock.
 */
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/memory.h>
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "base/internal.h"

#define RF_PASS		(10 * HZ)	/* for others who hotplug */
#define RF_GRACE	HZ		/* for a thread whose time is up, until it is left behind */
#define RF_GRACE_LOOK	(HZ / 50)
#define RF_OVERDUE	(10 * HZ)	/* from then on until it blocks hotplug */

/* Waits for the turn. */
struct rf_turn_waiter {
	struct list_head node;		/* in rf_turn_queue until it has the turn */
	bool got;
	u64 blocked_by;
};

static DEFINE_SPINLOCK(rf_turn_lock);
static DECLARE_WAIT_QUEUE_HEAD(rf_turn_wait);
static LIST_HEAD(rf_turn_queue);
static bool rf_turn_taken;
static struct task_struct *rf_turn_holder;	/* only compared; NULL: a thread left behind */
static u64 rf_left_behind;		/* subject of the job that was left behind, or 0 */
static u64 rf_blocked_by;		/* the same, once that is overdue */

static void rf_overdue_work(struct work_struct *unused);

static DECLARE_DELAYED_WORK(rf_overdue, rf_overdue_work);

static void rf_turn_enter(struct rf_turn_waiter *waiter)
{
	*waiter = (struct rf_turn_waiter){};
	spin_lock(&rf_turn_lock);
	list_add_tail(&waiter->node, &rf_turn_queue);
	spin_unlock(&rf_turn_lock);
}

/* Need it wait no longer: because it has the turn, or because hotplug is blocked? */
static bool rf_turn_look(struct rf_turn_waiter *waiter)
{
	spin_lock(&rf_turn_lock);
	if (!rf_turn_taken && list_is_first(&waiter->node, &rf_turn_queue)) {
		list_del(&waiter->node);
		rf_turn_taken = waiter->got = true;
		rf_turn_holder = current;
	}
	waiter->blocked_by = rf_blocked_by;
	spin_unlock(&rf_turn_lock);
	return waiter->got || waiter->blocked_by;
}

static void rf_turn_report(u64 subject)
{
	if (subject == RF_HOTPLUG_FOREIGN)
		pr_err("hotplug of this kernel is blocked by another task\n");
	else if (subject & RF_HOTPLUG_CORE)
		pr_err("hotplug of this kernel is blocked by CPU %llu\n",
		       subject & ~RF_HOTPLUG_CORE);
	else
		pr_err("hotplug of this kernel is blocked by memory block %llu\n",
		       subject / memory_block_size_bytes());
}

static void rf_overdue_work(struct work_struct *unused)
{
	u64 subject;

	spin_lock(&rf_turn_lock);
	subject = rf_left_behind;
	WRITE_ONCE(rf_blocked_by, subject);
	spin_unlock(&rf_turn_lock);
	if (subject)
		rf_turn_report(subject);
	wake_up_all(&rf_turn_wait);
}

/* @rc: below 0: a signal ended the wait. */
static int rf_turn_result(struct rf_turn_waiter *waiter, long rc)
{
	if (waiter->got)
		return 0;
	spin_lock(&rf_turn_lock);
	list_del(&waiter->node);
	spin_unlock(&rf_turn_lock);
	wake_up_all(&rf_turn_wait);	/* another one is the first now */
	if (rc < 0)
		return -EINTR;
	if (waiter->blocked_by)
		rf_turn_report(waiter->blocked_by);
	else
		pr_err("hotplug of this kernel was busy for too long\n");
	return -EALREADY;
}

/**
 * rf_hotplug_blocked() - what keeps this kernel from hotplug
 *
 * Context: Any.
 * Return: as rf_hotplug_job.subject, or 0. It may change at once.
 */
u64 rf_hotplug_blocked(void)
{
	return READ_ONCE(rf_blocked_by);
}

/* Is a thread left behind that may soon block hotplug? Context: any. */
bool rf_hotplug_left(void)
{
	return READ_ONCE(rf_left_behind);
}

/* The turn of @holder is over, if it has it. */
static void rf_turn_end(const struct task_struct *holder)
{
	bool ends;

	spin_lock(&rf_turn_lock);
	ends = rf_turn_taken && rf_turn_holder == holder;
	if (ends) {
		WRITE_ONCE(rf_left_behind, 0);
		WRITE_ONCE(rf_blocked_by, 0);
		rf_turn_taken = false;
		rf_turn_holder = NULL;
	}
	spin_unlock(&rf_turn_lock);
	if (ends)
		wake_up_all(&rf_turn_wait);
}

/* The caller goes on with the turn of another task, which does not hotplug any more. */
void rf_hotplug_adopt(void)
{
	spin_lock(&rf_turn_lock);
	rf_turn_holder = current;
	spin_unlock(&rf_turn_lock);
}

/* Does nothing if the caller left its turn to a thread. Context: any. */
void rf_hotplug_end(void)
{
	rf_turn_end(current);
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

static void rf_job_stall(const struct rf_hotplug_job *job)
{
	if (job->subject == RF_HOTPLUG_FOREIGN)
		rf_step_stall(&rf_steps.stall_pass);
	else if (job->subject & RF_HOTPLUG_CORE)
		rf_step_stall(&rf_steps.stall_cores);
	else
		rf_step_stall(&rf_steps.stall_blocks);
}

static int rf_job_thread(void *data)
{
	struct rf_hotplug_job *job = data;
	int rc;

	/* The one signal that makes all kernels give up offlining. */
	allow_kernel_signal(SIGKILL);
	rf_job_stall(job);
	rc = job->work(job);
	if (rc == -EINPROGRESS)
		rc = -EIO;		/* has a meaning of its own here */
	if (rf_job_tell(job))
		return rc;
	job->settle(job, rc);		/* frees it; may hang, too */
	cancel_delayed_work_sync(&rf_overdue);
	rf_turn_end(NULL);
	module_put_and_kthread_exit(0);
}

struct rf_spawn {
	struct work_struct work;
	struct rf_hotplug_job *job;
	struct task_struct *task;
};

static void rf_spawn_work(struct work_struct *work)
{
	struct rf_spawn *spawn = container_of(work, struct rf_spawn, work);

	spawn->task = kthread_create(rf_job_thread, spawn->job, "rf_hotplug");
	if (!IS_ERR(spawn->task))
		get_task_struct(spawn->task);
}

/* By a worker, for a task that is killed gets no threads. Return: with a reference; or ERR_PTR. */
static struct task_struct *rf_job_spawn(struct rf_hotplug_job *job)
{
	struct rf_spawn spawn = { .job = job };

	INIT_WORK_ONSTACK(&spawn.work, rf_spawn_work);
	rf_work_run(&spawn.work);
	destroy_work_on_stack(&spawn.work);
	return spawn.task;
}

/* Leave a thread behind. It has a reference on the module: not while that is unloaded. */
static bool rf_job_leave(struct rf_hotplug_job *job)
{
	const u64 subject = job->subject;
	bool left;

	spin_lock(&rf_turn_lock);
	left = !completion_done(&job->done) && try_module_get(THIS_MODULE);
	if (left) {
		job->left = true;
		WRITE_ONCE(rf_left_behind, subject);
		rf_turn_holder = NULL;
		/* Under the lock: the thread, which cancels it, then sees it. */
		queue_delayed_work(system_wq, &rf_overdue, RF_OVERDUE);
	}
	spin_unlock(&rf_turn_lock);
	return left;
}

/* Return: whether it ended by itself. */
static bool rf_job_wait(struct rf_hotplug_job *job, unsigned long deadline)
{
	long left = max_t(long, deadline - jiffies, 1);

	if (job->interruptible)
		return wait_for_completion_interruptible_timeout(&job->done, left) > 0;
	return wait_for_completion_timeout(&job->done, left) > 0;
}

/**
 * rf_hotplug_run() - do what may take long, in a thread of its own
 * @job: its first members are set; in memory that the caller may leave behind
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible if @job says so; ledger lock not held. The caller has
 *	    the turn.
 * Return: what job->work() returned, or why there is no thread. -EINPROGRESS: it did not end in
 *	   time: the turn and @job are the thread's now, which will call job->settle().
 */
int rf_hotplug_run(struct rf_hotplug_job *job, unsigned long deadline)
{
	struct task_struct *task;
	unsigned long end;
	bool done;
	int rc;

	job->left = false;
	init_completion(&job->done);
	task = rf_job_spawn(job);
	if (IS_ERR(task))
		return -ENOMEM;		/* whatever it lacks; others have a meaning for callers */
	wake_up_process(task);
	done = rf_job_wait(job, deadline);
	for (end = jiffies + RF_GRACE; !done;) {
		/* Again and again: it may not listen yet. */
		if (job->can_stop)
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

/**
 * rf_hotplug_pass() - wait in the kernel's queue of those who hotplug, and leave it
 *
 * Context: Process context, may sleep: until those who hotplug already are done.
 */
void rf_hotplug_pass(void)
{
	/* Of a core that is online: nothing but the lock. */
	add_cpu(cpumask_first(cpu_online_mask));
}

static int rf_pass_work(struct rf_hotplug_job *job)
{
	rf_hotplug_pass();
	return 0;
}

static void rf_pass_settle(struct rf_hotplug_job *job, int rc)
{
	kfree(job);
}

/*
 * Does nobody else hotplug, without an end? Who begins from here on is not seen. The caller has
 * the turn. Return: 0; or an error: not any more.
 */
static int rf_turn_pass(unsigned long deadline, bool interruptible)
{
	const unsigned long latest = jiffies + RF_PASS;
	struct rf_hotplug_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	int rc = -ENOMEM;

	if (job) {
		job->subject = RF_HOTPLUG_FOREIGN;
		job->interruptible = interruptible;
		job->work = rf_pass_work;
		job->settle = rf_pass_settle;
		rc = rf_hotplug_run(job, time_before(deadline, latest) ? deadline : latest);
	}
	if (rc == -EINPROGRESS && interruptible && signal_pending(current))
		return -EINTR;
	if (rc == -EINPROGRESS) {
		pr_err("hotplug of this kernel was busy for too long\n");
		return -EALREADY;
	}
	kfree(job);
	if (rc)
		rf_hotplug_end();
	return rc;
}

/**
 * rf_hotplug_begin() - wait for the turn to hotplug
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible, ledger lock not held: outside of it.
 * Return: 0, then rf_hotplug_end() is due; -EINTR; -ENOMEM; -EALREADY, at once if hotplug is
 *	   blocked: the log says why.
 */
int rf_hotplug_begin(unsigned long deadline)
{
	struct rf_turn_waiter waiter;
	long left = max_t(long, deadline - jiffies, 1);
	long rc;

	rf_turn_enter(&waiter);
	rc = wait_event_interruptible_timeout(rf_turn_wait, rf_turn_look(&waiter), left);
	return rf_turn_result(&waiter, rc) ?: rf_turn_pass(deadline, true);
}

/* The same for who gives back, which a signal does not end. Return: 0; -EALREADY; -ENOMEM. */
int rf_hotplug_begin_return(unsigned long deadline)
{
	struct rf_turn_waiter waiter;
	long left = max_t(long, deadline - jiffies, 1);

	rf_turn_enter(&waiter);
	wait_event_idle_timeout(rf_turn_wait, rf_turn_look(&waiter), left);
	return rf_turn_result(&waiter, 0) ?: rf_turn_pass(deadline, false);
}
