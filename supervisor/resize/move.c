// SPDX-License-Identifier: GPL-2.0
/*
 * Moves cores from one running subOS directly to another: MOVE, BORROW and RETURN. They
 * never pass through the supervisor's scheduler. A core that the receiver cannot start goes
 * back to the giver, and if the giver cannot start it either, to the supervisor.
 *
 * A loan is registered by core (rf_ledger_core_lender()). It ends when the core returns
 * to the lender or to the supervisor, and with the lender.
 */
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

struct rf_move {
	struct rf_subos *from, *to;
	enum rf_event_type event;
	u32 lender_there;		/* lender of a core after its move, or 0 */
	u32 lender_here;		/* lender of a core before its move, or 0 */
	struct rf_batch *batch;		/* all cores, with their final results */
	struct rf_batch *part;		/* the cores of the current request */
};

/* Select the cores that the giver gave up. */
static void rf_move_select(struct rf_move *move)
{
	u32 i;

	move->part->count = 0;
	for (i = 0; i < move->batch->count; i++) {
		if (move->batch->told[i])
			continue;
		move->part->cpus[move->part->count] = move->batch->cpus[i];
		move->part->told[move->part->count++] = RF_UNTOLD;
	}
}

/* Copy the results of the part to the whole batch. */
static void rf_move_note(struct rf_move *move)
{
	u32 i, j;

	for (i = 0; i < move->part->count; i++)
		for (j = 0; j < move->batch->count; j++)
			if (move->batch->cpus[j] == move->part->cpus[i])
				move->batch->told[j] = move->part->told[i];
}

/* Return cores that the receiver did not start to the giver, or else to the supervisor. */
static void rf_move_back(struct rf_move *move, u32 *culprit)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	struct rf_batch *part = move->part;
	u32 i, count = 0;

	rf_batch_withdraw(move->to, part);
	/* In no list, and with `adjusting` of both held, nobody else touches them. */
	rf_grant_await();
	rf_move_note(move);	/* what stays there */
	mutex_lock(&rf_ledger_lock);
	for (i = 0; i < part->count; i++) {
		if (!part->leaving[i])
			continue;
		rf_core_hand_over(move->to, move->from, part->cpus[i], move->lender_here);
		part->cpus[count] = part->cpus[i];
		part->told[count++] = RF_UNTOLD;
	}
	part->count = count;	/* leaving[] is set anew before it is looked at again */
	rf_publish();
	mutex_unlock(&rf_ledger_lock);

	if (count)
		rf_batch_offer(move->from, part, &ask);
	if (rf_batch_failed(part))
		rf_batch_home(move->from, part, culprit);
}

/* The receiver owns all cores that the giver gave up: have its agent start them. */
static int rf_move_arrive(struct rf_move *move, struct rf_resize *args)
{
	struct rf_ask ask = { .timeout_ms = rf_resize_timeout(args) };
	u32 i;
	int rc;

	rf_move_select(move);
	if (!move->part->count)
		return 0;
	rc = rf_step("core-arrive");
	for (i = 0; rc && i < move->part->count; i++)
		move->part->told[i] = rc;
	if (!rc)
		rc = rf_resize_result(args, &ask, rf_batch_offer(move->to, move->part, &ask));
	rf_batch_reunite(move->to, move->part);
	rf_move_note(move);
	if (rf_batch_failed(move->part))
		rf_move_back(move, &args->culprit);
	return rc;
}

/*
 * A borrower must not pass on a borrowed core, except by RETURN, whose siblings are looked at with
 * those of other lenders (rf_return_list()). Ledger lock held.
 */
static int rf_move_check(struct rf_move *move, struct rf_resize *args)
{
	struct rf_batch *batch = move->batch;
	u32 i;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_cores_claim_check(move->from, batch->cpus, batch->count, &args->culprit);
	for (i = 0; !rc && i < batch->count; i++)
		if (rf_ledger_core_lender(&rf_books.cores, batch->cpus[i]) != move->lender_here) {
			args->culprit = batch->cpus[i];
			rc = -EXDEV;
		}
	if (!rc && !move->lender_here && !(args->flags & RF_SPLIT_SIBLINGS))
		rc = rf_cores_together(batch->cpus, batch->count, move->from->id, move->to->id,
				       &args->culprit);
	return rc ?: rf_step("core-move");
}

static int rf_move_run(struct rf_move *move, struct rf_resize *args)
{
	struct rf_ask ask = { .timeout_ms = rf_resize_timeout(args) };
	u64 begun = ktime_get_ns();
	int rc, rc_arrive;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_move_check(move, args);
	mutex_unlock(&rf_ledger_lock);
	if (rc)
		return rc;
	move->batch->to = move->to;
	move->batch->lender = move->lender_there;
	rc = rf_resize_result(args, &ask, rf_batch_claim(move->from, move->batch, &ask));
	rf_cores_offer_stranded(move->from, move->batch);
	rc_arrive = rf_move_arrive(move, args);
	rc = rf_batch_result(move->batch, args, rc ?: rc_arrive);
	rf_batch_note(move->from, move->event, move->batch, move->to->id, begun, rc);
	return rc;
}

/* @move's subOSes, event and lenders are set. `adjusting` of both subOSes held. */
static int rf_move_cores(struct rf_move *move, struct rf_resize *args, const u32 *cpus,
			 u32 count)
{
	int rc;

	lockdep_assert_held(&move->from->adjusting);
	lockdep_assert_held(&move->to->adjusting);
	rc = rf_resize_ready(move->from, RF_CAN_CORES) ?: rf_resize_ready(move->to, RF_CAN_CORES);
	if (rc)
		return rc;
	move->batch = rf_batch_create(cpus, count);
	move->part = rf_batch_create(cpus, 0);
	rc = -ENOMEM;
	if (move->batch && move->part) {
		move->batch->splits = args->flags & RF_SPLIT_SIBLINGS;
		move->part->splits = move->batch->splits;
		rc = rf_move_run(move, args);
	}
	kfree(move->batch);
	kfree(move->part);
	return rc;
}

/**
 * rf_resize_move() - RF_RESIZE_MOVE, RF_RESIZE_BORROW
 * @subos: the giver
 * @args: as for rf_subos_resize()
 * @cpus: as for rf_subos_resize()
 * @to: the receiver
 *
 * Context: Process context, may sleep. `adjusting` of @subos held; takes that of @to.
 * Return: 0, or an error as documented for RF_IOC_RESIZE.
 */
int rf_resize_move(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus,
		   struct rf_subos *to)
{
	bool borrow = args->op == RF_RESIZE_BORROW;
	struct rf_move move = {
		.from = subos,
		.to = to,
		.event = borrow ? RF_EVENT_CORES_BORROWED : RF_EVENT_CORES_MOVED,
		.lender_there = borrow ? subos->id : 0,
	};
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (to == subos || !args->nr_cpus || args->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	/* A second `adjusting` is only tried, so that the lock order does not matter. */
	if (!mutex_trylock(&to->adjusting))
		return -EBUSY;
	rc = rf_move_cores(&move, args, cpus, args->nr_cpus);
	mutex_unlock(&to->adjusting);
	return rc;
}

/* Cores to one lender. */
static int rf_return_to(struct rf_subos *subos, struct rf_resize *args, u32 lender,
			const u32 *cpus, u32 count)
{
	struct rf_move move = {
		.from = subos,
		.to = rf_subos_of_id(lender),
		.event = RF_EVENT_CORES_RETURNED,
		.lender_here = lender,
	};
	int rc = -EBUSY;

	if (!move.to)
		return -EXDEV;
	if (mutex_trylock(&move.to->adjusting)) {
		rc = rf_move_cores(&move, args, cpus, count);
		mutex_unlock(&move.to->adjusting);
	}
	kobject_put(&move.to->kobj);
	return rc;
}

/*
 * Those that would leave an SMT sibling behind stay, if all were asked for: they are no reason to
 * keep the others. args->culprit is the first. Ledger lock held.
 */
static int rf_return_together(struct rf_subos *subos, struct rf_resize *args, u32 *list, u32 *count)
{
	u32 culprit, i, kept;
	int rc;

	while ((rc = rf_cores_together(list, *count, subos->id, RF_OWNER_SUPERVISOR, &culprit))) {
		args->culprit = args->culprit ?: culprit;
		if (args->nr_cpus)
			return rc;
		for (i = kept = 0; i < *count; i++)
			if (list[i] != culprit)
				list[kept++] = list[i];
		*count = kept;
	}
	return 0;
}

/*
 * The cores that are to return: those named, or all borrowed ones that can. They are checked here,
 * because the caller groups them by lender. Return: how many, -EXDEV, -EINVAL, -ENODEV, -EDOM.
 */
static int rf_return_list(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus,
			  u32 *list)
{
	u32 i, count = 0;
	u64 rank = 0;
	int rc, cpu;

	mutex_lock(&rf_ledger_lock);
	rc = rf_cores_claim_check(subos, cpus, args->nr_cpus, &args->culprit);
	for (i = 0; !rc && i < args->nr_cpus; i++) {
		if (!rf_ledger_core_lender(&rf_books.cores, cpus[i])) {
			args->culprit = cpus[i];
			rc = -EXDEV;
		}
		list[count++] = cpus[i];
	}
	while (!args->nr_cpus &&
	       (cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		if (rf_ledger_core_lender(&rf_books.cores, cpu))
			list[count++] = cpu;
	if (!rc && !(args->flags & RF_SPLIT_SIBLINGS))
		rc = rf_return_together(subos, args, list, &count);
	mutex_unlock(&rf_ledger_lock);
	return rc ?: count;
}

/**
 * rf_resize_return() - RF_RESIZE_RETURN
 * @subos: the borrower
 * @args: as for rf_subos_resize()
 * @cpus: as for rf_subos_resize(); none: all that are borrowed
 *
 * Goes on with the next lender after an error. That some have to stay, because of their siblings, is
 * only said if nothing else went wrong.
 *
 * Context: Process context, may sleep. `adjusting` of @subos held; takes that of
 *          each lender.
 * Return: 0, or the first error, as documented for RF_IOC_RESIZE.
 */
int rf_resize_return(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus)
{
	u32 *list, *group, stays, i, members;
	int rc, count, result = 0;

	lockdep_assert_held(&subos->adjusting);
	if (args->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	rc = rf_resize_ready(subos, RF_CAN_CORES);
	if (rc)
		return rc;
	list = kcalloc(2 * RF_CPUS_MAX, sizeof(*list), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	group = list + RF_CPUS_MAX;
	count = rf_return_list(subos, args, cpus, list);
	stays = args->culprit;
	if (count < 0)
		result = count;
	else
		args->culprit = 0;
	while (count > 0) {
		u32 lender = rf_ledger_core_lender(&rf_books.cores, list[0]);
		int left = 0;

		for (i = members = 0; i < count; i++) {
			if (rf_ledger_core_lender(&rf_books.cores, list[i]) == lender)
				group[members++] = list[i];
			else
				list[left++] = list[i];
		}
		count = left;
		if (!members)
			continue;	/* the loan has just ended */
		rc = rf_return_to(subos, args, lender, group, members);
		if (rc && !args->culprit)
			args->culprit = group[0];
		result = result ?: rc;
	}
	if (!result && stays) {
		args->culprit = stays;
		result = -EDOM;
	}
	kfree(list);
	return result;
}
