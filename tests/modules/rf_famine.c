// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: while function `during` runs, the first time from now on, this kernel has no free
 * memory at all. `met` then counts how often it did.
 */
#include <linux/gfp.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>

static char *during;
module_param(during, charp, 0);
MODULE_PARM_DESC(during, "function of the kernel or a module");

static unsigned int met;
module_param(met, uint, 0444);
MODULE_PARM_DESC(met, "how often it ran without memory");

/* Free pages, linked through their own first words. */
static void *rf_eaten;

static int rf_famine_begin(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	void **page;

	if (met++)
		return 1;
	/* Down to the last one, of the reserves as well. */
	while ((page = (void **)__get_free_page(GFP_ATOMIC | __GFP_MEMALLOC | __GFP_NOWARN))) {
		*page = rf_eaten;
		rf_eaten = page;
	}
	return 0;
}

static int rf_famine_end(struct kretprobe_instance *instance, struct pt_regs *regs)
{
	void **page;

	while ((page = rf_eaten)) {
		rf_eaten = *page;
		free_page((unsigned long)page);
	}
	return 0;
}

static struct kretprobe rf_famine = {
	.entry_handler = rf_famine_begin,
	.handler = rf_famine_end,
	.maxactive = 1,
};

static int __init rf_famine_init(void)
{
	rf_famine.kp.symbol_name = during;
	return register_kretprobe(&rf_famine);
}
module_init(rf_famine_init);

static void __exit rf_famine_exit(void)
{
	unregister_kretprobe(&rf_famine);
}
module_exit(rf_famine_exit);

MODULE_DESCRIPTION("rainforest test: a kernel without free memory");
MODULE_LICENSE("GPL");
