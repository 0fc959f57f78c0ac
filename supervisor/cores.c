// SPDX-License-Identifier: GPL-2.0
/*
 * Cores: taken from the supervisor's scheduler, lent, and put back. The ledger
 * of cores is rf_core_owner[]; a veto in CPU hotplug keeps the supervisor from
 * starting a core that is lent.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <asm/smp.h>

#include "supervisor.h"

static u32 rf_core_owner[NR_CPUS];	/* ledger lock to write; RF_OWNER_SUPERVISOR or an id */
static enum cpuhp_state rf_veto_state;

static int rf_core_veto(unsigned int cpu)
{
	u32 owner = READ_ONCE(rf_core_owner[cpu]);

	if (owner == RF_OWNER_SUPERVISOR)
		return 0;
	pr_notice_ratelimited("CPU %u belongs to subOS %u and cannot be brought online\n",
			      cpu, owner);
	return -EBUSY;
}

/**
 * rf_cores_check() - could these cores be taken?
 * @cpus: logical numbers
 * @count: how many
 * @culprit: set to the offending core on error
 *
 * Context: Ledger lock held.
 * Return: 0; -EINVAL core 0 or doubled; -ENODEV not there or offline; -EXDEV lent.
 */
int rf_cores_check(const u32 *cpus, u32 count, u32 *culprit)
{
	u32 i, j;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < count; i++) {
		u32 cpu = cpus[i];

		*culprit = cpu;
		if (cpu == 0)
			return -EINVAL;
		if (cpu >= nr_cpu_ids || !cpu_present(cpu))
			return -ENODEV;
		if (rf_core_owner[cpu] != RF_OWNER_SUPERVISOR)
			return -EXDEV;
		if (!cpu_online(cpu))
			return -ENODEV;
		for (j = 0; j < i; j++)
			if (cpus[j] == cpu)
				return -EINVAL;
	}
	*culprit = 0;
	return 0;
}

/**
 * rf_cores_take() - take cores offline and hold them in wait-for-SIPI
 * @subos: the new owner; its cpus[] grows core by core, so that what was taken
 *         before an error can be returned
 * @cpus: logical numbers, checked by rf_cores_check()
 * @count: how many
 * @culprit: set to the offending core on error
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if a core could not be taken offline.
 */
int rf_cores_take(struct rf_subos *subos, const u32 *cpus, u32 count, u32 *culprit)
{
	u32 i;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < count; i++) {
		u32 cpu = cpus[i];
		u32 apic_id = per_cpu(x86_cpu_to_apicid, cpu);

		*culprit = cpu;
		rc = rf_step("core-take");
		if (!rc)
			rc = remove_cpu(cpu);
		if (rc < 0) {
			pr_warn("CPU %u could not be taken offline: error %d\n", cpu, rc);
			return -EIO;
		}
		WRITE_ONCE(rf_core_owner[cpu], subos->id);
		rf_core_hold(apic_id);
		subos->cpus[subos->nr_cpus] = cpu;
		subos->apic_ids[subos->nr_cpus] = apic_id;
		subos->nr_cpus++;
	}
	*culprit = 0;
	return 0;
}

/**
 * rf_cores_hold() - put every core that a subOS owns into wait-for-SIPI
 * @subos: the owner
 *
 * A core that is on its way back belongs to the supervisor already, and is left
 * alone.
 *
 * Context: Any, also with interrupts off.
 */
void rf_cores_hold(struct rf_subos *subos)
{
	u32 i;

	for (i = 0; i < subos->nr_cpus; i++)
		if (READ_ONCE(rf_core_owner[subos->cpus[i]]) == subos->id)
			rf_core_hold(subos->apic_ids[i]);
}

/**
 * rf_cores_return() - bring a subOS's cores online in the supervisor again
 * @subos: the owner; its cores are held
 * @returned: counts the cores that are online again
 * @culprit: set to a core that did not come back
 *
 * Goes on after a core that fails: that one stays with @subos and can be tried
 * again.
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if a core did not come online.
 */
int rf_cores_return(struct rf_subos *subos, u32 *returned, u32 *culprit)
{
	u32 i, kept = 0;
	int rc, result = 0;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < subos->nr_cpus; i++) {
		u32 cpu = subos->cpus[i];

		rc = rf_step("core-return");
		if (!rc) {
			WRITE_ONCE(rf_core_owner[cpu], RF_OWNER_SUPERVISOR);
			rc = add_cpu(cpu);
		}
		if (rc >= 0 && cpu_online(cpu)) {
			(*returned)++;
			continue;
		}
		pr_err("CPU %u did not come back: error %d\n", cpu, rc);
		WRITE_ONCE(rf_core_owner[cpu], subos->id);
		rf_core_hold(subos->apic_ids[i]);
		*culprit = cpu;
		subos->cpus[kept] = cpu;
		subos->apic_ids[kept] = subos->apic_ids[i];
		kept++;
		result = -EIO;
	}
	subos->nr_cpus = kept;
	return result;
}

int rf_cores_init(void)
{
	int rc;

	rc = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest:owner", rf_core_veto,
				       NULL);
	if (rc < 0) {
		pr_err("cannot register the ownership check of cores: error %d\n", rc);
		return rc;
	}
	rf_veto_state = rc;
	return 0;
}

void rf_cores_exit(void)
{
	cpuhp_remove_state_nocalls(rf_veto_state);
}
