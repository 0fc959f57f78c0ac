// SPDX-License-Identifier: GPL-2.0
/*
 * The supervisor crashed, and a crash kernel (kdump) follows: it takes all devices for its own, also
 * those that were lent, and must not share them with who uses them. So the cores of all subOSes are
 * called to the park, which lies in memory that a crash kernel does not use. Their memory stays as it
 * is, and what they had not written is lost, as at a power failure.
 *
 * No notifier runs before a crash kernel (panic() calls it first): hence a probe. If nothing follows
 * a panic, subOSes run on, unwatched.
 */
#include <linux/delay.h>
#include <linux/kexec.h>
#include <linux/kprobes.h>

#include "cores/cores.h"
#include "lifecycle/internal.h"

#define RF_CRASH_LOCK_US	100000

/* Who holds the lock may be who crashed. Nobody else changes anything much longer. */
static bool rf_crash_lock(void)
{
	int i;

	for (i = 0; i < RF_CRASH_LOCK_US; i++) {
		if (spin_trylock(&rf_state_lock))
			return true;
		udelay(1);
	}
	return false;
}

/* In the way of a kernel that is beyond repair: no other lock, no sleep, no notifier of ours. */
static int rf_crash(struct kprobe *probe, struct pt_regs *regs)
{
	bool locked = rf_crash_lock();
	struct rf_subos *subos;

	rf_cores_freeze(false);
	list_for_each_entry(subos, &rf_subos_list, node) {
		pr_notice("subOS %s is stopped: a crash kernel follows\n", subos->name);
		rf_cores_hold(subos);
	}
	if (locked)
		spin_unlock(&rf_state_lock);
	return 0;
}

static struct kprobe rf_crash_probe = {
	.symbol_name = "machine_crash_shutdown",
	.pre_handler = rf_crash,
};

/* Without it the supervisor works, but must not have a crash kernel. Context: process. */
void rf_crash_init(void)
{
	int rc = IS_ENABLED(CONFIG_KEXEC_CORE) ? register_kprobe(&rf_crash_probe) : 0;

	if (rc)
		pr_warn("no probe on %s (error %d): subOSes will run on beside a crash kernel\n",
			rf_crash_probe.symbol_name, rc);
}

/* Harmless if it is not registered. Context: process. */
void rf_crash_exit(void)
{
	unregister_kprobe(&rf_crash_probe);
}
