// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a subOS. Every change goes through rf_subos_enter(); rooms above that
 * have to act on it register a notifier.
 */
#include <linux/notifier.h>

#include "subos/subos.h"

static RAW_NOTIFIER_HEAD(rf_state_chain);	/* state lock */

/* Does a kernel run in a subOS of this state, for all that is known? */
bool rf_state_live(enum rf_state state)
{
	return state == RF_STATE_BOOTING || state == RF_STATE_RUNNING ||
	       state == RF_STATE_LOST || state == RF_STATE_STOPPING;
}

/**
 * rf_subos_enter() - a subOS changes its state
 * @subos: the subOS
 * @state: the new state
 * @cause: why, RF_CAUSE_NONE while it lives
 *
 * Sets state and cause, notes RF_MOMENT_END, records the event, calls the notifiers and
 * wakes poll().
 *
 * Context: Any, also with interrupts off. State lock held.
 */
void rf_subos_enter(struct rf_subos *subos, enum rf_state state, enum rf_cause cause)
{
	const u64 args[4] = { subos->state, state, cause };

	lockdep_assert_held(&rf_state_lock);
	subos->state = state;
	subos->cause = cause;
	if (state == RF_STATE_STOPPED || state == RF_STATE_CRASHED)
		subos->moments[RF_MOMENT_END] = ktime_get_ns();
	if (state == RF_STATE_BOOTING)
		subos->resetting = subos->stop_asked = false;
	rf_event(subos, RF_EVENT_STATE, 0, cause, 0, args, subos->reason);
	raw_notifier_call_chain(&rf_state_chain, state, subos);
	rf_subos_changed(subos);
}

/**
 * rf_state_notify() - hear of every change of a state
 * @block: called with the new state and the struct rf_subos, with the state lock held
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

/* Hear of none any more. Context: any. */
void rf_state_ignore(struct notifier_block *block)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	raw_notifier_chain_unregister(&rf_state_chain, block);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}
