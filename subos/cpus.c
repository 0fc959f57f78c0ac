// SPDX-License-Identifier: GPL-2.0
/*
 * Cores. A stock kernel believes that every core in its tables is its own; the
 * hand-off knows better. A hotplug callback that comes before any INIT or SIPI
 * refuses each core that was not granted, whoever asks for it: this module, the
 * user through sysfs, or resume. The callback stays for the kernel's whole life,
 * so granted cores can go offline and come back, and no other ever comes up.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/printk.h>

#include <asm/smp.h>

#include "rf_subos.h"

static const struct rf_handoff *rf_grant;
static int rf_veto_state;
static int rf_count_state;

static bool rf_granted(u32 apic_id)
{
	u32 i;

	for (i = 0; i < rf_grant->nr_cpus; i++)
		if (rf_grant->apic_ids[i] == apic_id)
			return true;
	return false;
}

static int rf_veto(unsigned int cpu)
{
	u32 apic_id = per_cpu(x86_cpu_to_apicid, cpu);

	if (rf_granted(apic_id))
		return 0;
	pr_warn_ratelimited("cpu %u (APIC id %u) was not granted to this subOS\n", cpu, apic_id);
	return -EBUSY;
}

static int rf_count_up(unsigned int cpu)
{
	rf_report_cpus(num_online_cpus());
	return 0;
}

/* Runs on the core that goes, while it still counts as online. */
static int rf_count_down(unsigned int cpu)
{
	rf_report_cpus(num_online_cpus() - 1);
	return 0;
}

/**
 * rf_cpus_guard() - put the veto in place.
 * @handoff: checked, and kept by the caller as long as the veto is there
 *
 * Fails if a core that was not granted is online already, or if the core that
 * booted this kernel is not the one the hand-off lists first.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error; the reason was reported.
 */
int rf_cpus_guard(const struct rf_handoff *handoff)
{
	u32 boot = per_cpu(x86_cpu_to_apicid, 0);
	int state;

	rf_grant = handoff;
	if (boot != handoff->apic_ids[0]) {
		rf_refuse("booted on APIC id %u, the hand-off says %u", boot,
			  handoff->apic_ids[0]);
		return -EINVAL;
	}

	state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "rainforest/subos:veto", rf_veto, NULL);
	if (state < 0) {
		rf_refuse("a core that was not granted is online, or no veto is possible (%d)",
			  state);
		return state;
	}
	rf_veto_state = state;

	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rainforest/subos:count", rf_count_up,
				  rf_count_down);
	if (state < 0) {
		rf_refuse("cores cannot be counted (%d)", state);
		cpuhp_remove_state_nocalls(rf_veto_state);
		return state;
	}
	rf_count_state = state;
	return 0;
}

void rf_cpus_unguard(void)
{
	cpuhp_remove_state_nocalls(rf_count_state);
	cpuhp_remove_state_nocalls(rf_veto_state);
}

static int rf_cpu_of(u32 apic_id)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (per_cpu(x86_cpu_to_apicid, cpu) == apic_id)
			return cpu;
	return -ENODEV;
}

/**
 * rf_cpus_start() - bring up the granted cores, one by one, in hand-off order.
 * @handoff: checked, and guarded by rf_cpus_guard()
 *
 * A core that does not come up ends the attempt: a subOS with fewer cores than
 * it was granted must not be called running.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error; the reason, with the APIC id, was reported.
 */
int rf_cpus_start(const struct rf_handoff *handoff)
{
	u32 i;

	for (i = 0; i < handoff->nr_cpus; i++) {
		u32 apic_id = handoff->apic_ids[i];
		int cpu = rf_cpu_of(apic_id);
		int err;

		if (cpu < 0) {
			rf_refuse("core with APIC id %u: this kernel does not know it", apic_id);
			return cpu;
		}
		if (cpu_online(cpu))
			continue;
		err = add_cpu(cpu);
		if (err) {
			rf_refuse("core with APIC id %u (cpu %d) did not come up: error %d",
				  apic_id, cpu, err);
			return err < 0 ? err : -EIO;
		}
	}
	return 0;
}
