// SPDX-License-Identifier: GPL-2.0
/*
 * Cores on the way from one owner to the next: out of the list, held, and handed over, or online in
 * the supervisor. SMT siblings go together; if one of them does not, all of them stay.
 */
#include <linux/jiffies.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* Is this core, or a sibling of it, one that cannot be held? */
static bool rf_batch_unheld(const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (batch->unheld[i] && rf_batch_tied(batch, index, i))
			return true;
	return false;
}

/**
 * rf_batch_hold() - take cores out of their owner's list, and hold them
 * @subos: the owner
 * @batch: the cores that are leaving[]. One that cannot be held, and is thus unheld[], is back in the
 *	   list afterwards, with its siblings, and not leaving[] any more
 *
 * Context: Process context, may sleep: for all cores together, no longer than for one.
 *	    `adjusting` held, but not the ledger lock.
 */
void rf_batch_hold(struct rf_subos *subos, struct rf_batch *batch)
{
	u32 i;

	lockdep_assert_held(&subos->adjusting);
	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < batch->count; i++)
		if (batch->leaving[i])
			rf_core_detach(subos, batch->cpus[i]);
	rf_publish();	/* first, so that @subos does not start one after the INIT */
	for (i = 0; i < batch->count; i++) {
		batch->unheld[i] = batch->leaving[i];
		if (batch->leaving[i])
			rf_core_call(subos, batch->cpus[i]);
	}
	mutex_unlock(&rf_ledger_lock);
	/* In no list, and with `adjusting` held, nobody else touches them. */
	rf_cores_await(subos, batch->cpus, batch->unheld, batch->count);
	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < batch->count; i++) {
		if (!batch->leaving[i] || !rf_batch_unheld(batch, i))
			continue;
		rf_core_attach(subos, batch->cpus[i]);
		batch->leaving[i] = false;
	}
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/* ---- to the supervisor ---- */

/* A held core, in no list: its owner keeps it. */
static void rf_core_keep(struct rf_subos *subos, u32 cpu)
{
	mutex_lock(&rf_ledger_lock);
	rf_core_attach(subos, cpu);
	mutex_unlock(&rf_ledger_lock);
}

/* It is in its owner's list again. */
static void rf_batch_stays(struct rf_batch *batch, u32 index, int rc)
{
	batch->leaving[index] = false;
	if (batch->told[index] == RF_UNTOLD)
		batch->told[index] = rc;
}

/* A core of ours whose sibling did not come home goes where that is. Return: 0 or an error. */
static int rf_core_follow(struct rf_subos *subos, u32 cpu, bool *turn)
{
	int rc;

	if (!*turn)
		return -EALREADY;
	rc = rf_core_take(subos, cpu, jiffies + RF_PASS_WAIT);
	*turn = rc != -EINPROGRESS;
	if (!rc)
		rf_core_keep(subos, cpu);
	return rc;
}

/* This one did not come home: its siblings stay, too, or follow it. */
static void rf_batch_regain(struct rf_subos *subos, struct rf_batch *batch, u32 index, bool *turn)
{
	int rc;
	u32 i;

	for (i = 0; i < batch->count; i++) {
		if (!batch->leaving[i] || !rf_batch_tied(batch, index, i))
			continue;
		rc = 0;
		if (i < index)
			rc = rf_core_follow(subos, batch->cpus[i], turn);
		else
			rf_core_keep(subos, batch->cpus[i]);
		if (!rc)
			rf_batch_stays(batch, i, -ECANCELED);
		else
			pr_err("subOS %s keeps CPU %u without its SMT sibling CPU %u: error %d\n",
			       subos->name, batch->cpus[index], batch->cpus[i], rc);
	}
}

/**
 * rf_batch_return() - bring cores online in the supervisor
 * @subos: the owner
 * @batch: the cores that are leaving[]. One that does not come home is back in the list afterwards,
 *	   with its siblings, and not leaving[] any more; its told[] says why if it was RF_UNTOLD
 * @turn: the caller has the turn to hotplug; if not, none is tried
 *
 * One that comes late is the supervisor's: @subos has given it up.
 *
 * Context: Process context, may sleep. `adjusting` held, but not the ledger lock. The turn may be
 *	    another thread's afterwards.
 * Return: 0, or -EIO: one of them stays.
 */
int rf_batch_return(struct rf_subos *subos, struct rf_batch *batch, bool turn)
{
	int rc, result = 0;
	u32 i;

	for (i = 0; i < batch->count; i++) {
		if (!batch->leaving[i])
			continue;
		rc = turn ? rf_core_return(subos, batch->cpus[i]) : -EALREADY;
		if (!turn)
			rf_core_keep(subos, batch->cpus[i]);
		turn &= rc != -EINPROGRESS;
		if (!rc || rc == -EINPROGRESS)
			continue;
		rf_batch_stays(batch, i, rc);
		rf_batch_regain(subos, batch, i, &turn);
		result = -EIO;
	}
	return result;
}

static void rf_batch_go_home(struct rf_subos *from, struct rf_batch *batch)
{
	rf_batch_return(from, batch, !rf_hotplug_begin_return(jiffies + RF_PASS_WAIT));
	rf_hotplug_end();
	rf_publish_now();
}

/* ---- to whoever gets them ---- */

static void rf_batch_hand_over(struct rf_subos *from, struct rf_batch *batch)
{
	u32 i;

	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < batch->count; i++)
		if (batch->leaving[i])
			rf_core_hand_over(from, batch->to, batch->cpus[i], batch->lender);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_batch_pass() - pass on a core that an agent has given up, with its SMT siblings
 * @from: the owner
 * @batch: the cores. Nothing is done before all siblings are given up: an agent that keeps one keeps
 *	   all. Those that are passed on have 0 in told[] afterwards; if one is not, none is, and
 *	   they are stranded[]
 * @index: of the core
 *
 * Context: Process context, may sleep. `adjusting` held, but not the ledger lock.
 */
void rf_batch_pass(struct rf_subos *from, struct rf_batch *batch, u32 index)
{
	u32 i;

	if (!rf_batch_whole(batch, index))
		return;
	for (i = 0; i < batch->count; i++)
		batch->leaving[i] = rf_batch_tied(batch, index, i);
	rf_batch_hold(from, batch);
	rf_grant_await();
	if (batch->to)
		rf_batch_hand_over(from, batch);
	else if (batch->leaving[index])
		rf_batch_go_home(from, batch);
	for (i = 0; i < batch->count; i++) {
		if (!rf_batch_tied(batch, index, i))
			continue;
		if (batch->leaving[i])
			batch->told[i] = 0;
		else if (batch->told[i] == RF_UNTOLD)
			batch->told[i] = batch->unheld[i] ? -ETIMEDOUT : -ECANCELED;
		batch->stranded[i] = !batch->leaving[i];
	}
}
