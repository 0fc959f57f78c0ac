// SPDX-License-Identifier: GPL-2.0
/*
 * Cores: taken from the supervisor's scheduler, lent, and put back. The ledger
 * of cores is rf_core_owner[]; a veto in CPU hotplug keeps the supervisor from
 * starting a core that is lent.
 *
 * On its way from one owner to another a core is the next owner's in the ledger,
 * but not in the list of a subOS yet: grant pages say that it is nobody's, and
 * nothing starts it or rings it.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/string.h>
#include <linux/topology.h>
#include <asm/smp.h>

#include "kernel/hotplug.h"
#include "cores/internal.h"

/* Ledger lock to write. */
static u32 rf_core_owner[NR_CPUS];	/* RF_OWNER_SUPERVISOR or the id of a subOS */
static u32 rf_lenders[NR_CPUS];		/* borrowed from the subOS of this id, 0: not borrowed */

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
 * rf_core_take() - take one core offline and hold it in wait-for-SIPI
 * @subos: its next owner; rf_core_attach() makes it its own
 * @cpu: logical number, checked by rf_cores_check()
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if it could not be taken offline; then nothing has changed.
 */
int rf_core_take(struct rf_subos *subos, u32 cpu)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("core-take");
	if (!rc) {
		/* First, for nobody may start it again once it is offline. */
		WRITE_ONCE(rf_core_owner[cpu], subos->id);
		rc = rf_hotplug_remove_cpu(cpu);
	}
	if (rc < 0) {
		WRITE_ONCE(rf_core_owner[cpu], RF_OWNER_SUPERVISOR);
		pr_warn("CPU %u could not be taken offline: error %d\n", cpu, rc);
		return -EIO;
	}
	rf_core_hold(per_cpu(x86_cpu_to_apicid, cpu));
	return 0;
}

/**
 * rf_core_attach() - a held core becomes a subOS's own
 * @subos: the new owner; it has fewer than RF_CPUS_MAX cores
 * @cpu: logical number
 *
 * Context: Ledger lock held.
 */
void rf_core_attach(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	WRITE_ONCE(rf_core_owner[cpu], subos->id);
	subos->cpus[subos->nr_cpus] = cpu;
	subos->apic_ids[subos->nr_cpus] = per_cpu(x86_cpu_to_apicid, cpu);
	subos->nr_cpus++;
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* A core is not in a subOS's list any more, the others keep their order. Context: as above. */
void rf_core_detach(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	u32 i;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	for (i = 0; i < subos->nr_cpus && subos->cpus[i] != cpu; i++)
		;
	if (i < subos->nr_cpus) {
		subos->nr_cpus--;
		memmove(&subos->cpus[i], &subos->cpus[i + 1],
			(subos->nr_cpus - i) * sizeof(subos->cpus[0]));
		memmove(&subos->apic_ids[i], &subos->apic_ids[i + 1],
			(subos->nr_cpus - i) * sizeof(subos->apic_ids[0]));
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/**
 * rf_core_return() - bring one core online in the supervisor again
 * @subos: its owner; it is held, and not in the subOS's list any more
 * @cpu: logical number
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if it did not come online: it is held, and @subos's again.
 */
int rf_core_return(struct rf_subos *subos, u32 cpu)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("core-return");
	if (!rc) {
		WRITE_ONCE(rf_core_owner[cpu], RF_OWNER_SUPERVISOR);
		rc = rf_hotplug_add_cpu(cpu);
	}
	if (rc >= 0 && cpu_online(cpu)) {
		rf_lenders[cpu] = 0;
		return 0;
	}
	pr_err("CPU %u did not come back: error %d\n", cpu, rc);
	rf_core_attach(subos, cpu);
	rf_core_hold(per_cpu(x86_cpu_to_apicid, cpu));
	return -EIO;
}

/**
 * rf_cores_take() - take cores offline, hold them, and give them to a subOS
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

	for (i = 0; i < count; i++) {
		rc = rf_core_take(subos, cpus[i]);
		if (rc) {
			*culprit = cpus[i];
			return rc;
		}
		rf_core_attach(subos, cpus[i]);
	}
	return 0;
}

/**
 * rf_cores_hold() - put every core that a subOS owns into wait-for-SIPI
 * @subos: the owner
 *
 * A core that is on its way to another owner is not in its list any more, and is
 * left alone.
 *
 * Context: Ledger lock or state lock held.
 */
void rf_cores_hold(struct rf_subos *subos)
{
	u32 i;

	for (i = 0; i < subos->nr_cpus; i++)
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
	u32 left = subos->nr_cpus;
	int result = 0;

	/* Those that fail go to the end of the list again. */
	for (; left; left--) {
		u32 cpu = subos->cpus[0];

		rf_core_detach(subos, cpu);
		if (rf_core_return(subos, cpu)) {
			*culprit = cpu;
			result = -EIO;
		} else {
			(*returned)++;
		}
	}
	return result;
}

/* Id of the subOS that a core is borrowed from, 0: it is not borrowed. Context: any. */
u32 rf_core_lender(u32 cpu)
{
	return READ_ONCE(rf_lenders[cpu]);
}

/* Register a loan, or with 0 that there is none any more. Context: ledger lock held. */
void rf_core_set_lender(u32 cpu, u32 id)
{
	lockdep_assert_held(&rf_ledger_lock);
	WRITE_ONCE(rf_lenders[cpu], id);
}

/* All loans of a lender that is going away: its cores stay with who has them. Context: as above. */
void rf_cores_forget_lender(u32 id)
{
	u32 cpu;

	for_each_present_cpu(cpu)
		if (rf_lenders[cpu] == id)
			rf_core_set_lender(cpu, 0);
}

/**
 * rf_cores_list() - every core there is
 * @cores: filled, at most @capacity of them
 * @capacity: of @cores
 * @count: set to how many there are
 *
 * Context: Any; each core is a snapshot of its own.
 */
void rf_cores_list(struct rf_core *cores, u32 capacity, u32 *count)
{
	u32 cpu, i = 0;

	for_each_present_cpu(cpu) {
		if (i < capacity)
			cores[i] = (struct rf_core){
				.cpu = cpu,
				.apic_id = per_cpu(x86_cpu_to_apicid, cpu),
				.owner = READ_ONCE(rf_core_owner[cpu]),
				.lender = rf_core_lender(cpu),
				.node = cpu_to_node(cpu),
				.online = cpu_online(cpu),
			};
		i++;
	}
	*count = i;
}

/**
 * rf_cores_text() - a list of cores for people
 * @cpus: logical numbers
 * @count: how many
 * @text: filled, "2-4,7"; empty if there is no memory for it
 * @size: of @text
 *
 * Context: Process context.
 */
void rf_cores_text(const u32 *cpus, u32 count, char *text, size_t size)
{
	cpumask_var_t mask;
	u32 i;

	text[0] = '\0';
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL))
		return;
	for (i = 0; i < count; i++)
		cpumask_set_cpu(cpus[i], mask);
	scnprintf(text, size, "%*pbl", cpumask_pr_args(mask));
	free_cpumask_var(mask);
}

/* Owners by physical APIC id, for the ledger's copy. Context: ledger lock held. */
void rf_cores_ledger(struct rf_ledger *ledger)
{
	u32 cpu, apic_id;

	for_each_present_cpu(cpu) {
		apic_id = per_cpu(x86_cpu_to_apicid, cpu);
		if (apic_id < RF_CPUS_MAX)
			ledger->core_owner[apic_id] = rf_core_owner[cpu];
	}
}

/* Grant page: the supervisor's own cores, by physical APIC id. Context: as above. */
void rf_cores_own(u8 owner[RF_APIC_IDS])
{
	u32 cpu, apic_id;

	for_each_present_cpu(cpu) {
		apic_id = per_cpu(x86_cpu_to_apicid, cpu);
		if (apic_id < RF_APIC_IDS && rf_core_owner[cpu] == RF_OWNER_SUPERVISOR)
			owner[apic_id] = 0;
	}
}

/**
 * rf_cores_init() - find low memory for trampolines, and keep lent cores from being started
 *
 * Context: Process context, may sleep.
 * Return: 0, or an error after one line that says what is wrong.
 */
int rf_cores_init(void)
{
	int rc;

	rc = rf_trampoline_init();
	if (rc)
		return rc;
	rc = rf_lowmem_init();
	if (rc)
		return rc;
	rc = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest:owner", rf_core_veto,
				       NULL);
	if (rc < 0) {
		pr_err("cannot register the ownership check of cores: error %d\n", rc);
		rf_lowmem_exit();
		return rc;
	}
	rf_veto_state = rc;
	return 0;
}

void rf_cores_exit(void)
{
	cpuhp_remove_state_nocalls(rf_veto_state);
	rf_lowmem_exit();
}
