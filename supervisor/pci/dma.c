// SPDX-License-Identifier: GPL-2.0
/*
 * What the functions of a subOS can reach by DMA, where an IOMMU translates. Each subOS that
 * has such functions has one domain, which identity-maps its memory and the arena, because
 * its kernel uses physical addresses for DMA; its low slice is not mapped, because Linux
 * uses nothing of the first megabyte for DMA. The domain is created with the first function
 * and freed with the last. It does not remap interrupts.
 *
 * Everything is mapped in steps of RF_EXTENT_SIZE, the unit in which memory changes hands:
 * with larger pages, a driver would have to unmap a whole page to take away a part of it.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat/iommu.h"
#include "pci/internal.h"
#include "wire/arena.h"

#define RF_DMA_PROT	(IOMMU_READ | IOMMU_WRITE | IOMMU_CACHE)

/* All domains, also those of subOSes under construction, which are not in rf_subos_list. */
LIST_HEAD(rf_dmas);

/* Ledger lock: what every domain maps besides its subOS's memory. Size 0: free slot. */
static struct rf_range rf_shared[RF_SEGMENTS_MAX_ARENA];

/**
 * rf_dma_translates() - is a function behind an IOMMU that can confine it?
 * @pdev: the function
 *
 * Context: Process context.
 */
bool rf_dma_translates(struct pci_dev *pdev)
{
	return iommu_get_domain_for_dev(&pdev->dev);
}

static bool rf_dma_mapped(const struct rf_dma *dma, u64 at)
{
	return iommu_iova_to_phys(dma->domain, at) == at;
}

/*
 * Skip what is not mapped: asked to unmap a hole, an IOMMU driver may unmap more than the
 * requested size. Each step's IOTLB flush is complete before this returns.
 */
static void rf_dma_clear(struct rf_dma *dma, u64 start, u64 size)
{
	u64 at;

	for (at = start; at < start + size; at += RF_EXTENT_SIZE)
		if (rf_dma_mapped(dma, at) &&
		    iommu_unmap(dma->domain, at, RF_EXTENT_SIZE) < RF_EXTENT_SIZE)
			pr_err("IOMMU: memory at 0x%llx is still mapped\n", at);
}

static int rf_dma_fill(struct rf_dma *dma, u64 start, u64 size)
{
	u64 at;
	int rc;

	for (at = start; at < start + size; at += RF_EXTENT_SIZE) {
		rc = rf_iommu_map(dma->domain, at, at, RF_EXTENT_SIZE, RF_DMA_PROT);
		if (rc) {
			rf_dma_clear(dma, start, at - start);
			return rc;
		}
	}
	return 0;
}

/* Does [start, start + size) overlap a region that the IOMMU or the firmware reserves? */
static bool rf_dma_reserved(struct rf_dma_group *group, u64 start, u64 size)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	bool reserved;

	reserved = iommu_get_group_resv_regions(group->group, &regions);	/* error: all */
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type != IOMMU_RESV_DIRECT_RELAXABLE &&
		    region->start < start + size && start < region->start + region->length)
			reserved = true;
		list_del(&region->list);
		kfree(region);
	}
	return reserved;
}

/* Map a range into a domain, unless one of its groups has reserved a part of it. */
static int rf_dma_extend(struct rf_dma *dma, u64 start, u64 size)
{
	struct rf_dma_group *group;

	list_for_each_entry(group, &dma->groups, node)
		if (rf_dma_reserved(group, start, size))
			return -EADDRNOTAVAIL;
	return rf_dma_fill(dma, start, size);
}

/* Map everything that the subOS may reach into its domain, which is still empty. */
int rf_dma_populate(struct rf_subos *subos)
{
	struct rf_range range = {};
	int rc = 0;
	u32 i;

	for (i = 0; !rc && i < ARRAY_SIZE(rf_shared); i++)
		if (rf_shared[i].size)
			rc = rf_dma_fill(subos->dma, rf_shared[i].start, rf_shared[i].size);
	while (!rc && rf_ledger_memory_next_range(&rf_books.memory, subos->id,
						  range.start + range.size, &range))
		rc = rf_dma_fill(subos->dma, range.start, range.size);
	return rc;
}

bool rf_dma_conflicts(struct rf_subos *subos, struct rf_dma_group *group)
{
	struct rf_range range = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rf_shared); i++)
		if (rf_shared[i].size &&
		    rf_dma_reserved(group, rf_shared[i].start, rf_shared[i].size))
			return true;
	while (rf_ledger_memory_next_range(&rf_books.memory, subos->id,
					   range.start + range.size, &range))
		if (rf_dma_reserved(group, range.start, range.size))
			return true;
	return false;
}

/**
 * rf_dma_map() - make memory that a subOS is about to get reachable for its functions
 * @subos: the subOS; its grant page does not list the memory yet
 * @start: physical address, a multiple of RF_EXTENT_SIZE
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or an error with nothing of the range mapped.
 */
int rf_dma_map(struct rf_subos *subos, u64 start, u64 size)
{
	lockdep_assert_held(&rf_ledger_lock);
	return subos->dma ? rf_dma_extend(subos->dma, start, size) : 0;
}

/**
 * rf_dma_unmap() - make memory unreachable for a subOS's functions
 * @subos: the subOS, which no longer owns the memory
 * @start: physical address, a multiple of RF_EXTENT_SIZE
 * @size: bytes, a multiple of RF_EXTENT_SIZE; the range need not be fully mapped
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_dma_unmap(struct rf_subos *subos, u64 start, u64 size)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (subos->dma)
		rf_dma_clear(subos->dma, start, size);
}

/* The slot of the shared range that starts at @start; 0: a free slot. NULL if none. */
static struct rf_range *rf_shared_slot(u64 start)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rf_shared); i++)
		if (rf_shared[i].start == start)
			return &rf_shared[i];
	return NULL;
}

static void rf_dma_unmap_all(u64 start, u64 size)
{
	struct rf_dma *dma;

	list_for_each_entry(dma, &rf_dmas, node)
		rf_dma_clear(dma, start, size);
}

/**
 * rf_dma_unshare() - make an arena segment unreachable for all functions
 * @start: as for rf_dma_share()
 * @size: as for rf_dma_share()
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_dma_unshare(u64 start, u64 size)
{
	struct rf_range *slot = rf_shared_slot(start);

	lockdep_assert_held(&rf_ledger_lock);
	if (slot)
		*slot = (struct rf_range){};
	rf_dma_unmap_all(start, size);
}

/**
 * rf_dma_share() - map an arena segment for the functions of all subOSes, now and later
 * @start: physical address, a multiple of RF_EXTENT_SIZE
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, -ENOSPC, or another error, with nothing of the segment mapped.
 */
int rf_dma_share(u64 start, u64 size)
{
	struct rf_range *slot = rf_shared_slot(0);
	struct rf_dma *dma;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!slot)
		return -ENOSPC;
	list_for_each_entry(dma, &rf_dmas, node) {
		rc = rf_dma_extend(dma, start, size);
		if (rc) {
			rf_dma_unmap_all(start, size);
			return rc;
		}
	}
	*slot = (struct rf_range){ start, size };
	return 0;
}
