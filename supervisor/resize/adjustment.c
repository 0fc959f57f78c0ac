// SPDX-License-Identifier: GPL-2.0
/* Code common to all kinds of resizes. */
#include "resize/internal.h"

/**
 * rf_resize_runs() - may this very kernel still be running in a subOS?
 * @subos: the subOS
 * @kernel_id: of the kernel
 *
 * A later kernel learns what it owns from its hand-off: answers and requests of its
 * predecessor do not apply to it.
 *
 * Context: Process context, `adjusting` held, so that true may become false, but not the
 *          reverse.
 */
bool rf_resize_runs(struct rf_subos *subos, u32 kernel_id)
{
	lockdep_assert_held(&subos->adjusting);
	return READ_ONCE(subos->kernel_id) == kernel_id && !rf_phase_held(rf_subos_phase(subos));
}

/**
 * rf_resize_ready() - can a subOS be resized now?
 * @subos: the subOS
 * @capability: enum rf_capability that its agent needs
 *
 * Context: Any.
 * Return: 0, -ENOENT, -EBUSY, -EOPNOTSUPP.
 */
int rf_resize_ready(struct rf_subos *subos, u32 capability)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->life.phase == RF_PHASE_GONE)
		rc = -ENOENT;
	else if (!rf_phase_adjustable(subos->life.phase))
		rc = -EBUSY;
	else if (!(subos->capabilities & capability))
		rc = -EOPNOTSUPP;
	else if (rf_supcon_owed(subos))
		rc = -EBUSY;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/**
 * rf_resize_result() - translate the result of a request into that of the resize
 * @args: gets the agent's errno
 * @ask: the request
 * @rc: what rf_supcon_ask() returned
 *
 * Return: an error as documented for RF_IOC_RESIZE, or 0.
 */
int rf_resize_result(struct rf_resize *args, const struct rf_ask *ask, int rc)
{
	if (ask->error) {
		args->error = args->error ?: -ask->error;
		return -EIO;
	}
	if (rc == -ENOTCONN)
		return -EPIPE;		/* the agent is gone */
	if (rc == -ENOBUFS)
		return -ETIMEDOUT;	/* the agent does not read its messages */
	return rc;
}

/**
 * rf_late_begin() - begin to act on the outcome of an abandoned request
 * @subos: the subOS
 * @late: the request and all its answers
 *
 * The caller then offers again, or takes back, whatever the subOS owns but does not use.
 *
 * Context: Process context. `adjusting` held.
 * Return: true if the answers still apply: the kernel that was asked may still run.
 */
bool rf_late_begin(struct rf_subos *subos, const struct rf_late *late)
{
	const u64 event[4] = { late->op };

	lockdep_assert_held(&subos->adjusting);
	if (!rf_resize_runs(subos, late->kernel_id))
		return false;
	rf_event(subos, RF_EVENT_LATE, 0, RF_CAUSE_OPERATOR, 0, event, NULL);
	return true;
}
