// SPDX-License-Identifier: GPL-2.0
/* What all kinds of adjustments have in common. */
#include "resize/internal.h"

/**
 * rf_resize_runs() - may this very kernel be running in a subOS?
 * @subos: the subOS
 * @kernel_id: of the kernel
 *
 * The next one was told what it owns by its hand-off: what its predecessor said or was
 * promised means nothing to it.
 *
 * Context: Process context, `adjusting` held, so that the answer stays true or becomes
 *          false once.
 */
bool rf_resize_runs(struct rf_subos *subos, u32 kernel_id)
{
	lockdep_assert_held(&subos->adjusting);
	return READ_ONCE(subos->kernel_id) == kernel_id && !rf_phase_held(rf_subos_phase(subos));
}

/**
 * rf_resize_ready() - can a subOS be resized now?
 * @subos: the subOS
 * @capability: what its agent needs, enum rf_capability
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
 * rf_resize_result() - what an answer means for who asked for the resize
 * @args: gets the errno of the other side
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
		return -EPIPE;		/* there is nobody to be asked any more */
	if (rc == -ENOBUFS)
		return -ETIMEDOUT;	/* nobody takes our messages */
	return rc;
}

/**
 * rf_late_begin() - a request that nobody waits for any more got its last word
 * @subos: the subOS
 * @late: the request and all its answers
 *
 * What the subOS does not use, though it owns it, is offered again or taken back.
 *
 * Context: Process context. `adjusting` held.
 * Return: whether the answers still mean something: the kernel that was asked runs.
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
