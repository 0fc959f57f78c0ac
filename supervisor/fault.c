// SPDX-License-Identifier: GPL-2.0
/*
 * Test-only faults. Every step of a create, resize, reset or destroy that can fail
 * calls rf_step(); through debugfs a test makes the Nth step from now on fail, or
 * kills the calling process there. Reading `steps` tells how many steps there
 * were, so that a test can sweep them all.
 *
 *   /sys/kernel/debug/rainforest/fail_nth   N, 0: off
 *   /sys/kernel/debug/rainforest/kill_nth   N, 0: off
 *   /sys/kernel/debug/rainforest/steps      count, write 0 to restart
 *   /sys/kernel/debug/rainforest/pool_check first wrong address in memory nobody
 *                                           owns, or 0 (reads all of it)
 *   /sys/kernel/debug/rainforest/pool_left  bytes given up that are still to be cleared
 */
#include <linux/debugfs.h>
#include <linux/sched/signal.h>

#include "supervisor.h"

static struct dentry *rf_debug_dir;
static u32 rf_fail_nth, rf_kill_nth, rf_steps;
static struct task_struct *rf_caller;	/* for whom a worker acts; ledger lock */

/* A worker begins to act for @task, which waits; NULL: it is done. */
void rf_step_caller(struct task_struct *task)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_caller = task;
}

/**
 * rf_step() - a step begins that may fail
 * @what: its name, for the log
 *
 * Context: Ledger lock held.
 * Return: 0, or -EIO if a test wants this step to fail.
 */
int rf_step(const char *what)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_steps++;
	if (rf_kill_nth && --rf_kill_nth == 0) {
		pr_notice("test: killing the caller at step %u, %s\n", rf_steps, what);
		send_sig(SIGKILL, rf_caller ?: current, 1);
	}
	if (rf_fail_nth && --rf_fail_nth == 0) {
		pr_notice("test: failing step %u, %s\n", rf_steps, what);
		return -EIO;
	}
	return 0;
}

static int rf_pool_check_get(void *data, u64 *value)
{
	rf_pool_settle();
	mutex_lock(&rf_ledger_lock);
	*value = rf_pool_check();
	mutex_unlock(&rf_ledger_lock);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rf_pool_check_fops, rf_pool_check_get, NULL, "0x%llx\n");

static int rf_pool_left_get(void *data, u64 *value)
{
	mutex_lock(&rf_ledger_lock);
	*value = rf_pool_left();
	mutex_unlock(&rf_ledger_lock);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rf_pool_left_fops, rf_pool_left_get, NULL, "%llu\n");

void rf_fault_init(void)
{
	rf_debug_dir = debugfs_create_dir("rainforest", NULL);
	debugfs_create_u32("fail_nth", 0600, rf_debug_dir, &rf_fail_nth);
	debugfs_create_u32("kill_nth", 0600, rf_debug_dir, &rf_kill_nth);
	debugfs_create_u32("steps", 0600, rf_debug_dir, &rf_steps);
	debugfs_create_file_unsafe("pool_check", 0400, rf_debug_dir, NULL, &rf_pool_check_fops);
	debugfs_create_file_unsafe("pool_left", 0400, rf_debug_dir, NULL, &rf_pool_left_fops);
}

void rf_fault_exit(void)
{
	debugfs_remove(rf_debug_dir);
}
