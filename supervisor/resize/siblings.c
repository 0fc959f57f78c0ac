// SPDX-License-Identifier: GPL-2.0
/*
 * SMT siblings that change hands together, while an agent answers for each of them alone. What is
 * given up waits for its siblings (rf_batch_pass()); what was started is taken back if a sibling was
 * not. Who insists (RF_SPLIT_SIBLINGS) gets what there is.
 */
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* Has the agent given up all SMT siblings of this core that are in @batch? */
bool rf_batch_whole(const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count && !batch->splits; i++)
		if (!batch->given[i] &&
		    rf_ledger_core_siblings(&rf_books.cores, batch->cpus[index], batch->cpus[i]))
			return false;
	return true;
}

/* Has somebody else an SMT sibling of this core, of those that were to change hands with it? */
static bool rf_batch_parted(const struct rf_subos *subos, const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (batch->told[i] &&
		    rf_ledger_core_siblings(&rf_books.cores, batch->cpus[index], batch->cpus[i]) &&
		    rf_ledger_core_owner(&rf_books.cores, batch->cpus[i]) != subos->id)
			return true;
	return false;
}

/* The giver gets back what it was asked for: its agent starts them, or they go home. */
static void rf_batch_restore(struct rf_subos *giver, struct rf_batch *back)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	u32 i, culprit, count = 0;

	for (i = 0; i < back->count; i++) {
		if (back->told[i])
			continue;
		back->cpus[count] = back->cpus[i];
		back->told[count++] = RF_UNTOLD;
	}
	back->count = count;
	if (!count)
		return;
	rf_batch_offer(giver, back, &ask);
	if (rf_batch_failed(back))
		rf_batch_home(giver, back, &culprit);
}

/* Cores of @batch that have come back: the change of hands has failed for them, too. */
static void rf_batch_note_back(struct rf_batch *batch, const struct rf_batch *back)
{
	u32 i, j;

	for (i = 0; i < back->count; i++)
		for (j = 0; j < batch->count && !back->told[i]; j++)
			if (batch->cpus[j] == back->cpus[i])
				batch->told[j] = -ECANCELED;
}

/**
 * rf_batch_reunite() - take back the cores whose SMT siblings did not come along
 * @subos: the receiver
 * @batch: the cores, each with its final result; those that are taken back get -ECANCELED
 * @to: the giver; NULL: the supervisor
 * @lender: id of the subOS from which @to had borrowed them, or 0
 *
 * A receiver that does not give one up keeps it.
 *
 * Context: Process context, may sleep. `adjusting` of both held.
 * Return: 0 or -ENOMEM.
 */
int rf_batch_reunite(struct rf_subos *subos, struct rf_batch *batch, struct rf_subos *to,
		     u32 lender)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	struct rf_batch *back;
	u32 i;

	lockdep_assert_held(&subos->adjusting);
	if (batch->splits || !rf_batch_failed(batch))
		return 0;
	back = rf_batch_create(NULL, 0);
	if (!back)
		return -ENOMEM;
	for (i = 0; i < batch->count; i++) {
		if (batch->told[i] || !rf_batch_parted(subos, batch, i))
			continue;
		back->cpus[back->count] = batch->cpus[i];
		back->told[back->count++] = RF_UNTOLD;
	}
	if (back->count) {
		back->to = to;
		back->lender = lender;
		rf_batch_claim(subos, back, &ask);
		rf_cores_offer_stranded(subos, back);
		rf_batch_note_back(batch, back);
		if (to)
			rf_batch_restore(to, back);
	}
	kfree(back);
	return 0;
}
