// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: hangs the whole kernel it is loaded into, every core with
 * interrupts off.
 */
#include <linux/module.h>
#include <linux/smp.h>

static void rf_hang(void *unused)
{
	local_irq_disable();
	for (;;)
		cpu_relax();
}

static int __init rf_hang_init(void)
{
	pr_emerg("hanging every core with interrupts off\n");
	smp_call_function(rf_hang, NULL, 0);
	rf_hang(NULL);
	return 0;
}
module_init(rf_hang_init);

MODULE_DESCRIPTION("rainforest test: hang a kernel");
MODULE_LICENSE("GPL");
