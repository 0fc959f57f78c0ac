// SPDX-License-Identifier: GPL-2.0
/*
 * Has the user's init begun? The last word of step 6 of the boot flow: the subOS is running when
 * there is a program of the user's that runs, not when our part is done. An initrd without an
 * init, or with one whose interpreter is not there, is seen here, and nowhere else in time.
 *
 * The first stage loads this module as PID 1, says so by the parameter first_stage=1, and then
 * becomes the user's init. The kernel counts in self_exec_id how often a process has become
 * another program, at the point from which there is no way back to the old one; an execve() that
 * fails before does not count. So it is enough to see that number change.
 */
#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/workqueue.h>

#include "rf_subos.h"

static bool rf_first_stage;
module_param_named(first_stage, rf_first_stage, bool, 0444);
MODULE_PARM_DESC(first_stage, "loaded by the first stage, which becomes the user's init");

static struct task_struct *rf_pid1;
static u64 rf_pid1_execs;		/* its self_exec_id while it was the first stage */

static void rf_init_look(struct work_struct *work)
{
	if (READ_ONCE(rf_pid1->self_exec_id) == rf_pid1_execs) {
		/* A few ms away, or the first stage powers off: so it costs next to nothing. */
		schedule_delayed_work(to_delayed_work(work), 1);
		return;
	}
	put_task_struct(rf_pid1);
	rf_report_stage(RF_STAGE_RUNNING);
}

static DECLARE_DELAYED_WORK(rf_init_item, rf_init_look);

/**
 * rf_init_await() - report RF_STAGE_RUNNING as soon as the user's init has begun.
 *
 * If it is not the first stage that loads this module, then something of the user's has
 * begun already.
 *
 * Context: process context, of the task that loads this module, which succeeds from here on.
 */
void rf_init_await(void)
{
	if (!rf_first_stage || !is_global_init(current)) {
		rf_report_stage(RF_STAGE_RUNNING);
		return;
	}
	rf_pid1 = current;
	get_task_struct(rf_pid1);
	rf_pid1_execs = rf_pid1->self_exec_id;
	schedule_delayed_work(&rf_init_item, 1);
}
