// SPDX-License-Identifier: GPL-2.0
/*
 * The arena's segments, mapped write-back with struct pages, so that what lies in
 * them can be used like any memory of this kernel: network fragments, user mappings.
 */
#include <linux/export.h>
#include <linux/ioport.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "kernel/page_tables.h"
#include "rf_ficm.h"

struct rf_mapping {
	struct dev_pagemap pagemap;
	struct rf_arena_segment segment;
};

/* Guarded by the member lock. */
static struct rf_mapping *rf_mappings[RF_SEGMENTS_MAX_ARENA];

/* Where segments are mapped, or NULL. Readers that do not hold the member lock are in RCU. */
static void *rf_addresses[RF_SEGMENTS_MAX_ARENA];

/**
 * rf_ficm_segment() - kernel address of a segment
 * @segment: its number; a home segment has that of its member
 *
 * Context: Any. The address is valid as long as the segment stands in the grant: only the
 *	writer of the grant may use it outside of rcu_read_lock().
 * Return: NULL if there is none.
 */
void *rf_ficm_segment(u32 segment)
{
	return segment < RF_SEGMENTS_MAX_ARENA ? READ_ONCE(rf_addresses[segment]) : NULL;
}
EXPORT_SYMBOL_GPL(rf_ficm_segment);

static int rf_arena_map(u32 number, const struct rf_arena_segment *segment)
{
	struct rf_mapping *mapping;
	void *address;
	int rc;

	lockdep_assert_held(&rf_member_lock);
	/* memremap_pages() would refuse this with a warning. */
	if (region_intersects(segment->start, segment->size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT)
		return -EBUSY;
	rc = rf_page_tables_possible(segment->size);
	if (rc)
		return rc;
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->segment = *segment;
	mapping->pagemap.type = MEMORY_DEVICE_GENERIC;
	mapping->pagemap.range.start = segment->start;
	mapping->pagemap.range.end = segment->start + segment->size - 1;
	mapping->pagemap.nr_range = 1;
	address = memremap_pages(&mapping->pagemap, NUMA_NO_NODE);
	if (IS_ERR(address)) {
		kfree(mapping);
		return PTR_ERR(address);
	}
	rf_mappings[number] = mapping;
	WRITE_ONCE(rf_addresses[number], address);
	return 0;
}

/**
 * rf_arena_apply() - map exactly these segments
 * @wanted: RF_SEGMENTS_MAX_ARENA segments by number; checked, without overlaps
 *
 * Unmaps first: a range may come back under another number.
 *
 * Context: Process context, member lock.
 * Return: 0, or the error of the first segment that could not be mapped; the others are.
 */
int rf_arena_apply(const struct rf_arena_segment *wanted)
{
	struct rf_mapping *gone[RF_SEGMENTS_MAX_ARENA] = {};
	bool any = false;
	int rc = 0;
	u32 i;

	lockdep_assert_held(&rf_member_lock);
	for (i = 0; i < RF_SEGMENTS_MAX_ARENA; i++) {
		if (!rf_mappings[i] ||
		    (wanted[i].size == rf_mappings[i]->segment.size &&
		     wanted[i].start == rf_mappings[i]->segment.start))
			continue;
		gone[i] = rf_mappings[i];
		rf_mappings[i] = NULL;
		WRITE_ONCE(rf_addresses[i], NULL);
		any = true;
	}
	if (any)
		synchronize_rcu();
	for (i = 0; i < RF_SEGMENTS_MAX_ARENA; i++) {
		if (!gone[i])
			continue;
		memunmap_pages(&gone[i]->pagemap);
		kfree(gone[i]);
	}
	for (i = 0; i < RF_SEGMENTS_MAX_ARENA; i++) {
		int error;

		if (rf_mappings[i] || !wanted[i].size)
			continue;
		error = rf_arena_map(i, &wanted[i]);
		if (error) {
			pr_warn_ratelimited("cannot map segment %u at 0x%llx: error %d\n", i,
					    wanted[i].start, error);
			rc = rc ?: error;
		}
	}
	return rc;
}

/**
 * rf_arena_unmap() - unmap all segments
 *
 * Context: Process context, member lock.
 */
void rf_arena_unmap(void)
{
	static const struct rf_arena_segment none[RF_SEGMENTS_MAX_ARENA];

	rf_arena_apply(none);
}
