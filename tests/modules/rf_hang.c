// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: hangs the whole kernel it is loaded into, every core with
 * interrupts off; for ever, or for `seconds`. With `hotplug`, only who wants to
 * bring a core up or down has to wait, at most until insmod gets a signal.
 */
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/smp.h>

static unsigned int seconds;
module_param(seconds, uint, 0);
MODULE_PARM_DESC(seconds, "how long, 0: for ever");

static bool hotplug;
module_param(hotplug, bool, 0);
MODULE_PARM_DESC(hotplug, "only CPU hotplug");

static void rf_hang(void *unused)
{
	const u64 end = ktime_get_ns() + (u64)seconds * NSEC_PER_SEC;
	unsigned long flags;

	local_irq_save(flags);
	while (!seconds || ktime_get_ns() < end)
		cpu_relax();
	local_irq_restore(flags);
}

static void rf_hang_hotplug(void)
{
	cpus_read_lock();
	pr_info("holding CPU hotplug\n");
	msleep_interruptible(seconds * MSEC_PER_SEC);
	cpus_read_unlock();
}

static int __init rf_hang_init(void)
{
	if (hotplug) {
		rf_hang_hotplug();
		return 0;
	}
	pr_emerg("hanging every core with interrupts off\n");
	preempt_disable();
	smp_call_function(rf_hang, NULL, 0);
	rf_hang(NULL);
	preempt_enable();
	pr_info("going on\n");
	return 0;
}
module_init(rf_hang_init);

static void __exit rf_hang_exit(void)
{
}
module_exit(rf_hang_exit);

MODULE_DESCRIPTION("rainforest test: hang a kernel");
MODULE_LICENSE("GPL");
