// SPDX-License-Identifier: GPL-2.0
/*
 * Test-only faults. Every step of a create, resize, reset or destroy that can fail
 * calls rf_step(); a test makes the Nth step from now fail, or kills the calling
 * process there (control/debugfs.c). The count of steps lets a test sweep them all. A reset of a PCI
 * function is no such step, as one that fails need not make the whole fail. Nor is a thread that
 * hangs, as hotplug does in a kernel whose I/O does not end.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "base/internal.h"

struct rf_steps rf_steps;

/* The task that a worker acts for, of the worker that last said so. Ledger lock. */
static struct task_struct *rf_caller, *rf_caller_worker;

/* A worker begins to act for @task, which waits; NULL: it is done. Ledger lock not held. */
void rf_step_caller(struct task_struct *task)
{
	mutex_lock(&rf_ledger_lock);
	if (task || rf_caller_worker == current) {
		rf_caller = task;
		rf_caller_worker = current;
	}
	mutex_unlock(&rf_ledger_lock);
}

/* Whom a test kills. */
static struct task_struct *rf_step_victim(void)
{
	return rf_caller && rf_caller_worker == current ? rf_caller : current;
}

/**
 * rf_step() - begin a step that may fail
 * @what: its name, for the log
 *
 * Context: Ledger lock held.
 * Return: 0, or -EIO if a test wants this step to fail.
 */
int rf_step(const char *what)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_steps.count++;
	if (rf_steps.kill_nth && --rf_steps.kill_nth == 0) {
		pr_notice("test: killing the caller at step %u, %s\n", rf_steps.count, what);
		send_sig(SIGKILL, rf_step_victim(), 1);
	}
	if (rf_steps.fail_nth && --rf_steps.fail_nth == 0) {
		pr_notice("test: failing step %u, %s\n", rf_steps.count, what);
		return -EIO;
	}
	return 0;
}

/* The same. Context: process; ledger lock not held. */
int rf_step_outside(const char *what)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_step(what);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* A PCI function is about to be reset. Return: 0; -EIO: a test wants it to fail. Ledger lock. */
int rf_step_reset(void)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_steps.fail_resets)
		return 0;
	rf_steps.fail_resets--;
	pr_notice("test: failing the reset of a PCI function\n");
	return -EIO;
}

/* A thread hangs, and listens to no signal, until a test has it go on. Context: process. */
void rf_step_stall(const u32 *seconds)
{
	u32 left = READ_ONCE(*seconds);

	for (; left && READ_ONCE(*seconds); left--)
		schedule_timeout_uninterruptible(HZ);
}
