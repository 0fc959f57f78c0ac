/* SPDX-License-Identifier: GPL-2.0 */
#ifndef RF_KERNEL_OVERLAP_H
#define RF_KERNEL_OVERLAP_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/**
 * rf_overlap() - do two ranges share a byte?
 * @start: of the first range
 * @size: of it; an empty range shares none
 * @other: start of the second range
 * @other_size: of it
 *
 * Right also for ranges that end at, or wrap at, 2^64.
 *
 * Context: Any.
 */
static inline bool rf_overlap(__u64 start, __u64 size, __u64 other, __u64 other_size)
{
	return size && other_size && (start - other < other_size || other - start < size);
}

#endif /* RF_KERNEL_OVERLAP_H */
