// SPDX-License-Identifier: GPL-2.0
/* A consistent snapshot of a subOS. */
#include <linux/string.h>

#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/lifecycle.h"
#include "pci/pci.h"

/* State lock held, as below. */
static void rf_status_life(const struct rf_subos *subos, struct rf_status *status)
{
	lockdep_assert_held(&rf_state_lock);
	status->id = subos->id;
	memcpy(status->name, subos->name, sizeof(status->name));
	status->state = rf_subos_state(subos);
	status->cause = subos->life.cause;
	status->stage = subos->stage;
	status->cpus_online = subos->cpus_online;
	status->not_held = subos->not_held;
	memcpy(status->reason, subos->reason, sizeof(status->reason));
	status->vmcoreinfo = subos->vmcoreinfo;
	status->vmcoreinfo_size = subos->vmcoreinfo_size;
	memcpy(status->moments, subos->moments, sizeof(status->moments));
	status->starts = subos->starts;
	status->crashes = subos->crashes;
	status->restarts_left = subos->restarts_left;
	status->on_crash = subos->policies.on_crash;
	status->on_reboot = subos->policies.on_reboot;
	status->hang_timeout_ms = subos->policies.hang_timeout_ms;
}

static void rf_status_owned(const struct rf_subos *subos, struct rf_status *status)
{
	u32 i;

	lockdep_assert_held(&rf_state_lock);
	status->low_slice = rf_lowmem_of(subos->id);
	status->member = subos->member;
	status->nr_cpus = rf_ledger_core_list(&rf_books.cores, subos->id, status->cpus,
					      RF_CPUS_MAX);
	for (i = 0; i < status->nr_cpus; i++)
		status->apic_ids[i] = rf_ledger_core_apic_id(&rf_books.cores, status->cpus[i]);
	status->nr_ranges = rf_ledger_memory_ranges(&rf_books.memory, subos->id, status->ranges,
						    RF_RANGES_MAX);
	for (i = 0; i < status->nr_ranges; i++)
		status->memory += status->ranges[i].size;
}

static void rf_status_agent(const struct rf_subos *subos, struct rf_status *status)
{
	lockdep_assert_held(&rf_state_lock);
	status->capabilities = subos->capabilities;
	status->block_size = subos->block_size;
	if (subos->beat_at && rf_phase_live(subos->life.phase))
		status->beat_age_ns = ktime_get_ns() - subos->beat_at;
}

/**
 * rf_subos_status() - take a consistent snapshot of a subOS
 * @subos: the subOS
 * @status: zeroed by the caller; filled in, except for its size
 * @generation: receives the change count that poll() compares with
 *
 * Context: Any.
 * Return: 0, or -ENOENT if it was destroyed.
 */
int rf_subos_status(struct rf_subos *subos, struct rf_status *status, u32 *generation)
{
	unsigned long flags;
	int rc = -ENOENT;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->life.phase != RF_PHASE_GONE) {
		rf_status_life(subos, status);
		rf_status_owned(subos, status);
		rf_status_agent(subos, status);
		rf_pci_status(subos, status);
		*generation = subos->generation;
		rc = 0;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!rc)
		status->console_viewers = rf_console_viewers(subos);
	return rc;
}
