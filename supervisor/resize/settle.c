// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that are leaving a subOS while no caller waits for them: they were taken by
 * force, or unplugged, or offered to an agent that did not report the result. Each stays
 * with the subOS, because the kernel there may still have it mapped, until the agent confirms
 * that the function is unused, or the subOS ends. The agent is asked again once a second.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "pci/pci.h"
#include "resize/internal.h"
#include "shared/shared.h"

#define RF_SETTLE_MS		2000	/* for the agent to answer */
#define RF_SETTLE_AGAIN		NSEC_PER_SEC

/**
 * rf_functions_later() - if functions are still leaving, have them settled later
 * @subos: the subOS; lifecycle/watch.c acts on its settle_at
 *
 * Context: Process context. `adjusting` held.
 */
void rf_functions_later(struct rf_subos *subos)
{
	if (rf_function_next(subos, NULL, rf_ledger_function_leaving))
		WRITE_ONCE(subos->settle_at, ktime_get_ns() + RF_SETTLE_AGAIN);
}

/*
 * Mark unplugged functions as leaving, in the grant page as well before the agent is asked.
 * Not QUIET ones: a destroy has quiesced them already.
 */
static void rf_functions_unplugged(struct rf_subos *subos)
{
	struct rf_lent *lent;

	mutex_lock(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		if (rf_pci_gone(lent) && lent->entry.state != RF_PCI_QUIET)
			rf_pci_leave(lent);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_functions_settle() - make progress with all leaving functions; ask the agent if possible
 * @subos: the subOS
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 */
void rf_functions_settle(struct rf_subos *subos)
{
	struct rf_resize unused = {};
	struct rf_exchange exchange = rf_exchange_begin(subos, &unused, RF_SETTLE_MS, true,
						       rf_pci_late);

	lockdep_assert_held(&subos->adjusting);
	rf_functions_unplugged(subos);
	if (!rf_resize_ready(subos, RF_CAN_PCI))
		rf_functions_ask(&exchange);
	rf_functions_home(&exchange);
	rf_functions_offer(&exchange);
	rf_functions_later(subos);
}

/* Wait for an adjustment that is under way only if it ends soon; else try again later. */
static void rf_settle_one(struct rf_subos *subos)
{
	s64 args[RF_CONTROL_ARGS] = {};
	enum rf_phase phase;

	if (!rf_phase_held(rf_subos_phase(subos)) && rf_supcon_owed(subos)) {
		/* If an answer was lost, this reveals it; then rf_pci_late() is called. */
		if (rf_phase_adjustable(rf_subos_phase(subos)))
			rf_supcon_request(subos, RF_OP_STATISTICS, args, RF_SETTLE_MS, NULL,
					  NULL);
		WRITE_ONCE(subos->settle_at, ktime_get_ns() + RF_SETTLE_AGAIN);
		return;
	}
	if (!mutex_trylock(&subos->adjusting)) {
		WRITE_ONCE(subos->settle_at, ktime_get_ns() + RF_SETTLE_AGAIN);
		return;
	}
	phase = rf_subos_phase(subos);
	if (phase != RF_PHASE_DESTROYING && phase != RF_PHASE_GONE)
		rf_functions_settle(subos);
	mutex_unlock(&subos->adjusting);
}

/* A subOS that was due for settling at @begun, with a reference, or NULL. */
static struct rf_subos *rf_settle_next(u64 begun)
{
	struct rf_subos *subos, *found = NULL;
	unsigned long flags;
	u64 at;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node) {
		at = READ_ONCE(subos->settle_at);
		if (!at || at > begun || subos->life.phase == RF_PHASE_DESTROYING)
			continue;
		WRITE_ONCE(subos->settle_at, 0);
		kobject_get(&subos->kobj);
		found = subos;
		break;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return found;
}

/* Not that of base/work.c: others wait until all of that is done, and a reset takes long. */
static struct workqueue_struct *rf_settle_queue;

struct rf_settle_job {
	struct work_struct work;
	struct rf_subos *subos;		/* with a reference */
};

static void rf_settle_job_run(struct work_struct *work)
{
	struct rf_settle_job *job = container_of(work, struct rf_settle_job, work);

	rf_settle_one(job->subos);
	kobject_put(&job->subos->kobj);
	kfree(job);
}

/* Each subOS by itself: none waits for the resets of another one. */
static void rf_settle_run(struct work_struct *work)
{
	u64 begun = ktime_get_ns();
	struct rf_settle_job *job;
	struct rf_subos *subos;

	while ((subos = rf_settle_next(begun))) {
		job = kmalloc(sizeof(*job), GFP_KERNEL);
		if (job) {
			INIT_WORK(&job->work, rf_settle_job_run);
			job->subos = subos;
			queue_work(rf_settle_queue, &job->work);
			continue;
		}
		WRITE_ONCE(subos->settle_at, ktime_get_ns() + RF_SETTLE_AGAIN);
		kobject_put(&subos->kobj);
	}
}

static DECLARE_WORK(rf_settle_work, rf_settle_run);

/**
 * rf_functions_settle_soon() - queue the settling of a subOS's leaving functions
 * @subos: the subOS; one of its functions was unplugged, or is still leaving
 *
 * Context: Any, also with the state lock held.
 */
void rf_functions_settle_soon(struct rf_subos *subos)
{
	WRITE_ONCE(subos->settle_at, ktime_get_ns());
	queue_work(rf_settle_queue, &rf_settle_work);
}

int rf_settle_init(void)
{
	rf_settle_queue = alloc_workqueue("rainforest-settle", WQ_UNBOUND, 0);
	return rf_settle_queue ? 0 : -ENOMEM;
}

/* Runs all queued work first. Context: no subOS is left, nothing queues work any more. */
void rf_settle_exit(void)
{
	destroy_workqueue(rf_settle_queue);
}

/* Ledger lock held. */
static void rf_pci_late_locked(struct rf_subos *subos, const struct rf_late *late)
{
	struct rf_lent *lent = rf_pci_find(subos, late->args[0]), *other;
	bool done = !late->lost && late->answer == RF_ANSWER_DONE;

	lockdep_assert_held(&rf_ledger_lock);
	if (lent && late->op == RF_OP_PCI_ADD && !late->lost && !done)
		rf_pci_confirm(lent);	/* the kernel there does not have it */
	if (!lent || late->op != RF_OP_PCI_REMOVE || !(late->lost || done))
		return;
	rf_pci_leave(lent);
	if (done)
		rf_pci_confirm(lent);
	/* Also functions that were given up with it, and had to wait for it. */
	rf_pci_for_each(other, subos)
		if (other->entry.state == RF_PCI_KEPT)
			rf_pci_leave(other);
}

/* The agent's final answer has come, or is known to be lost. Context: as rf_supcon_late. */
void rf_pci_late(struct rf_subos *subos, const struct rf_late *late)
{
	lockdep_assert_held(&subos->adjusting);
	if (!rf_late_begin(subos, late))
		return;
	mutex_lock(&rf_ledger_lock);
	rf_pci_late_locked(subos, late);
	mutex_unlock(&rf_ledger_lock);
	/* Not here: it takes as long as a reset, and others wait for this queue. */
	rf_functions_settle_soon(subos);
}
