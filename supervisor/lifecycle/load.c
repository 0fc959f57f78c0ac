// SPDX-License-Identifier: GPL-2.0
/*
 * User space's access to a partition: it loads the boot image and reads memory, never outside
 * the partition. The arguments of a start are checked, because a boot core that faults
 * right after the page-table switch would take the whole machine down.
 */
#include <linux/io.h>
#include <linux/pagemap.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/pgtable_types.h>

#include "kernel/overlap.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"

#define RF_BOUNCE	(1UL << 20)	/* copied at a time */

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

/* An image on its way into a partition. */
struct rf_loading {
	struct rf_subos *subos;
	u32 ticket;			/* the subOS's, when it began */
	void *window;			/* of the segment, or NULL; see rf_piece_store() */
};

/* Why nothing can be loaded now, or 0. */
static int rf_load_allowed(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_ledger_lock);
	return rf_phase_transition(rf_subos_phase(subos), RF_PHASE_LOADED)
		       ? 0
		       : rf_start_refusal(subos);
}

/*
 * Asked for each piece, for no lock is held between them: whoever was slow may meet a subOS that
 * is being loaded by somebody else, or that ran, gave memory away, and is to be loaded again.
 */
static int rf_load_goes_on(const struct rf_loading *loading)
{
	int rc = rf_load_allowed(loading->subos);

	if (!rc && loading->subos->load_ticket != loading->ticket)
		rc = -EBUSY;
	return rc;
}

static void rf_window_close(struct rf_loading *loading)
{
	memunmap(loading->window);
	loading->window = NULL;
}

/*
 * Copy what is there of the builder's pages. The segment stays mapped from piece to piece: each time
 * would take longer than the copy, for it ends with a flush of every core's translations.
 * Return: bytes that are still to be copied, for a page was not there; or an error.
 */
static ssize_t rf_piece_store(struct rf_loading *loading, const struct rf_segment *segment,
			      u64 done, size_t length)
{
	const u64 offset = offset_in_page(segment->phys);
	ssize_t rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_load_goes_on(loading);
	if (!rc && !rf_ledger_memory_holds(&rf_books.memory, loading->subos->id, segment->phys,
					   segment->bufsz))
		rc = -EBUSY;
	if (!rc && !loading->window)
		loading->window = memremap(segment->phys - offset,
					   PAGE_ALIGN(offset + segment->bufsz), MEMREMAP_WB);
	if (!rc && !loading->window)
		rc = -ENOMEM;
	if (!rc) {
		pagefault_disable();
		rc = __copy_from_user_inatomic(loading->window + offset + done,
					       u64_to_user_ptr(segment->buf + done), length);
		pagefault_enable();
	}
	/* Nobody waits for a page with memory mapped that may get another owner meanwhile. */
	if (rc || done + length == segment->bufsz)
		rf_window_close(loading);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* No lock is held while the pages of the builder are awaited, which may take their time. */
static int rf_segment_copy(struct rf_loading *loading, const struct rf_segment *segment)
{
	const void __user *from = u64_to_user_ptr(segment->buf);
	ssize_t left;
	u64 done, length;

	if (!access_ok(from, segment->bufsz))
		return -EFAULT;
	for (done = 0; done < segment->bufsz; done += length - left) {
		length = min_t(u64, segment->bufsz - done, RF_BOUNCE);
		left = rf_piece_store(loading, segment, done, length);
		if (left < 0)
			return left;
		if (left && fault_in_readable(from + done + length - left, left) == left)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int rf_segment_load(struct rf_loading *loading, const struct rf_segment *segment)
{
	int rc = rf_segment_copy(loading, segment);

	rf_window_close(loading);
	return rc;
}

static int rf_load_check(struct rf_loading *loading, const struct rf_segment *segments, u32 count,
			 u32 *culprit)
{
	u32 i;
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_load_allowed(loading->subos) ?: rf_step("load");
	for (i = 0; !rc && i < count; i++)
		if (!rf_segment_valid(loading->subos, segments, i)) {
			*culprit = i;
			rc = -ERANGE;
		}
	if (!rc)
		loading->ticket = ++loading->subos->load_ticket;
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* The image is complete. */
static int rf_load_done(const struct rf_loading *loading)
{
	struct rf_subos *subos = loading->subos;
	unsigned long flags;
	int rc;

	mutex_lock(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_load_goes_on(loading);
	if (!rc) {
		subos->moments[RF_MOMENT_LOADED] = ktime_get_ns();
		subos->kernel_id = RF_KERNEL_NONE;	/* of the last start, if there was one */
		rf_subos_enter(subos, RF_PHASE_LOADED, RF_CAUSE_NONE);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/**
 * rf_subos_load() - copy the boot image into the partition
 * @subos: in phase DEFINED; -ENOENT if its destruction has begun, or begins meanwhile
 * @segments: kernel copy of the list
 * @count: how many
 * @culprit: the offending segment on -ERANGE
 *
 * Context: Process context. Takes the ledger lock, but not for as long as it takes.
 * Return: 0, or an error as documented for RF_IOC_LOAD.
 */
int rf_subos_load(struct rf_subos *subos, const struct rf_segment *segments, u32 count,
		  u32 *culprit)
{
	struct rf_loading loading = { .subos = subos };
	u32 i;
	int rc;

	rc = rf_load_check(&loading, segments, count, culprit);
	for (i = 0; !rc && i < count; i++)
		rc = rf_segment_load(&loading, &segments[i]);
	if (!rc)
		rc = rf_load_done(&loading);
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

/* Copy what the subOS owns there. Return: bytes, as far as the hardware could read them. */
static ssize_t rf_partition_copy(struct rf_subos *subos, void *to, size_t len, u64 phys)
{
	u64 offset = offset_in_page(phys);
	unsigned long flags, left;
	void *window;
	bool owned;

	lockdep_assert_held_read(&subos->memory_sem);
	if (!subos->boot_area)
		return -ENOENT;
	spin_lock_irqsave(&rf_state_lock, flags);
	owned = rf_ledger_memory_holds(&rf_books.memory, subos->id, phys, len);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!owned)
		return -EFAULT;
	window = memremap(phys - offset, PAGE_ALIGN(offset + len), MEMREMAP_WB);
	if (!window)
		return -ENOMEM;
	/* A bad page may be why that kernel died: ours survives it where the processor can. */
	left = copy_mc_to_kernel(to, window + offset, len);
	memunmap(window);
	return left == len ? -EIO : len - left;
}

/**
 * rf_subos_read() - read a partition's memory from outside
 * @subos: the subOS
 * @buf: user buffer
 * @len: bytes
 * @phys: physical address
 *
 * Context: Process context. The reader's buffer, whose pages may take their time to come, is
 *	    written without any lock.
 * Return: bytes read (at most RF_BOUNCE), -EFAULT outside the partition, -EIO if the hardware
 *	   cannot read it, -EPERM under kernel lockdown, -ENOENT if destroyed, -ENOMEM.
 */
ssize_t rf_subos_read(struct rf_subos *subos, char __user *buf, size_t len, u64 phys)
{
	void *bounce;
	ssize_t rc;

	rc = security_locked_down(LOCKDOWN_KCORE);
	if (rc || !len)
		return rc;
	len = min_t(size_t, len, RF_BOUNCE);
	bounce = kvmalloc(len, GFP_KERNEL);
	if (!bounce)
		return -ENOMEM;
	down_read(&subos->memory_sem);
	rc = rf_partition_copy(subos, bounce, len, phys);
	up_read(&subos->memory_sem);
	if (rc > 0 && copy_to_user(buf, bounce, rc))
		rc = -EFAULT;
	kvfree(bounce);
	return rc;
}
