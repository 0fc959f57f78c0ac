// SPDX-License-Identifier: GPL-2.0
/* Moves cores between the supervisor and a running subOS. */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

/* Cores that were given up in vain still belong to the subOS: offer them. */
void rf_cores_offer_stranded(struct rf_subos *subos, const struct rf_batch *batch)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	struct rf_batch *again = rf_batch_create(NULL, 0);
	u32 i;

	for (i = 0; again && i < batch->count; i++) {
		if (!batch->stranded[i])
			continue;
		again->cpus[again->count] = batch->cpus[i];
		again->told[again->count++] = RF_UNTOLD;
	}
	if (again && again->count) {
		rf_grant_await();
		rf_batch_offer(subos, again, &ask);
	}
	kfree(again);
}

/* ---- from the supervisor ---- */

/*
 * Can they be taken as far as the ledger knows? So it stays, while the caller has the turn, and
 * `adjusting`.
 */
static int rf_cores_add_check(struct rf_subos *subos, const struct rf_batch *batch,
			      struct rf_resize *args)
{
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_resize_ready(subos, RF_CAN_CORES);
	if (!rc && batch->count > RF_CPUS_MAX - rf_ledger_core_count(&rf_books.cores, subos->id))
		rc = -EINVAL;
	if (!rc)
		rc = rf_cores_check(batch->cpus, batch->count, &args->culprit);
	if (!rc && !(args->flags & RF_SPLIT_SIBLINGS))
		rc = rf_cores_together(batch->cpus, batch->count, RF_OWNER_SUPERVISOR, subos->id,
				       &args->culprit);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* All are held: the subOS's from now on. Or else not. */
static int rf_cores_grant(struct rf_subos *subos, const struct rf_batch *batch)
{
	u32 i;
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_step("core-grant");
	for (i = 0; !rc && i < batch->count; i++)
		rf_core_attach(subos, batch->cpus[i]);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/*
 * Those that were taken come back; those that cannot are the subOS's, and stranded. @turn: the turn
 * is still the caller's.
 */
static void rf_cores_add_undo(struct rf_subos *subos, struct rf_batch *batch, u32 taken, bool turn,
			      u32 *culprit)
{
	u32 i;

	rf_publish_now();	/* nobody's, as yet */
	if (taken && !turn)
		turn = !rf_hotplug_begin_return(jiffies + RF_PASS_WAIT);
	for (i = 0; i < taken; i++)
		batch->leaving[i] = true;
	rf_batch_return(subos, batch, turn);
	for (i = 0; i < taken; i++) {
		batch->stranded[i] = !batch->leaving[i];
		if (batch->stranded[i])
			*culprit = batch->cpus[i];
	}
	rf_publish_now();
}

/* Give the cores to the subOS, held; all or none. The caller has the turn. */
static int rf_cores_add_begin(struct rf_subos *subos, struct rf_batch *batch,
			      unsigned long deadline, u32 *culprit)
{
	u32 taken = 0;
	int rc;

	rc = rf_step("core-offer");
	while (!rc && taken < batch->count) {
		rc = signal_pending(current) ? -EINTR :
					       rf_core_take(subos, batch->cpus[taken], deadline);
		if (rc)
			*culprit = batch->cpus[taken];
		else
			taken++;
	}
	if (!rc) {
		rf_publish_now();
		rf_grant_await();
		rc = rf_cores_grant(subos, batch);
	}
	if (rc)
		rf_cores_add_undo(subos, batch, taken, rc != -EINPROGRESS, culprit);
	return rc;
}

/* The agent starts the cores; those that it cannot start go back. */
static int rf_cores_add_end(struct rf_subos *subos, struct rf_resize *args,
			    struct rf_batch *batch)
{
	struct rf_ask ask = { .timeout_ms = rf_resize_timeout(args) };
	int rc;

	rc = rf_resize_result(args, &ask, rf_batch_offer(subos, batch, &ask));
	rf_batch_reunite(subos, batch);
	if (rf_batch_failed(batch) && rf_batch_home(subos, batch, &args->culprit))
		rc = -EIO;
	return rf_batch_result(batch, args, rc);
}

static int rf_cores_add(struct rf_subos *subos, struct rf_resize *args, struct rf_batch *batch)
{
	const unsigned long deadline = jiffies + msecs_to_jiffies(rf_resize_timeout(args));
	u64 begun = ktime_get_ns();
	int rc;

	rc = rf_hotplug_begin(deadline);
	if (rc)
		return rc;
	rc = rf_cores_add_check(subos, batch, args);
	if (rc) {
		rf_hotplug_end();
		return rc;
	}
	rc = rf_cores_add_begin(subos, batch, deadline, &args->culprit);
	rf_hotplug_end();
	if (rc == -ETIMEDOUT) {
		args->error = ETIMEDOUT;
		rc = -EIO;
	} else if (rc == -EINPROGRESS) {
		rc = signal_pending(current) ? -EINTR : -EALREADY;
	}
	if (!rc)
		rc = rf_cores_add_end(subos, args, batch);
	else
		rf_cores_offer_stranded(subos, batch);
	rf_batch_note(subos, RF_EVENT_CORES_ADDED, batch, 0, begun, rc);
	return rc;
}

/* ---- to the supervisor ---- */

/**
 * rf_cores_claim_check() - can these cores be taken from a subOS?
 * @subos: the owner
 * @cpus: logical numbers
 * @count: how many
 * @culprit: set to the offending core on error
 *
 * Context: Ledger lock held.
 * Return: 0; -EINVAL: a duplicate, core 0 or the boot core; -ENODEV; -EXDEV: not @subos's.
 */
int rf_cores_claim_check(struct rf_subos *subos, const u32 *cpus, u32 count, u32 *culprit)
{
	int boot = rf_ledger_core_boot(&rf_books.cores, subos->id);
	u32 i, j;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < count; i++) {
		u32 cpu = cpus[i];

		*culprit = cpu;
		for (j = 0; j < i; j++)
			if (cpus[j] == cpu)
				return -EINVAL;
		if (cpu == 0 || (int)cpu == boot)
			return -EINVAL;
		if (cpu >= nr_cpu_ids || !cpu_present(cpu))
			return -ENODEV;
		if (!rf_ledger_core_listed(&rf_books.cores, cpu, subos->id))
			return -EXDEV;
	}
	*culprit = 0;
	return 0;
}

static int rf_cores_remove(struct rf_subos *subos, struct rf_resize *args, struct rf_batch *batch)
{
	struct rf_ask ask = { .timeout_ms = rf_resize_timeout(args) };
	u64 begun = ktime_get_ns();
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_cores_claim_check(subos, batch->cpus, batch->count, &args->culprit);
	if (!rc && !(args->flags & RF_SPLIT_SIBLINGS))
		rc = rf_cores_together(batch->cpus, batch->count, subos->id, RF_OWNER_SUPERVISOR,
				       &args->culprit);
	if (rc) {
		mutex_unlock(&rf_ledger_lock);
		return rc;
	}
	rc = rf_step("core-claim");
	mutex_unlock(&rf_ledger_lock);
	/* Else they would be given up in vain. */
	if (!rc && rf_hotplug_blocked())
		return -EALREADY;
	if (!rc) {
		rc = rf_resize_result(args, &ask, rf_batch_claim(subos, batch, &ask));
		rc = rf_batch_result(batch, args, rc);
		rf_cores_offer_stranded(subos, batch);
	}
	rf_batch_note(subos, RF_EVENT_CORES_REMOVED, batch, 0, begun, rc);
	return rc;
}

/*
 * RF_RESIZE_CORES_ADD, _REMOVE. Removing a borrowed core ends its loan.
 * Context: `adjusting` held.
 */
int rf_resize_cores(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus)
{
	bool add = args->op == RF_RESIZE_CORES_ADD;
	struct rf_batch *batch;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (!args->nr_cpus || args->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_CORES);
	if (rc)
		return rc;
	batch = rf_batch_create(cpus, args->nr_cpus);
	if (!batch)
		return -ENOMEM;
	batch->splits = args->flags & RF_SPLIT_SIBLINGS;
	rc = add ? rf_cores_add(subos, args, batch) : rf_cores_remove(subos, args, batch);
	kfree(batch);
	return rc;
}
