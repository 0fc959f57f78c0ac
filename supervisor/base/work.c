// SPDX-License-Identifier: GPL-2.0
/*
 * One work queue for what must not be done where the need for it arises: in an interrupt,
 * under a lock, in the reader thread of rf_ficm, or in a task without a root directory.
 */
#include <linux/workqueue.h>

#include "base/internal.h"

static struct workqueue_struct *rf_work;

/**
 * rf_work_queue() - queue a work item
 * @work: the work item
 *
 * Context: Any.
 * Return: whether @work was queued; false if it was queued already.
 */
bool rf_work_queue(struct work_struct *work)
{
	return queue_work(rf_work, work);
}

/**
 * rf_work_run() - have a worker do something, and wait until it is done
 * @work: the work item
 *
 * Not in our own queue: others wait until all of that is done.
 *
 * Context: Process context, may sleep; no lock that @work needs may be held.
 */
void rf_work_run(struct work_struct *work)
{
	queue_work(system_unbound_wq, work);
	flush_work(work);
}

/* Wait for all that is queued. Context: process, without a lock that any of it needs. */
void rf_work_flush(void)
{
	flush_workqueue(rf_work);
}

int rf_work_init(void)
{
	rf_work = alloc_workqueue("rainforest-control", WQ_UNBOUND, 0);
	return rf_work ? 0 : -ENOMEM;
}

/* Runs all queued work first, which may hold the last references to subOSes that are gone. */
void rf_work_exit(void)
{
	destroy_workqueue(rf_work);
}
