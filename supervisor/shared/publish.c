// SPDX-License-Identifier: GPL-2.0
/* Publishes the ledger: in the grant pages, for programs, and in the machine page. */
#include <linux/notifier.h>
#include <linux/workqueue.h>

#include "shared/internal.h"

/**
 * rf_publish() - make all that other kernels can see agree with the ledger
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_publish(void)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_grant_update();
	rf_machine_page_update();
}

/* The same. Context: as above, but the ledger lock is not held. */
void rf_publish_now(void)
{
	mutex_lock(&rf_ledger_lock);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

static void rf_publish_run(struct work_struct *work)
{
	rf_publish_now();
}

static DECLARE_WORK(rf_publish_work, rf_publish_run);

/* A kernel may have come or gone: publish that soon. State lock held. */
static int rf_publish_state(struct notifier_block *block, unsigned long phase, void *data)
{
	lockdep_assert_held(&rf_state_lock);
	rf_work_queue(&rf_publish_work);
	return NOTIFY_OK;
}

static struct notifier_block rf_publish_block = { .notifier_call = rf_publish_state };

int rf_shared_init(void)
{
	return rf_state_notify(&rf_publish_block);
}

void rf_shared_exit(void)
{
	rf_state_ignore(&rf_publish_block);
}
