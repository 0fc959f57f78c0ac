// SPDX-License-Identifier: GPL-2.0
/*
 * The memory ranges of one subOS. The boot range is the first, and begins with
 * the boot area for as long as the subOS lives; the others are in no order.
 * Neighbours are one range. Changed under the ledger lock and the state lock, so
 * that either is enough to read them.
 */
#include <linux/overflow.h>
#include <linux/string.h>

#include "memory/internal.h"

static u64 rf_range_end(const struct rf_range *range)
{
	return range->start + range->size;
}

/* The range of @subos that holds all of [start, start + size), or NULL. */
static struct rf_range *rf_range_of(struct rf_subos *subos, u64 start, u64 size)
{
	u64 end;
	u32 i;

	if (!size || check_add_overflow(start, size, &end))
		return NULL;
	for (i = 0; i < subos->nr_ranges; i++)
		if (start >= subos->ranges[i].start && end <= rf_range_end(&subos->ranges[i]))
			return &subos->ranges[i];
	return NULL;
}

/**
 * rf_ranges_hold() - does a subOS own this memory, in one range?
 * @subos: the subOS
 * @start: physical address
 * @size: bytes; 0 is never owned
 *
 * Context: Ledger lock or state lock held.
 */
bool rf_ranges_hold(struct rf_subos *subos, u64 start, u64 size)
{
	return rf_range_of(subos, start, size);
}

static void rf_range_drop(struct rf_subos *subos, u32 index)
{
	subos->nr_ranges--;
	memmove(&subos->ranges[index], &subos->ranges[index + 1],
		(subos->nr_ranges - index) * sizeof(subos->ranges[0]));
}

/* The range that ends where @range begins takes it in; the boot range never does the contrary. */
static void rf_ranges_merge(struct rf_subos *subos)
{
	u32 i, j;

	for (i = 0; i < subos->nr_ranges; i++)
		for (j = 1; j < subos->nr_ranges; j++)
			if (j != i && rf_range_end(&subos->ranges[i]) == subos->ranges[j].start) {
				subos->ranges[i].size += subos->ranges[j].size;
				rf_range_drop(subos, j);
				i -= j < i;
				j = 0;
			}
}

/**
 * rf_ranges_add() - a subOS gets another range
 * @subos: the subOS
 * @start: physical address, not owned by it
 * @size: bytes
 *
 * Context: Ledger lock held.
 * Return: 0, or -ENOMEM if it has RF_RANGES_MAX of them.
 */
int rf_ranges_add(struct rf_subos *subos, u64 start, u64 size)
{
	unsigned long flags;
	int rc = -ENOMEM;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->nr_ranges < RF_RANGES_MAX) {
		subos->ranges[subos->nr_ranges++] = (struct rf_range){ start, size };
		rf_ranges_merge(subos);
		rc = 0;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/**
 * rf_ranges_remove() - a subOS loses part of a range, or all of it
 * @subos: the subOS
 * @start: physical address
 * @size: bytes, all in one range
 *
 * Context: Ledger lock held; memory_sem, if the memory may be read meanwhile.
 * Return: 0; -ERANGE if it does not own this; -ENOMEM if cutting the range in two
 *         would make more than RF_RANGES_MAX.
 */
int rf_ranges_remove(struct rf_subos *subos, u64 start, u64 size)
{
	struct rf_range *range;
	unsigned long flags;
	u64 end, range_end;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	range = rf_range_of(subos, start, size);
	if (!range) {
		rc = -ERANGE;
		goto unlock;
	}
	end = start + size;
	range_end = rf_range_end(range);
	if (start > range->start && end < range_end) {
		if (subos->nr_ranges == RF_RANGES_MAX) {
			rc = -ENOMEM;
			goto unlock;
		}
		subos->ranges[subos->nr_ranges++] = (struct rf_range){ end, range_end - end };
		range->size = start - range->start;
	} else if (start > range->start) {
		range->size = start - range->start;
	} else if (end < range_end) {
		*range = (struct rf_range){ end, range_end - end };
	} else {
		rf_range_drop(subos, range - subos->ranges);
	}
unlock:
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}
