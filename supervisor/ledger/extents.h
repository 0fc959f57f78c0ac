/* SPDX-License-Identifier: GPL-2.0 */
/* The array of extents, shared by the memory sources of the ledger. Private to the ledger. */
#ifndef RF_LEDGER_EXTENTS_H
#define RF_LEDGER_EXTENTS_H

#include "memory.h"

static inline __u64 rf_extent_end(const struct rf_extent *extent)
{
	return extent->start + extent->size;
}

/* Aligned to RF_EXTENT_SIZE, not empty, and without address wrap-around. */
static inline bool rf_memory_sound(__u64 start, __u64 size)
{
	return size && !((start | size) % RF_EXTENT_SIZE) && start + size > start;
}

__u32 rf_extent_above(const struct rf_memory_table *table, __u64 address);
void rf_extent_insert(struct rf_memory_table *table, __u32 at, const struct rf_extent *extent);
void rf_extent_delete(struct rf_memory_table *table, __u32 at);
void rf_extent_split(struct rf_memory_table *table, __u64 address);
bool rf_extent_room(const struct rf_memory_table *table, __u64 start, __u64 end);
bool rf_extent_joins(const struct rf_extent *lower, const struct rf_extent *upper);
void rf_extent_merge(struct rf_memory_table *table, __u64 start, __u64 end);

#endif /* RF_LEDGER_EXTENTS_H */
