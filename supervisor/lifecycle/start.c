// SPDX-License-Identifier: GPL-2.0
/* The start of a loaded subOS: step 4 of a create (docs/boot-flow.md). */
#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "shared/shared.h"

/**
 * rf_start_refusal() - why a step towards the start of a subOS cannot be taken
 * @subos: in a phase that does not allow it
 *
 * Context: Any.
 * Return: -ENOENT: its destruction has begun; -EBUSY: somebody else took this step before.
 */
int rf_start_refusal(const struct rf_subos *subos)
{
	enum rf_phase phase = rf_subos_phase(subos);

	return phase == RF_PHASE_DESTROYING || phase == RF_PHASE_GONE ? -ENOENT : -EBUSY;
}

/**
 * rf_subos_publish() - end the construction of a loaded subOS without starting it
 * @subos: the subOS
 *
 * Return: 0; -EBUSY if it is not loaded; -ENOENT.
 */
int rf_subos_publish(struct rf_subos *subos)
{
	unsigned long flags;
	bool loaded;

	spin_lock_irqsave(&rf_state_lock, flags);
	loaded = subos->life.phase == RF_PHASE_LOADED;
	subos->established |= loaded;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return loaded ? 0 : rf_start_refusal(subos);
}

/* Forget what is known of the previous kernel; prepare console and grant page for the next. */
static int rf_start_prepare(struct rf_subos *subos)
{
	unsigned long flags;
	int rc;

	rc = rf_arena_clear(subos);
	if (rc)
		return rc;
	rf_console_start(subos);
	spin_lock_irqsave(&rf_state_lock, flags);
	subos->capabilities = 0;
	subos->block_size = 0;
	subos->beat = subos->beat_at = 0;
	subos->starts++;
	subos->entering = true;
	subos->not_held = 0;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_grant_prepare(subos);
	return 0;
}

/* The stage that the boot core reached decides the subOS's next phase. */
static int rf_start_result(struct rf_subos *subos, enum rf_stage stage)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	subos->entering = false;
	subos->stage = stage;
	if (subos->life.phase != RF_PHASE_LOADED) {
		rc = -ENOENT;	/* its destruction has begun meanwhile: its cores were called */
	} else if (stage >= RF_STAGE_KERNEL) {
		subos->moments[RF_MOMENT_KERNEL] = ktime_get_ns();
		subos->established = true;
		rf_subos_enter(subos, RF_PHASE_BOOTING, RF_CAUSE_NONE);
	} else {
		rf_cores_hold(subos);
		rf_subos_enter(subos, RF_PHASE_ENDED, RF_CAUSE_NO_ENTRY);
		rc = -ETIMEDOUT;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

static int rf_start_locked(struct rf_subos *subos, const struct rf_start *args)
{
	int rc;

	if (rf_subos_phase(subos) != RF_PHASE_LOADED)
		return rf_start_refusal(subos);
	rc = rf_subos_check_start(subos, args);
	if (!rc)
		rc = rf_step("start");
	if (!rc)
		rc = rf_start_prepare(subos);
	if (rc)
		return rc;

	rf_subos_moment(subos, RF_MOMENT_START);
	rc = rf_start_result(subos, rf_trampoline_run(subos, args));
	rf_publish();
	rf_watch_kick();
	return rc;
}

/*
 * No ring for the last kernel arrives in this one: it is nowhere said any more how that one was rung,
 * and its cores are nobody's as long as there is no kernel; then those who ring are waited for.
 */
static void rf_start_quiet(struct rf_subos *subos)
{
	mutex_lock(&rf_ledger_lock);
	if (rf_subos_phase(subos) == RF_PHASE_LOADED)
		rf_arena_clear(subos);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	rf_grant_await();
}

/**
 * rf_subos_start() - start the boot core of a loaded subOS
 * @subos: the subOS
 * @args: see RF_IOC_START
 *
 * An adjustment relies on that no kernel is started meanwhile: it may be resetting functions.
 *
 * Context: Process context, may sleep. Takes `adjusting` and the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_START; -EINTR: the caller is being killed.
 */
int rf_subos_start(struct rf_subos *subos, const struct rf_start *args)
{
	int rc;

	rc = mutex_lock_killable(&subos->adjusting);
	if (rc)
		return rc;
	rf_start_quiet(subos);
	mutex_lock(&rf_ledger_lock);
	rc = rf_start_locked(subos, args);
	mutex_unlock(&rf_ledger_lock);
	mutex_unlock(&subos->adjusting);
	return rc;
}
