// SPDX-License-Identifier: GPL-2.0
/*
 * Memory reserved at boot for the pool: named by the parameter pool=, checked
 * against the kernel's command line and its resource tree, and claimed there for
 * as long as the module is loaded.
 */
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kernel/files.h"
#include "memory/internal.h"

static char *rf_pool_parameter;
module_param_named(pool, rf_pool_parameter, charp, 0444);
MODULE_PARM_DESC(pool, "SIZE@ADDRESS[,...]: ranges reserved at boot by memmap=SIZE$ADDRESS");

/* Ranges claimed in the resource tree at load, released at unload. */
static struct rf_range rf_claimed[RF_RANGES_MAX];
static u32 rf_nr_claimed;

/* Is the range inside one memmap=SIZE$START of the kernel command line? */
static bool rf_reserved_at_boot(char *cmdline, u64 start, u64 size)
{
	static const char option[] = "memmap=";
	char *at = cmdline;

	while ((at = strstr(at, option))) {
		at += sizeof(option) - 1;
		for (;;) {
			u64 length = memparse(at, &at), base;
			char kind = *at;

			base = *at ? memparse(at + 1, &at) : 0;
			if (kind == '$' && start >= base && size <= length &&
			    start - base <= length - size)
				return true;
			if (*at != ',')
				break;
			at++;
		}
	}
	return false;
}

/* It is large, and was nobody's: it is cleared when it is carved. */
static int rf_reserved_pool(u64 start, u64 size)
{
	const bool fill = rf_free_byte();

	if (fill && rf_fill(start, size, rf_free_byte()))
		return -ENOMEM;
	return rf_extents_add(start, size, memory_add_physaddr_to_nid(start), true,
			      fill ? RF_CONTENT_CLEAN : RF_CONTENT_BOOT);
}

static int rf_reserved_add(char *cmdline, u64 start, u64 size)
{
	if (!size || !IS_ALIGNED(start | size, RF_EXTENT_SIZE)) {
		pr_err("pool=: 0x%llx@0x%llx is not in steps of 2 MiB\n", size, start);
		return -EINVAL;
	}
	if (!rf_reserved_at_boot(cmdline, start, size) ||
	    region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
		    REGION_DISJOINT) {
		pr_err("pool=: 0x%llx@0x%llx was not reserved by memmap=SIZE$START at boot\n",
		       size, start);
		return -EINVAL;
	}
	if (rf_nr_claimed == RF_RANGES_MAX ||
	    !request_mem_region(start, size, "rainforest pool")) {
		pr_err("pool=: 0x%llx@0x%llx is used by somebody else\n", size, start);
		return -EBUSY;
	}
	rf_claimed[rf_nr_claimed++] = (struct rf_range){ start, size };
	return rf_reserved_pool(start, size);
}

int rf_reserved_init(void)
{
	char *cmdline, *at = rf_pool_parameter;
	int rc = 0;

	if (!at || !*at)
		return 0;
	cmdline = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!cmdline)
		return -ENOMEM;
	rf_file_read("/proc/cmdline", cmdline, PAGE_SIZE);
	mutex_lock(&rf_ledger_lock);
	while (!rc && *at) {
		u64 size = memparse(at, &at), start = 0;
		bool valid = *at == '@';

		if (valid)
			start = memparse(at + 1, &at);
		if (!valid || (*at && *at != ',')) {
			pr_err("pool=%s: expected SIZE@ADDRESS[,...]\n", rf_pool_parameter);
			rc = -EINVAL;
			break;
		}
		rc = rf_reserved_add(cmdline, start, size);
		if (*at)
			at++;
	}
	mutex_unlock(&rf_ledger_lock);
	kfree(cmdline);
	if (rc)
		rf_reserved_exit();
	return rc;
}

/* Nobody owns anything any more, and all blocks went back: only reserved memory is left. */
void rf_reserved_exit(void)
{
	rf_extents_exit();
	while (rf_nr_claimed--)
		release_mem_region(rf_claimed[rf_nr_claimed].start,
				   rf_claimed[rf_nr_claimed].size);
}
