// SPDX-License-Identifier: GPL-2.0
/* Queries of who owns which core: for requests, for operators, and for other kernels. */
#include <linux/cpumask.h>
#include <linux/topology.h>
#include <asm/smp.h>

#include "cores/internal.h"

/**
 * rf_cores_check() - could these cores be taken?
 * @cpus: logical numbers
 * @count: how many
 * @culprit: set to the offending core on error
 *
 * Context: Ledger lock held.
 * Return: 0; -EINVAL core 0 or a duplicate; -ENODEV not present or offline; -EXDEV lent.
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
		if (rf_ledger_core_owner(&rf_books.cores, cpu) != RF_OWNER_SUPERVISOR)
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
 * rf_cores_together() - do SMT siblings stay together when these cores change hands?
 * @cpus: logical numbers, of cores that exist
 * @count: how many
 * @from: id of their owner
 * @to: id of their next owner; RF_OWNER_SUPERVISOR also for a loan that ends
 * @culprit: set to the offending core on error
 *
 * Context: Ledger lock held.
 * Return: 0; -EDOM a sibling of @culprit would have another owner.
 */
int rf_cores_together(const u32 *cpus, u32 count, u32 from, u32 to, u32 *culprit)
{
	int cpu;

	lockdep_assert_held(&rf_ledger_lock);
	rf_cores_look();
	cpu = rf_ledger_core_split(&rf_books.cores, cpus, count, from, to);
	if (cpu < 0)
		return 0;
	*culprit = cpu;
	return -EDOM;
}

/**
 * rf_cores_list() - list all present cores
 * @cores: filled, at most @capacity of them
 * @capacity: of @cores
 * @count: set to the number of present cores
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
				.owner = rf_ledger_core_owner(&rf_books.cores, cpu),
				.lender = rf_ledger_core_lender(&rf_books.cores, cpu),
				.node = cpu_to_node(cpu),
				.online = cpu_online(cpu),
			};
		i++;
	}
	*count = i;
}

/**
 * rf_cores_text() - format a list of cores for people
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

/* Is the core the supervisor's, or in the subOS's list? In transit neither may use it. */
static bool rf_core_usable(u32 cpu, u32 id)
{
	if (id == RF_OWNER_SUPERVISOR)
		return rf_ledger_core_owner(&rf_books.cores, cpu) == RF_OWNER_SUPERVISOR;
	return rf_ledger_core_listed(&rf_books.cores, cpu, id);
}

/**
 * rf_cores_own() - the cores of one kernel, for grant pages
 * @id: the supervisor or a subOS
 * @member: its number in the arena
 * @owner: by physical APIC id; set to @member for each core that the kernel may use
 *
 * Context: Ledger lock held.
 */
void rf_cores_own(u32 id, u8 member, u8 owner[RF_APIC_IDS])
{
	u32 cpu, apic_id;

	lockdep_assert_held(&rf_ledger_lock);
	for_each_present_cpu(cpu) {
		apic_id = per_cpu(x86_cpu_to_apicid, cpu);
		if (apic_id < RF_APIC_IDS && rf_core_usable(cpu, id))
			owner[apic_id] = member;
	}
}
