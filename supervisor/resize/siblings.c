// SPDX-License-Identifier: GPL-2.0
/*
 * SMT siblings that change hands together, while an agent answers for each of them alone. A whole
 * core changes hands, or none of it: what is given up waits for its siblings, and what was started
 * is asked for again if a sibling was not. One whose sibling stays with its owner stays with it. Who
 * insists (RF_SPLIT_SIBLINGS) gets what there is.
 */
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"

/* Do two cores of a batch change hands together, or not at all? So does one with itself. */
bool rf_batch_tied(const struct rf_batch *batch, u32 one, u32 other)
{
	return one == other ||
	       (!batch->splits && rf_ledger_core_siblings(&rf_books.cores, batch->cpus[one],
							  batch->cpus[other]));
}

/* Has the agent given up this core and all its siblings, and are they still to be passed on? */
bool rf_batch_whole(const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (rf_batch_tied(batch, index, i) &&
		    (!batch->given[i] || batch->told[i] != RF_UNTOLD))
			return false;
	return true;
}

/* Is a sibling of this core, or the core itself, in use where they are? */
bool rf_batch_in_use(const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (!batch->told[i] && rf_batch_tied(batch, index, i))
			return true;
	return false;
}

/* Could a sibling of this core, which was started, not be started? */
static bool rf_batch_parted(const struct rf_batch *batch, u32 index)
{
	u32 i;

	for (i = 0; i < batch->count && !batch->told[index]; i++)
		if (batch->told[i] && rf_batch_tied(batch, index, i))
			return true;
	return false;
}

/**
 * rf_batch_reunite() - ask an agent for the cores whose SMT siblings it did not start
 * @subos: their owner
 * @batch: the cores, after rf_batch_offer(); those that are given up get -ECANCELED
 *
 * What is not given up, or not asked for, because there is no memory, remains in use, so that the
 * siblings stay, too (rf_batch_withdraw()).
 *
 * Context: Process context, may sleep. `adjusting` held.
 */
void rf_batch_reunite(struct rf_subos *subos, struct rf_batch *batch)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	struct rf_batch *back;
	u32 i, j;

	lockdep_assert_held(&subos->adjusting);
	if (batch->splits || !rf_batch_failed(batch))
		return;
	back = rf_batch_create(NULL, 0);
	if (!back)
		return;
	for (i = 0; i < batch->count; i++) {
		if (!rf_batch_parted(batch, i))
			continue;
		back->cpus[back->count] = batch->cpus[i];
		back->told[back->count++] = RF_UNTOLD;
	}
	back->keeps = true;
	if (back->count)
		rf_batch_claim(subos, back, &ask);
	for (i = 0; i < back->count; i++)
		for (j = 0; j < batch->count && !back->told[i]; j++)
			if (batch->cpus[j] == back->cpus[i])
				batch->told[j] = -ECANCELED;
	kfree(back);
}
