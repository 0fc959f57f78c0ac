/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cores and memory in and out of this kernel. Hotplug waits for RCU grace periods, the
 * first time to lock the readers out, and one is several ticks long. Nobody else is in
 * need of them, so they are expedited: that costs each core of this kernel an interrupt.
 *
 * Context of all: process context, may sleep.
 */
#ifndef RF_KERNEL_HOTPLUG_H
#define RF_KERNEL_HOTPLUG_H

#include <linux/align.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/jiffies.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>
#include <linux/set_memory.h>
#include <linux/types.h>

#include "compat/rcu.h"
#include "kernel/page_tables.h"

/*
 * While the driver of a PCI function is being bound, cores can neither come nor go: the kernel
 * switches that off (pci_call_probe()). It says -EBUSY, as it does of what stays so.
 */
#define RF_HOTPLUG_TRIES	50
#define RF_HOTPLUG_RETRY_MS	10

static inline int rf_hotplug_cpu(int (*change)(unsigned int cpu), unsigned int cpu, int tries)
{
	int rc;

	for (;;) {
		rcu_expedite_gp();
		rc = change(cpu);
		rcu_unexpedite_gp();
		if (rc != -EBUSY || --tries <= 0 || fatal_signal_pending(current))
			return rc;
		msleep(RF_HOTPLUG_RETRY_MS);
	}
}

/* For one of many cores. Who comes soon after somebody who waited in vain does not wait again. */
static inline int rf_hotplug_one_of_many(int (*change)(unsigned int cpu), unsigned int cpu)
{
	static unsigned long given_up = INITIAL_JIFFIES - 10 * HZ;	/* in jiffies */
	bool patient = time_after(jiffies, READ_ONCE(given_up) + 5 * HZ);
	int rc = rf_hotplug_cpu(change, cpu, patient ? RF_HOTPLUG_TRIES : 1);

	if (rc == -EBUSY)
		WRITE_ONCE(given_up, jiffies);
	return rc;
}

/* add_cpu() */
static inline int rf_hotplug_add_cpu(unsigned int cpu)
{
	return rf_hotplug_one_of_many(add_cpu, cpu);
}

/* remove_cpu() */
static inline int rf_hotplug_remove_cpu(unsigned int cpu)
{
	return rf_hotplug_one_of_many(remove_cpu, cpu);
}

/* add_memory(); the new resource is joined with its neighbours. */
static inline int rf_hotplug_add_memory(int node, u64 start, u64 size)
{
	int rc = rf_page_tables_possible(size);

	if (rc)
		return rc;
	rcu_expedite_gp();
	rc = add_memory(node, start, size, MHP_MERGE_RESOURCE);
	rcu_unexpedite_gp();
	return rc;
}

/*
 * Hot-remove cannot take less than 1 GiB out of a 1 GiB page of the direct map (it
 * mistakes the entry for a table). A change of attributes splits it. To repeat it is
 * harmless.
 */
static inline int rf_hotplug_split(u64 start, u64 size)
{
	u64 address, end = start + size;
	unsigned int level;
	int rc;

	for (address = start; address < end; address = ALIGN_DOWN(address, PUD_SIZE) + PUD_SIZE) {
		unsigned long virt = (unsigned long)__va(address);

		if (!lookup_address(virt, &level) || level != PG_LEVEL_1G)
			continue;
		if (IS_ALIGNED(address, PUD_SIZE) && address + PUD_SIZE <= end)
			continue;
		rc = set_memory_uc(virt, 1);
		if (!rc)
			rc = set_memory_wb(virt, 1);
		if (rc)
			return rc;
	}
	return 0;
}

/* Has the hardware reported a page there as bad? */
static inline bool rf_hotplug_has_poison(u64 start, u64 size)
{
	unsigned long pfn, end = PHYS_PFN(start + size), section;
	struct page *page;

	for (section = PHYS_PFN(start); section < end; section += PAGES_PER_SECTION) {
		cond_resched();
		page = pfn_to_online_page(section);
		for (pfn = section; page && pfn < min(end, section + PAGES_PER_SECTION); pfn++)
			if (PageHWPoison(page + (pfn - section)))
				return true;
	}
	return false;
}

/*
 * Is I/O to or from this page under way? Hot-remove would wait for its end, and listen to no signal.
 * Only a look: a page that is locked may be unlocked at once. The head speaks for its tail pages, of
 * which newer kernels use the bits for other things (6.6: an order).
 */
static inline bool rf_hotplug_page_busy(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	if (!page || READ_ONCE(page->compound_head) & 1)
		return false;
	return test_bit(PG_locked, &page->flags) || test_bit(PG_writeback, &page->flags);
}

/* The first such page in a range, or 0. */
static inline unsigned long rf_hotplug_busy_page(u64 start, u64 size)
{
	unsigned long pfn, end = PHYS_PFN(start + size);

	for (pfn = PHYS_PFN(start); pfn < end; pfn++) {
		if (!(pfn % PAGES_PER_SECTION))
			cond_resched();
		if (rf_hotplug_page_busy(pfn))
			return pfn;
	}
	return 0;
}

/**
 * rf_hotplug_remove_memory() - offline_and_remove_memory()
 * @start: physical address, of memory that this kernel has
 * @size: bytes, in whole memory blocks
 *
 * Tries for ever as long as pages are busy, or until a signal is pending; and waits for pages and
 * buffers whose I/O is under way without listening to one. PF_MEMALLOC would spare it some of
 * these waits, but not those for writeback and buffers, and let it use up the kernel's last
 * reserves, without reclaim. A page that is known to be bad stays with the kernel that knows it:
 * its next owner would run into it.
 *
 * Return: 0; -EHWPOISON; or another negative error: then the range is as it was.
 */
static inline int rf_hotplug_remove_memory(u64 start, u64 size)
{
	int rc;

	if (rf_hotplug_has_poison(start, size))
		return -EHWPOISON;
	rc = rf_hotplug_split(start, size);
	if (rc)
		return rc;
	rcu_expedite_gp();
	rc = offline_and_remove_memory(start, size);
	rcu_unexpedite_gp();
	/* Never trust a success alone: it is also what an absent range gives. */
	if (!rc && region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
			   REGION_DISJOINT)
		rc = -EBUSY;
	return rc;
}

#endif /* RF_KERNEL_HOTPLUG_H */
