// SPDX-License-Identifier: GPL-2.0
/* Only one partition can be under construction at a time: whose it is. */
#include <linux/atomic.h>
#include <linux/sched.h>

#include "lifecycle/internal.h"

static atomic_t rf_builder;		/* pid of the task that holds it, 0: nobody */

/* Its pid, 0: nobody. Context: any. */
pid_t rf_subos_builder(void)
{
	return atomic_read(&rf_builder);
}

/**
 * rf_subos_builder_take() - become the task that holds the partition under construction
 *
 * Context: Process context.
 * Return: 0, or the pid of the task that holds one.
 */
pid_t rf_subos_builder_take(void)
{
	return atomic_cmpxchg(&rf_builder, 0, task_tgid_nr(current));
}

/* The partition under construction was published or undone. */
void rf_subos_builder_done(void)
{
	atomic_set(&rf_builder, 0);
}
