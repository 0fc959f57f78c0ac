// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a subOS. Every change of its phase goes through rf_subos_enter(), which refuses
 * transitions that are not in the ledger's table; rooms above that have to act on a change of
 * the reported state register a notifier.
 */
#include <linux/notifier.h>

#include "subos/subos.h"

static RAW_NOTIFIER_HEAD(rf_state_chain);	/* state lock */

/**
 * rf_subos_phase() - the phase that a subOS is in
 * @subos: the subOS
 *
 * Without the state lock the phase may have changed when the caller looks at the result. The
 * cores of a subOS are called to the park before it enters a phase for which rf_phase_held() is
 * true; that they have come, rf_cores_prove() proves.
 *
 * Context: Any.
 */
enum rf_phase rf_subos_phase(const struct rf_subos *subos)
{
	return READ_ONCE(subos->life.phase);
}

/* The state that is reported to others. Context: state lock held. */
enum rf_state rf_subos_state(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	return rf_phase_state(subos->life.phase, subos->life.cause);
}

/* Its reported state was @from so far, and has changed, or its destruction begins. */
static void rf_state_report(struct rf_subos *subos, enum rf_state from)
{
	const enum rf_state to = rf_subos_state(subos);
	const u64 args[4] = { from, to, subos->life.cause };

	if (to == RF_STATE_STOPPED || to == RF_STATE_CRASHED)
		subos->moments[RF_MOMENT_END] = ktime_get_ns();
	subos->crashes += to == RF_STATE_CRASHED && from != to;
	rf_event(subos, RF_EVENT_STATE, 0, subos->life.cause, 0, args, subos->reason);
	raw_notifier_call_chain(&rf_state_chain, subos->life.phase, subos);
	rf_subos_changed(subos);
}

/**
 * rf_subos_enter() - a subOS enters the next phase of its life
 * @subos: the subOS
 * @phase: the next phase; if not allowed now (ledger/life.c), warns, and changes nothing
 * @cause: why, RF_CAUSE_NONE while it lives
 *
 * If its state changes, or its destruction begins, this records the event, and RF_MOMENT_END
 * if it has stopped or crashed, calls the notifiers and wakes poll().
 *
 * Context: Any, also with interrupts off. State lock held.
 */
void rf_subos_enter(struct rf_subos *subos, enum rf_phase phase, enum rf_cause cause)
{
	const enum rf_state from = rf_subos_state(subos);

	if (rf_expect(rf_life_enter(&subos->life, phase, cause)))
		return;
	if (phase == RF_PHASE_BOOTING)
		subos->answerable = RF_END_BY_POLICY;
	if (from != rf_subos_state(subos) || phase == RF_PHASE_DESTROYING)
		rf_state_report(subos, from);
}

/**
 * rf_state_notify() - register for every change of a state
 * @block: called with the new phase and the struct rf_subos, with the state lock held
 *
 * Context: Any.
 * Return: 0, or -EEXIST if @block is registered already.
 */
int rf_state_notify(struct notifier_block *block)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&rf_state_lock, flags);
	rc = raw_notifier_chain_register(&rf_state_chain, block);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Undo rf_state_notify(). Context: any. */
void rf_state_ignore(struct notifier_block *block)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	raw_notifier_chain_unregister(&rf_state_chain, block);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}
