// SPDX-License-Identifier: GPL-2.0
/*
 * Ends the loans of a subOS that is destroyed: cores that it borrowed return to those lenders
 * that run, whose agents start them; cores that it lent stay with their borrowers.
 */
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* Cores that return to a running lender, whose agent is to start them. */
struct rf_homecoming {
	struct work_struct work;
	struct rf_subos *lender;	/* with a reference */
	u32 kernel_id;			/* to be asked; a later kernel gets them by its hand-off */
	struct rf_batch *batch;
};

/* Drop cores that the lender has lost again meanwhile. Return: true if any is left. */
static bool rf_homecoming_look(struct rf_homecoming *home)
{
	struct rf_batch *batch = home->batch;
	u32 i, count = 0;

	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < batch->count; i++)
		if (rf_ledger_core_listed(&rf_books.cores, batch->cpus[i], home->lender->id))
			batch->cpus[count++] = batch->cpus[i];
	batch->count = count;
	mutex_unlock(&rf_ledger_lock);
	return count;
}

static void rf_homecoming_work(struct work_struct *work)
{
	struct rf_homecoming *home = container_of(work, struct rf_homecoming, work);
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	u64 begun = ktime_get_ns();
	u32 culprit = 0;
	int rc;

	mutex_lock(&home->lender->adjusting);
	/* The lender starts none before it is asked to. */
	rf_grant_await();
	if (rf_resize_runs(home->lender, home->kernel_id) && rf_homecoming_look(home)) {
		rc = rf_batch_offer(home->lender, home->batch, &ask);
		if (rf_batch_failed(home->batch))
			rf_batch_home(home->lender, home->batch, &culprit);
		rf_batch_note(home->lender, RF_EVENT_CORES_RETURNED, home->batch,
			      home->lender->id, begun, rc);
	}
	mutex_unlock(&home->lender->adjusting);
	kobject_put(&home->lender->kobj);
	kfree(home->batch);
	kfree(home);
}

static struct rf_homecoming *rf_homecoming_create(u32 lender)
{
	struct rf_homecoming *home = kzalloc(sizeof(*home), GFP_KERNEL);

	if (!home)
		return NULL;
	INIT_WORK(&home->work, rf_homecoming_work);
	home->batch = rf_batch_create(NULL, 0);
	home->lender = rf_subos_of_id(lender);
	if (home->batch && home->lender && !rf_resize_ready(home->lender, RF_CAN_CORES)) {
		home->kernel_id = READ_ONCE(home->lender->kernel_id);
		return home;
	}
	if (home->lender)
		kobject_put(&home->lender->kobj);
	kfree(home->batch);
	kfree(home);
	return NULL;
}

/* End the loans of all cores that @subos borrowed from @lender. */
static void rf_loans_end_with(struct rf_subos *subos, u32 lender)
{
	struct rf_homecoming *home = rf_homecoming_create(lender);
	u64 rank = 0;
	int cpu;

	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0) {
		if (rf_ledger_core_lender(&rf_books.cores, cpu) != lender)
			continue;
		if (!home) {
			rf_core_end_loan(cpu);	/* goes to the supervisor with the other cores */
			continue;
		}
		rf_core_detach(subos, cpu);
		rf_core_hand_over(subos, home->lender, cpu, 0);
		home->batch->cpus[home->batch->count] = cpu;
		home->batch->told[home->batch->count++] = RF_UNTOLD;
	}
	rf_publish();
	if (home)
		rf_work_queue(&home->work);
}

/**
 * rf_loans_end() - end all loans of a subOS that is being destroyed
 * @subos: the subOS; its cores are held
 *
 * Borrowed cores return to lenders that run; lent cores stay with their borrowers.
 *
 * Context: Process context, may sleep. Ledger lock held. Idempotent.
 */
void rf_loans_end(struct rf_subos *subos)
{
	u64 rank = 0;
	u32 lender;
	int cpu;

	lockdep_assert_held(&rf_ledger_lock);
	rf_cores_forget_lender(subos->id);
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0) {
		lender = rf_ledger_core_lender(&rf_books.cores, cpu);
		if (lender)
			rf_loans_end_with(subos, lender);
	}
}
