/* SPDX-License-Identifier: GPL-2.0 */
/* The System RAM that a kernel has, and what lies fixed in it. */
#ifndef RF_KERNEL_REGIONS_H
#define RF_KERNEL_REGIONS_H

#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <linux/types.h>

#include "kernel/files.h"

#define RF_REGIONS_MAX	256

/* A top-level System RAM resource and the span of its children (none: child_end 0). */
struct rf_region {
	u64 start, end;
	u64 child_start, child_end;
};

struct rf_regions {
	u32 count;
	struct rf_region region[RF_REGIONS_MAX];
};

static inline int rf_regions_add(const struct rf_iomem *entry, void *arg)
{
	struct rf_regions *regions = arg;
	struct rf_region *last = regions->count ? &regions->region[regions->count - 1] : NULL;

	if (entry->depth == 0) {
		if (strcmp(entry->name, "System RAM") || regions->count == RF_REGIONS_MAX)
			return 0;
		last = &regions->region[regions->count++];
		*last = (struct rf_region){ .start = entry->start, .end = entry->end + 1 };
	} else if (last && entry->start >= last->start && entry->end < last->end) {
		if (!last->child_end)
			last->child_start = entry->start;
		last->child_end = max(last->child_end, entry->end + 1);
	}
	return 0;
}

/**
 * rf_regions_read() - the System RAM of this kernel, by address
 *
 * Context: As rf_iomem_walk().
 * Return: to be freed with kvfree(), or NULL.
 */
static inline struct rf_regions *rf_regions_read(void)
{
	struct rf_regions *regions = kvzalloc(sizeof(*regions), GFP_KERNEL);

	if (regions && rf_iomem_walk(rf_regions_add, regions)) {
		kvfree(regions);
		return NULL;
	}
	return regions;
}

#endif /* RF_KERNEL_REGIONS_H */
