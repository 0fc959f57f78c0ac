// SPDX-License-Identifier: GPL-2.0
/*
 * Builders: who makes a partition, or starts one again. As many as like to, side by side; but none
 * while this kernel is being suspended, and that not while there are any.
 */
#include <linux/atomic.h>

#include "lifecycle/internal.h"

static atomic_t rf_builders;		/* how many; -1: none may be */

/**
 * rf_subos_builder_take() - there is one more builder
 *
 * Context: Any.
 * Return: 0, then rf_subos_builder_done() is due; -EBUSY: this kernel is being suspended.
 */
int rf_subos_builder_take(void)
{
	return atomic_inc_unless_negative(&rf_builders) ? 0 : -EBUSY;
}

/* What it built was started, published or undone. */
void rf_subos_builder_done(void)
{
	atomic_dec(&rf_builders);
}

/* From now on nobody builds. Return: whether nobody does. */
bool rf_subos_builders_stop(void)
{
	return !atomic_cmpxchg(&rf_builders, 0, -1);
}

void rf_subos_builders_go_on(void)
{
	atomic_set(&rf_builders, 0);
}
