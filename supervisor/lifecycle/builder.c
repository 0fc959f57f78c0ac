// SPDX-License-Identifier: GPL-2.0
/* At most one partition can be under construction at a time: which task builds it. */
#include <linux/atomic.h>
#include <linux/sched.h>

#include "lifecycle/internal.h"

static atomic_t rf_builder;		/* tgid of the builder, 0: none */

/* The builder's tgid, 0: none. Context: any. */
pid_t rf_subos_builder(void)
{
	return atomic_read(&rf_builder);
}

/**
 * rf_subos_builder_take() - make the calling task the builder
 *
 * Context: Process context.
 * Return: 0, or the tgid of the task that is the builder already.
 */
pid_t rf_subos_builder_take(void)
{
	return atomic_cmpxchg(&rf_builder, 0, task_tgid_nr(current));
}

/* The partition under construction was started, published or undone: no builder any more. */
void rf_subos_builder_done(void)
{
	atomic_set(&rf_builder, 0);
}
