// SPDX-License-Identifier: GPL-2.0
/*
 * Cores. A stock kernel believes that every core in its tables is its own; the
 * grant page knows better. A hotplug callback that comes before any INIT or SIPI
 * refuses each core that is not granted, whoever asks for it: this module, the
 * user through sysfs, or resume. The callback stays for the kernel's whole life,
 * so granted cores can go offline and come back, and no other ever comes up.
 *
 * A core stands in the grant page before the supervisor asks for it, and still does when
 * it was given up, and may be held at any moment. So a core is refused as well unless it
 * came with the hand-off or was asked for, and was not given up since.
 */
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/printk.h>

#include <asm/smp.h>

#include "kernel/hotplug.h"
#include "rf_subos.h"
#include "wire/control_check.h"

static int rf_veto_state;
static int rf_count_state;

/* Cores that are ours to use, by APIC id. Only requests change it, one at a time. */
static DECLARE_BITMAP(rf_usable, RF_APIC_IDS);

static int rf_veto(unsigned int cpu)
{
	u32 apic_id = per_cpu(x86_cpu_to_apicid, cpu);

	if (!rf_granted(apic_id)) {
		pr_warn_ratelimited("cpu %u (APIC id %u) is not granted to this subOS\n", cpu,
				    apic_id);
		return -EBUSY;
	}
	if (!test_bit(apic_id, rf_usable)) {
		pr_warn_ratelimited("cpu %u (APIC id %u) is on its way to or from this subOS\n",
				    cpu, apic_id);
		return -EBUSY;
	}
	return 0;
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
 * @handoff: checked
 *
 * The grant page must be open, and stay so as long as the veto is there. Fails if a core
 * that was not granted is online already, or if the core that booted this kernel is not
 * the one the hand-off lists first.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error; the reason was reported.
 */
int rf_cpus_guard(const struct rf_handoff *handoff)
{
	u32 boot = per_cpu(x86_cpu_to_apicid, 0), i;
	int state;

	if (boot != handoff->apic_ids[0]) {
		rf_refuse("booted on APIC id %u, the hand-off says %u", boot,
			  handoff->apic_ids[0]);
		return -EINVAL;
	}

	for (i = 0; i < handoff->nr_cpus; i++)
		if (handoff->apic_ids[i] < RF_APIC_IDS)
			set_bit(handoff->apic_ids[i], rf_usable);
	state = cpuhp_setup_state(CPUHP_BP_PREPARE_DYN, "rainforest/subos:veto", rf_veto, NULL);
	if (state < 0) {
		rf_refuse("a core that was not granted is online, or the veto failed: error %d",
			  state);
		return state;
	}
	rf_veto_state = state;

	state = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "rainforest/subos:count", rf_count_up,
				  rf_count_down);
	if (state < 0) {
		rf_refuse("cannot count cores: error %d", state);
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
			rf_refuse("core with APIC id %u: unknown to this kernel", apic_id);
			return cpu;
		}
		if (cpu_online(cpu))
			continue;
		err = rf_hotplug_add_cpu(cpu);
		if (err) {
			rf_refuse("core with APIC id %u (cpu %d) did not come up: error %d",
				  apic_id, cpu, err);
			return err < 0 ? err : -EIO;
		}
	}
	return 0;
}

/*
 * A unit of a request. Returns 1 if the core changed sides, 0 if it was there
 * already, or a negative error, after which it is where it was.
 */
typedef int (*rf_core_unit)(u32 apic_id);

static int rf_core_remove(u32 apic_id)
{
	int cpu = rf_cpu_of(apic_id);
	bool online;
	int err;

	if (!rf_granted(apic_id))
		return -EPERM;
	if (cpu < 0)
		return cpu;
	if (!cpu)	/* the boot core; so another one is always left */
		return -EBUSY;
	online = cpu_online(cpu);
	/* First the veto, then the removal, which waits for callers that are past the veto. */
	clear_bit(apic_id, rf_usable);
	err = rf_hotplug_remove_cpu(cpu);
	if (cpu_online(cpu)) {
		set_bit(apic_id, rf_usable);
		return err < 0 ? err : -EBUSY;
	}
	return online;
}

static int rf_core_add(u32 apic_id)
{
	int cpu = rf_cpu_of(apic_id);
	int err;

	if (!rf_granted(apic_id))
		return -EPERM;
	if (cpu < 0)
		return cpu;
	set_bit(apic_id, rf_usable);
	if (cpu_online(cpu))
		return 0;
	err = rf_hotplug_add_cpu(cpu);
	if (cpu_online(cpu))
		return 1;
	/* The supervisor takes it back now: the user may just be trying once more. */
	rf_core_remove(apic_id);
	if (cpu_online(cpu))
		return 1;
	return err < 0 ? err : -EIO;
}

static void rf_cores_named(const s64 *args, unsigned long *apic_ids)
{
	unsigned int i;

	for (i = 0; i < BITS_TO_LONGS(RF_APIC_IDS); i++)
		apic_ids[i] = args[i];
}

/*
 * Apply @unit to each core in @apic_ids, and take out there what is reported. What is done
 * is undone by @undo only if it has not been reported. Returns the number of cores for
 * which there was no error, or -ECANCELED.
 */
static int rf_cores_each(struct rf_request *request, unsigned long *apic_ids, rf_core_unit unit,
			 rf_core_unit undo)
{
	unsigned int apic_id, done = 0;
	int rc;

	for_each_set_bit(apic_id, apic_ids, RF_APIC_IDS) {
		if (rf_request_cancelled(request))
			return -ECANCELED;
		rc = unit(apic_id);
		if (rc > 0 && rf_request_cancelled(request) && undo(apic_id) >= 0)
			return -ECANCELED;
		if (rc < 0)
			pr_warn_ratelimited("core with APIC id %u: error %d\n", apic_id, rc);
		else
			done++;
		rf_request_progress(request, apic_id, rc < 0 ? rf_control_error(rc) : 0);
		__clear_bit(apic_id, apic_ids);
	}
	return done;
}

/*
 * The supervisor takes back cores that were not reported, and may hold them from the moment
 * it hears that there will be no more reports. So none of them may be online here then, or
 * come online: also what the user tries by himself is over or refused. A core that does
 * not go any more is reported.
 */
static void rf_cores_renounce(struct rf_request *request, const unsigned long *apic_ids)
{
	unsigned int apic_id;
	int cpu;

	for_each_set_bit(apic_id, apic_ids, RF_APIC_IDS) {
		rf_core_remove(apic_id);
		cpu = rf_cpu_of(apic_id);
		if (cpu >= 0 && cpu_online(cpu))
			rf_request_progress(request, apic_id, 0);
	}
}

/* RF_OP_CORES_ADD; also one that was cancelled before. Context: process context, may sleep. */
int rf_cores_add(struct rf_request *request, const s64 *args, s64 *results)
{
	DECLARE_BITMAP(apic_ids, RF_APIC_IDS);
	int rc;

	rf_cores_named(args, apic_ids);
	rc = rf_cores_each(request, apic_ids, rf_core_add, rf_core_remove);
	if (rc < 0) {
		rf_cores_renounce(request, apic_ids);
		return rc;
	}
	results[0] = num_online_cpus();
	return 0;
}

/* RF_OP_CORES_REMOVE. Context: process context, may sleep. */
int rf_cores_remove(struct rf_request *request, const s64 *args, s64 *results)
{
	DECLARE_BITMAP(apic_ids, RF_APIC_IDS);
	int rc;

	rf_cores_named(args, apic_ids);
	rc = rf_cores_each(request, apic_ids, rf_core_remove, rf_core_add);
	if (rc < 0)
		return rc;
	results[0] = rc;
	return 0;
}
