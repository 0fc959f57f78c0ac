// SPDX-License-Identifier: GPL-2.0
/* RESET: makes a subOS that ended startable again, with the cores and memory that it has. */
#include <linux/io.h>
#include <linux/security.h>
#include <linux/string.h>

#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"
#include "pci/pci.h"

/* Call all cores to the park; rf_reset_run() sees whether they have come. */
static int rf_reset_begin(struct rf_subos *subos, u32 flags)
{
	const enum rf_phase phase = subos->life.phase;

	lockdep_assert_held(&rf_state_lock);
	if (phase == RF_PHASE_GONE)
		return -ENOENT;
	if (!rf_phase_resettable(phase, flags & RF_RESET_LOST))
		return -EBUSY;
	rf_cores_hold(subos);
	if (phase != RF_PHASE_ENDED)
		rf_subos_enter(subos, RF_PHASE_ENDED,
			       phase == RF_PHASE_LOST ? RF_CAUSE_HANG : subos->life.cause);
	rf_subos_enter(subos, RF_PHASE_RESETTING, subos->life.cause);
	return 0;
}

/* Quiesce all functions; return those that were unplugged or taken by force. */
static int rf_reset_devices(struct rf_subos *subos)
{
	return rf_pci_quiesce_all(subos, false) ?: rf_pci_return_taken(subos);
}

/* The first range of its memory after @range. */
static bool rf_reset_next(struct rf_subos *subos, struct rf_range *range)
{
	bool found;

	mutex_lock(&rf_ledger_lock);
	found = rf_ledger_memory_next_range(&rf_books.memory, subos->id,
					    range->start + range->size, range);
	mutex_unlock(&rf_ledger_lock);
	return found;
}

/* With `adjusting` held it keeps what it owns; memory_sem keeps readers away from each range. */
static int rf_reset_clear(struct rf_subos *subos)
{
	struct rf_range range = {};
	int rc = 0;

	while (!rc && rf_reset_next(subos, &range)) {
		rc = rf_step("reset-clear");
		if (rc)
			return rc;
		down_write(&subos->memory_sem);
		rc = rf_fill(range.start, range.size, 0);
		up_write(&subos->memory_sem);
	}
	if (rc)
		return rc;
	mutex_lock(&rf_ledger_lock);
	memset(__va(rf_lowmem_of(subos->id)), 0, RF_LOW_SLICE_SIZE);
	mutex_unlock(&rf_ledger_lock);
	return 0;
}

/*
 * Forget the last kernel. Until the next one boots, the caller of RESET decides what becomes
 * of the subOS, and its policies ignore an end.
 */
static void rf_reset_forget(struct rf_subos *subos)
{
	int i;

	lockdep_assert_held(&rf_state_lock);
	subos->load_ticket++;
	subos->stage = RF_STAGE_NONE;
	subos->cpus_online = 0;
	subos->vmcoreinfo = subos->vmcoreinfo_size = 0;
	subos->reason[0] = '\0';
	for (i = RF_MOMENT_LOADED; i < RF_MOMENT_NR; i++)
		subos->moments[i] = 0;
	subos->capabilities = 0;
	subos->block_size = 0;
	subos->beat = subos->beat_at = 0;
	subos->answerable = RF_END_BY_OPERATOR;
	rf_subos_enter(subos, RF_PHASE_DEFINED, RF_CAUSE_NONE);
}

/*
 * Nothing executes in it, and nobody starts it in this phase: make its devices and its memory as
 * for its first kernel. Not under the ledger lock, because others need it.
 */
static int rf_reset_clean(struct rf_subos *subos)
{
	int rc;

	lockdep_assert_held(&subos->adjusting);
	if (rf_subos_phase(subos) != RF_PHASE_RESETTING)
		return -ENOENT;
	rf_console_stop(subos);
	rc = rf_reset_devices(subos);
	if (!rc)
		rc = rf_reset_clear(subos);
	return rc;
}

static int rf_reset_end(struct rf_subos *subos, int rc)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->life.phase != RF_PHASE_RESETTING)
		rc = -ENOENT;	/* its destruction has begun meanwhile */
	else if (rc)
		rf_subos_enter(subos, RF_PHASE_ENDED, subos->life.cause);
	else
		rf_reset_forget(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

static int rf_reset_run(struct rf_subos *subos, u32 reset_flags)
{
	unsigned long flags;
	u32 unused;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	rc = mutex_lock_interruptible(&rf_ledger_lock);
	if (rc)
		return rc;
	rc = rf_step("reset");
	if (!rc) {
		spin_lock_irqsave(&rf_state_lock, flags);
		rc = rf_reset_begin(subos, reset_flags);
		spin_unlock_irqrestore(&rf_state_lock, flags);
	}
	mutex_unlock(&rf_ledger_lock);
	if (rc)
		return rc;
	rc = rf_cores_prove(subos, &unused);
	if (!rc)
		rc = rf_reset_clean(subos);
	mutex_lock(&rf_ledger_lock);
	rc = rf_reset_end(subos, rc);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/**
 * rf_subos_reset() - make a subOS that ended startable again
 * @subos: the subOS
 * @flags: RF_RESET_*
 *
 * On success the caller is its builder, until START or rf_subos_reset_undo().
 *
 * Context: Process context, interruptible. Takes `adjusting` and the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_RESET; an ended subOS then stays ended.
 */
int rf_subos_reset(struct rf_subos *subos, u32 flags)
{
	int rc;

	if (flags & ~RF_RESET_LOST)
		return -EINVAL;
	rc = security_locked_down(LOCKDOWN_KEXEC);
	if (rc)
		return rc;
	if (rf_subos_builder_take())
		return -EBUSY;
	rc = mutex_lock_interruptible(&subos->adjusting);
	if (rc)
		goto not_builder;
	rc = rf_reset_run(subos, flags);
	mutex_unlock(&subos->adjusting);
not_builder:
	if (rc)
		rf_subos_builder_done();
	return rc;
}

/**
 * rf_subos_reset_undo() - the builder of a RESET went away before START
 * @subos: the subOS; it becomes stopped again
 *
 * Context: Process context, also at the exit of a task. Takes the ledger lock.
 */
void rf_subos_reset_undo(struct rf_subos *subos)
{
	unsigned long flags;

	mutex_lock(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->life.phase == RF_PHASE_DEFINED || subos->life.phase == RF_PHASE_LOADED)
		rf_subos_enter(subos, RF_PHASE_ENDED, RF_CAUSE_OPERATOR);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	mutex_unlock(&rf_ledger_lock);
}
