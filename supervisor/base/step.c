// SPDX-License-Identifier: GPL-2.0
/*
 * Test-only faults. Every step of a create, resize, reset or destroy that can fail
 * calls rf_step(); a test makes the Nth step from now fail, or kills the calling
 * process there (control/debugfs.c). The count of steps lets a test sweep them all. A reset of a PCI
 * function is no such step, as one that fails need not make the whole fail. Nor is a thread that
 * hangs, as hotplug does in a kernel whose I/O does not end, or a function that is slow to reset.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "base/internal.h"

#define RF_ACTING	32		/* more than there can be subOSes */

struct rf_steps rf_steps;

/* Steps are taken under various locks, and side by side. */
static DEFINE_SPINLOCK(rf_steps_lock);
/* Workers, and the tasks that they act for. */
static struct rf_acting {
	struct task_struct *worker, *caller;
} rf_acting[RF_ACTING];

/* What this worker acts for; @worker NULL: a free slot. */
static struct rf_acting *rf_acting_find(const struct task_struct *worker)
{
	u32 i;

	lockdep_assert_held(&rf_steps_lock);
	for (i = 0; i < RF_ACTING; i++)
		if (rf_acting[i].worker == worker)
			return &rf_acting[i];
	return NULL;
}

/**
 * rf_step_caller() - this worker begins to act for a task
 * @task: the task, which waits; NULL: the worker is done
 *
 * Context: Process context, also under the ledger lock.
 */
void rf_step_caller(struct task_struct *task)
{
	struct rf_acting *acting;

	spin_lock(&rf_steps_lock);
	acting = rf_acting_find(current) ?: rf_acting_find(NULL);
	if (acting)
		*acting = (struct rf_acting){ task ? current : NULL, task };
	spin_unlock(&rf_steps_lock);
}

/* Who is killed at a step of this task's. */
static struct task_struct *rf_step_victim(void)
{
	const struct rf_acting *acting = rf_acting_find(current);

	return acting ? acting->caller : current;
}

/**
 * rf_step() - begin a step that may fail
 * @what: its name, for the log
 *
 * Context: Process context, under any lock but the state lock.
 * Return: 0, or -EIO if a test wants this step to fail.
 */
int rf_step(const char *what)
{
	int rc = 0;

	spin_lock(&rf_steps_lock);
	rf_steps.count++;
	if (rf_steps.kill_nth && --rf_steps.kill_nth == 0) {
		pr_notice("test: killing the caller at step %u, %s\n", rf_steps.count, what);
		send_sig(SIGKILL, rf_step_victim(), 1);
	}
	if (rf_steps.fail_nth && --rf_steps.fail_nth == 0) {
		pr_notice("test: failing step %u, %s\n", rf_steps.count, what);
		rc = -EIO;
	}
	spin_unlock(&rf_steps_lock);
	return rc;
}

/**
 * rf_step_reset() - a PCI function is about to be reset
 *
 * Context: Process context, may sleep: as long as a test wants the reset to last.
 * Return: 0, or -EIO if a test wants the reset to fail.
 */
int rf_step_reset(void)
{
	int rc = 0;

	if (READ_ONCE(rf_steps.stall_reset))
		pr_notice("test: stalling the reset of a PCI function\n");
	rf_step_stall(&rf_steps.stall_reset);
	spin_lock(&rf_steps_lock);
	if (rf_steps.fail_resets) {
		rf_steps.fail_resets--;
		pr_notice("test: failing the reset of a PCI function\n");
		rc = -EIO;
	}
	spin_unlock(&rf_steps_lock);
	return rc;
}

/* A thread hangs, and listens to no signal, until a test has it go on. Context: process. */
void rf_step_stall(const u32 *seconds)
{
	u32 left = READ_ONCE(*seconds);

	for (; left && READ_ONCE(*seconds); left--)
		schedule_timeout_uninterruptible(HZ);
}
