// SPDX-License-Identifier: GPL-2.0
/*
 * Low memory (below 640 KiB): one slice for the common trampoline, one for each
 * subOS, so that a stock kernel can start its own cores.
 *
 * Linux reserves the whole first megabyte at boot (reserve_real_mode()) and
 * uses only part of it, for its real-mode code, whose address differs from boot
 * to boot. So a slice is usable if it is System RAM, every page of it is still
 * reserved, and the real-mode code is not in it. That code is recognised by its
 * header, which holds two addresses within the code itself
 * (arch/x86/realmode/rm/header.S), and by the signature at its end.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "kernel/files.h"
#include "cores/internal.h"

#define RF_LOW_START		SZ_64K		/* the kernel never uses RAM below this */
#define RF_LOW_END		0xa0000
#define RF_LOW_SLICES		((RF_LOW_END - RF_LOW_START) / RF_LOW_SLICE_SIZE)
#define RF_REALMODE_MAX		SZ_64K
#define RF_REALMODE_SIGNATURE	0x65a22c82	/* REALMODE_END_SIGNATURE */

static_assert(RF_LOW_SLICES <= RF_SLICES_MAX);

static u64 rf_low_address(int slice)
{
	return RF_LOW_START + (u64)slice * RF_LOW_SLICE_SIZE;
}

/* Length of the real-mode code that begins in page @page, or 0. */
static u64 rf_realmode_length(u64 page)
{
	const u32 *header = __va(page);
	u64 limit = min_t(u64, page + RF_REALMODE_MAX, RF_LOW_END);
	u32 text_start = header[0], ro_end = header[1];
	u64 at;

	if (text_start <= page || text_start >= limit || !IS_ALIGNED(text_start, PAGE_SIZE) ||
	    ro_end <= text_start || ro_end >= limit)
		return 0;
	for (at = ALIGN(ro_end, 4); at < limit; at += 4)
		if (*(const u32 *)__va(at) == RF_REALMODE_SIGNATURE)
			return PAGE_ALIGN(at + 4) - page;
	return 0;
}

static void rf_low_exclude(u64 start, u64 end)
{
	int i;

	for (i = 0; i < RF_LOW_SLICES; i++)
		if (rf_low_address(i) < end && rf_low_address(i) + RF_LOW_SLICE_SIZE > start)
			rf_expect(rf_ledger_slice_set_usable(&rf_books.slices, i, false));
}

/* Mark the slices that lie in System RAM as usable. */
static int rf_low_ram(const struct rf_iomem *entry, void *arg)
{
	int i;

	if (entry->depth || entry->start >= RF_LOW_END || strcmp(entry->name, "System RAM"))
		return 0;
	for (i = 0; i < RF_LOW_SLICES; i++)
		if (rf_low_address(i) >= entry->start &&
		    rf_low_address(i) + RF_LOW_SLICE_SIZE - 1 <= entry->end)
			rf_expect(rf_ledger_slice_set_usable(&rf_books.slices, i, true));
	return 0;
}

/* Find the slices that are usable. */
static int rf_low_find(void)
{
	bool found = false;
	u64 page, length;
	int rc;

	rf_ledger_slice_init(&rf_books.slices, RF_LOW_SLICES);
	rc = rf_iomem_walk(rf_low_ram, NULL);
	if (rc) {
		pr_err("cannot read /proc/iomem: error %d\n", rc);
		return rc;
	}
	for (page = RF_LOW_START; page < RF_LOW_END; page += PAGE_SIZE) {
		if (!PageReserved(pfn_to_page(PHYS_PFN(page)))) {
			rf_low_exclude(page, page + PAGE_SIZE);
			continue;
		}
		length = rf_realmode_length(page);
		if (length) {
			rf_low_exclude(page, page + length);
			found = true;
		}
	}
	if (!found) {
		pr_err("cannot find the kernel's real-mode code in low memory; no slice of it is known to be free\n");
		return -EOPNOTSUPP;
	}
	return 0;
}

int rf_lowmem_init(void)
{
	u64 trampoline;
	int rc;

	rc = rf_low_find();
	if (rc)
		return rc;
	mutex_lock(&rf_ledger_lock);
	trampoline = rf_lowmem_alloc(RF_OWNER_TRAMPOLINE);
	mutex_unlock(&rf_ledger_lock);
	if (!trampoline) {
		pr_err("no free low memory for the trampoline\n");
		return -ENOSPC;
	}
	return 0;
}

void rf_lowmem_exit(void)
{
	mutex_lock(&rf_ledger_lock);
	rf_lowmem_free(RF_OWNER_TRAMPOLINE);
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_lowmem_of() - get the address of an owner's slice
 * @owner: id of the subOS, or RF_OWNER_TRAMPOLINE
 *
 * Context: Ledger lock or state lock held.
 * Return: physical address of RF_LOW_SLICE_SIZE bytes, or 0 if @owner has no slice.
 */
u64 rf_lowmem_of(u32 owner)
{
	int slice;

	rf_assert_readable();
	slice = rf_ledger_slice_of(&rf_books.slices, owner);
	return slice < 0 ? 0 : rf_low_address(slice);
}

/**
 * rf_lowmem_alloc() - take a slice
 * @owner: id of the subOS, or RF_OWNER_TRAMPOLINE; it has no slice yet
 *
 * Context: Ledger lock held.
 * Return: physical address of RF_LOW_SLICE_SIZE cleared bytes, or 0 if none is left.
 */
u64 rf_lowmem_alloc(u32 owner)
{
	unsigned long flags;
	int slice;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	slice = rf_ledger_slice_take(&rf_books.slices, owner);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (slice < 0) {
		rf_expect(slice != -ENOSPC);
		return 0;
	}
	memset(__va(rf_low_address(slice)), 0, RF_LOW_SLICE_SIZE);
	return rf_low_address(slice);
}

/**
 * rf_lowmem_free() - clear the slice of an owner and give it back
 * @owner: as for rf_lowmem_alloc()
 *
 * Idempotent.
 *
 * Context: Ledger lock held.
 */
void rf_lowmem_free(u32 owner)
{
	int slice = rf_ledger_slice_of(&rf_books.slices, owner);
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	if (slice < 0)
		return;
	memset(__va(rf_low_address(slice)), 0, RF_LOW_SLICE_SIZE);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_expect(rf_ledger_slice_free(&rf_books.slices, slice, owner));
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* Slices for subOSes, in all and free. Context: ledger lock or state lock held. */
void rf_lowmem_figures(u32 *total, u32 *free)
{
	rf_assert_readable();
	rf_ledger_slice_figures(&rf_books.slices, total, free);
}
