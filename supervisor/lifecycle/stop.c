// SPDX-License-Identifier: GPL-2.0
/* STOP: asks the agent to shut its kernel down, or holds the cores at once. */
#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"

#define RF_STOP_ANSWER_MS	2000	/* for the agent to accept the request */

static int rf_stop_now(struct rf_subos *subos)
{
	enum rf_phase phase;
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	phase = subos->life.phase;
	if (phase == RF_PHASE_GONE) {
		rc = -ENOENT;
	} else if (rf_phase_held(phase)) {
		rc = -EBUSY;
	} else {
		rf_cores_hold(subos);
		subos->answerable = RF_END_BY_OPERATOR;
		rf_subos_enter(subos, RF_PHASE_ENDED, phase == RF_PHASE_DYING ?
			       subos->life.cause : RF_CAUSE_OPERATOR);
		rf_console_poll(subos);
		rf_policy_ended(subos);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* From now on policies ignore the end: the operator wants it, perhaps not for the first time. */
static int rf_stop_begin(struct rf_subos *subos, u32 *kernel_id)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	*kernel_id = subos->kernel_id;
	if (subos->life.phase == RF_PHASE_GONE)
		rc = -ENOENT;
	else if (rf_phase_stoppable(subos->life.phase))
		subos->answerable = RF_END_BY_OPERATOR;
	else if (subos->life.phase != RF_PHASE_STOPPING)
		rc = -EBUSY;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* The agent of the kernel @kernel_id accepted the request, or did not. */
static int rf_stop_answered(struct rf_subos *subos, u32 kernel_id, int rc)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (!rf_phase_stoppable(subos->life.phase)) {
		rc = 0;		/* it went down, or is going down, before the answer came */
	} else if (subos->kernel_id != kernel_id) {
		rc = -EPIPE;	/* and another one runs in its place */
	} else if (rc) {
		subos->answerable = RF_END_BY_POLICY;
	} else {
		/* Said again: somebody else's request may have failed meanwhile. */
		subos->answerable = RF_END_BY_OPERATOR;
		rf_subos_enter(subos, RF_PHASE_STOPPING, RF_CAUSE_OPERATOR);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc == -ENOTCONN ? -EOPNOTSUPP : rc;
}

/**
 * rf_subos_stop() - ask a subOS to go down, or hold its cores
 * @subos: the subOS
 * @flags: RF_STOP_*
 *
 * Context: Process context, may sleep.
 * Return: 0, or an error as documented for RF_IOC_STOP.
 */
int rf_subos_stop(struct rf_subos *subos, u32 flags)
{
	s64 args[RF_CONTROL_ARGS] = {
		flags & RF_STOP_RESTART ? RF_STOP_REBOOT : RF_STOP_POWEROFF
	};
	u32 kernel_id;
	int rc;

	if (flags & ~(RF_STOP_NOW | RF_STOP_RESTART))
		return -EINVAL;
	if (flags & RF_STOP_NOW)
		return rf_stop_now(subos);
	rc = rf_stop_begin(subos, &kernel_id);
	if (rc)
		return rc;
	rc = rf_supcon_request(subos, RF_OP_STOP, args, RF_STOP_ANSWER_MS, NULL, NULL);
	return rf_stop_answered(subos, kernel_id, rc);
}
