// SPDX-License-Identifier: GPL-2.0
/*
 * User space's access to a partition: it loads the boot image and reads memory, never outside
 * the partition. The arguments of a start are checked, because a boot core that faults
 * right after the page-table switch would take the whole machine down.
 */
#include <linux/io.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/pgtable_types.h>

#include "kernel/overlap.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"

#define RF_WINDOW	(16UL << 20)	/* mapped at a time */

/* Pages of the boot area that user space must not write. */
static const u32 rf_kept[] = { RF_MAILBOX_OFF, RF_TRAMPOLINE_OFF, RF_GRANT_OFF };

static bool rf_segment_valid(struct rf_subos *subos, const struct rf_segment *segments,
			     u32 index)
{
	const struct rf_segment *segment = &segments[index];
	u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);
	u32 i;

	if (!segment->memsz || segment->bufsz > segment->memsz ||
	    !rf_ledger_memory_holds(&rf_books.memory, subos->id, segment->phys, segment->memsz))
		return false;
	for (i = 0; i < ARRAY_SIZE(rf_kept); i++)
		if (rf_overlap(segment->phys, segment->memsz, boot + rf_kept[i], PAGE_SIZE))
			return false;
	for (i = 0; i < index; i++)
		if (rf_overlap(segment->phys, segment->memsz, segments[i].phys,
			       segments[i].memsz))
			return false;
	return true;
}

static int rf_segment_copy(const struct rf_segment *segment)
{
	u64 done, length;

	for (done = 0; done < segment->bufsz; done += length) {
		u64 at = segment->phys + done;
		u64 offset = offset_in_page(at);
		void *window;
		unsigned long left;

		length = min_t(u64, segment->bufsz - done, RF_WINDOW - offset);
		window = memremap(at - offset, PAGE_ALIGN(offset + length), MEMREMAP_WB);
		if (!window)
			return -ENOMEM;
		left = copy_from_user(window + offset, u64_to_user_ptr(segment->buf + done),
				      length);
		memunmap(window);
		if (left)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The image is complete. Return: 0; -EBUSY: the subOS's destruction has begun meanwhile. */
static int rf_load_done(struct rf_subos *subos)
{
	unsigned long flags;
	int rc = -EBUSY;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (rf_phase_transition(subos->life.phase, RF_PHASE_LOADED)) {
		subos->moments[RF_MOMENT_LOADED] = ktime_get_ns();
		subos->kernel_id = RF_KERNEL_NONE;	/* of the last start, if there was one */
		rf_subos_enter(subos, RF_PHASE_LOADED, RF_CAUSE_NONE);
		rc = 0;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/**
 * rf_subos_load() - copy the boot image into the partition
 * @subos: in phase DEFINED; -EBUSY if its destruction begins meanwhile
 * @segments: kernel copy of the list
 * @count: how many
 * @culprit: the offending segment on -ERANGE
 *
 * Context: Process context. Takes the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_LOAD.
 */
int rf_subos_load(struct rf_subos *subos, const struct rf_segment *segments, u32 count,
		  u32 *culprit)
{
	u32 i;
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_phase_transition(rf_subos_phase(subos), RF_PHASE_LOADED) ? rf_step("load")
									  : -EBUSY;
	for (i = 0; !rc && i < count; i++)
		if (!rf_segment_valid(subos, segments, i)) {
			*culprit = i;
			rc = -ERANGE;
		}
	for (i = 0; !rc && i < count; i++)
		rc = rf_segment_copy(&segments[i]);
	if (!rc)
		rc = rf_load_done(subos);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* Does the page table at @table (physical, in the boot area) map @address to itself? */
static bool rf_maps_identity(const struct rf_subos *subos, u64 table, int levels, u64 address)
{
	const u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);
	int level;

	for (level = levels; level > 0; level--) {
		int shift = PAGE_SHIFT + 9 * (level - 1);
		u64 size = 1ULL << shift, entry;

		if (table < boot + RF_PAGE_TABLES_OFF || !IS_ALIGNED(table, PAGE_SIZE) ||
		    table + PAGE_SIZE > boot + RF_PAGE_TABLES_OFF + RF_PAGE_TABLES_SIZE)
			return false;
		entry = READ_ONCE(*(u64 *)(subos->boot_area + (table - boot) +
					   ((address >> shift) & 511) * sizeof(entry)));
		if (!(entry & _PAGE_PRESENT))
			return false;
		table = entry & PTE_PFN_MASK;
		if (level == 1 || (level <= 3 && (entry & _PAGE_PSE)))
			return ALIGN_DOWN(table, size) == ALIGN_DOWN(address, size);
	}
	return false;
}

/* As the processor says: our own kernel may have been told not to use it (no5lvl). */
static bool rf_has_la57(void)
{
	return cpuid_eax(0) >= 7 && cpuid_ecx(7) & BIT(X86_FEATURE_LA57 % 32);
}

/**
 * rf_subos_check_start() - can the boot core enter the kernel with these arguments?
 * @subos: loaded
 * @args: see RF_IOC_START
 *
 * Context: Ledger lock held.
 * Return: 0, -ERANGE, -EOPNOTSUPP, -EINVAL.
 */
int rf_subos_check_start(struct rf_subos *subos, const struct rf_start *args)
{
	const u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);
	int levels = args->flags & RF_START_LA57 ? 5 : 4;

	lockdep_assert_held(&rf_ledger_lock);
	if (args->flags & ~RF_START_LA57)
		return -EINVAL;
	if (levels == 5 && !rf_has_la57())
		return -EOPNOTSUPP;
	if (!rf_ledger_memory_holds(&rf_books.memory, subos->id, args->entry, 1) || boot >= 1ULL << 47 ||
	    args->boot_params != boot + RF_BOOT_PARAMS_OFF ||
	    !rf_maps_identity(subos, args->page_table, levels, args->entry) ||
	    !rf_maps_identity(subos, args->page_table, levels, boot + RF_TRAMPOLINE_OFF) ||
	    !rf_maps_identity(subos, args->page_table, levels, boot + RF_MAILBOX_OFF) ||
	    !rf_maps_identity(subos, args->page_table, levels, args->boot_params))
		return -ERANGE;
	return 0;
}

/**
 * rf_subos_read() - read a partition's memory from outside
 * @subos: the subOS
 * @buf: user buffer
 * @len: bytes
 * @phys: physical address
 *
 * Context: Process context.
 * Return: bytes read (at most one window), -EFAULT outside the partition, -EPERM
 *         under kernel lockdown, -ENOENT if destroyed.
 */
ssize_t rf_subos_read(struct rf_subos *subos, char __user *buf, size_t len, u64 phys)
{
	u64 offset = offset_in_page(phys);
	unsigned long flags;
	void *window;
	bool owned;
	ssize_t rc;

	rc = security_locked_down(LOCKDOWN_KCORE);
	if (rc)
		return rc;
	len = min_t(size_t, len, RF_WINDOW - offset);
	down_read(&subos->memory_sem);
	spin_lock_irqsave(&rf_state_lock, flags);
	owned = rf_ledger_memory_holds(&rf_books.memory, subos->id, phys, len);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!subos->boot_area) {
		rc = -ENOENT;
	} else if (!owned) {
		rc = -EFAULT;
	} else {
		window = memremap(phys - offset, PAGE_ALIGN(offset + len), MEMREMAP_WB);
		rc = window ? len : -ENOMEM;
		if (window && copy_to_user(buf, window + offset, len))
			rc = -EFAULT;
		if (window)
			memunmap(window);
	}
	up_read(&subos->memory_sem);
	return rc;
}
