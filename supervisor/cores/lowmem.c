// SPDX-License-Identifier: GPL-2.0
/*
 * Low memory (below 640 KiB): one slice for the common trampoline, one for each
 * subOS, so that a stock kernel can start its own cores.
 *
 * Linux reserves the whole first megabyte at boot (reserve_real_mode()) and
 * uses of it only its real-mode code, whose place differs from boot to boot. So
 * a slice is usable if it is System RAM, every page of it is still reserved,
 * and the real-mode code is not in it. That code is found by what it looks
 * like: its header holds two addresses within itself
 * (arch/x86/realmode/rm/header.S), and it ends in a signature.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "kernel/files.h"
#include "cores/internal.h"

#define RF_LOW_START		SZ_64K		/* below that the kernel never uses RAM */
#define RF_LOW_END		0xa0000
#define RF_LOW_SLICES		((RF_LOW_END - RF_LOW_START) / RF_LOW_SLICE_SIZE)
#define RF_REALMODE_MAX		SZ_64K
#define RF_REALMODE_SIGNATURE	0x65a22c82	/* REALMODE_END_SIGNATURE */

#define RF_LOW_UNUSABLE		U32_MAX		/* owners in the ledger of slices */
#define RF_LOW_TRAMPOLINE	(U32_MAX - 1)

static u32 rf_low_owner[RF_LOW_SLICES];	/* ledger lock */
static u64 rf_low_trampoline;

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
			rf_low_owner[i] = RF_LOW_UNUSABLE;
}

/* Make usable what lies in System RAM. */
static int rf_low_ram(const struct rf_iomem *entry, void *arg)
{
	int i;

	if (entry->depth || entry->start >= RF_LOW_END || strcmp(entry->name, "System RAM"))
		return 0;
	for (i = 0; i < RF_LOW_SLICES; i++)
		if (rf_low_address(i) >= entry->start &&
		    rf_low_address(i) + RF_LOW_SLICE_SIZE - 1 <= entry->end)
			rf_low_owner[i] = RF_OWNER_SUPERVISOR;
	return 0;
}

int rf_lowmem_init(void)
{
	bool found = false;
	u64 page, length;
	int i, rc;

	for (i = 0; i < RF_LOW_SLICES; i++)
		rf_low_owner[i] = RF_LOW_UNUSABLE;
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
	rf_low_trampoline = rf_lowmem_alloc(RF_LOW_TRAMPOLINE);
	if (!rf_low_trampoline) {
		pr_err("no free low memory for the trampoline\n");
		return -ENOSPC;
	}
	return 0;
}

void rf_lowmem_exit(void)
{
	if (rf_low_trampoline)
		rf_lowmem_free(rf_low_trampoline);
	rf_low_trampoline = 0;
}

/* Physical address of the common trampoline. */
u64 rf_lowmem_trampoline(void)
{
	return rf_low_trampoline;
}

/**
 * rf_lowmem_alloc() - take a slice
 * @owner: id of the subOS
 *
 * Context: Ledger lock held (or module init).
 * Return: physical address of RF_LOW_SLICE_SIZE cleared bytes, or 0.
 */
u64 rf_lowmem_alloc(u32 owner)
{
	int i;

	for (i = 0; i < RF_LOW_SLICES; i++) {
		if (rf_low_owner[i] != RF_OWNER_SUPERVISOR)
			continue;
		rf_low_owner[i] = owner;
		memset(__va(rf_low_address(i)), 0, RF_LOW_SLICE_SIZE);
		return rf_low_address(i);
	}
	return 0;
}

/* Clear and give back what rf_lowmem_alloc() returned. Context: as there. */
void rf_lowmem_free(u64 slice)
{
	memset(__va(slice), 0, RF_LOW_SLICE_SIZE);
	rf_low_owner[(slice - RF_LOW_START) / RF_LOW_SLICE_SIZE] = RF_OWNER_SUPERVISOR;
}

/* Slices for subOSes, in all and free. Context: ledger lock held. */
void rf_lowmem_figures(u32 *total, u32 *free)
{
	int i;

	*total = *free = 0;
	for (i = 0; i < RF_LOW_SLICES; i++) {
		if (rf_low_owner[i] == RF_LOW_UNUSABLE || rf_low_owner[i] == RF_LOW_TRAMPOLINE)
			continue;
		(*total)++;
		*free += rf_low_owner[i] == RF_OWNER_SUPERVISOR;
	}
}

/* Owners by slice, for the ledger's copy. Context: ledger lock held. */
void rf_lowmem_ledger(struct rf_ledger *ledger)
{
	int i;

	static_assert(RF_LOW_SLICES <= ARRAY_SIZE(ledger->low_owner));
	for (i = 0; i < RF_LOW_SLICES; i++)
		if (rf_low_owner[i] != RF_LOW_UNUSABLE && rf_low_owner[i] != RF_LOW_TRAMPOLINE)
			ledger->low_owner[i] = rf_low_owner[i];
}
