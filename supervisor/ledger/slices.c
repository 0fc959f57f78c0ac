// SPDX-License-Identifier: GPL-2.0
/* Slices of low memory: who owns which. */
#include "portable.h"
#include "slices.h"
#include "wire/arena.h"

/* The ledger's copy in the arena has a word for each slice. */
_Static_assert(sizeof(((struct rf_ledger *)0)->low_owner) ==
		       sizeof(((struct rf_slice_table *)0)->owner),
	       "a slice without a place in the copy of the ledger");

/* Initialize a table of @count slices, none usable yet. Context: nobody else sees it yet. */
void rf_ledger_slice_init(struct rf_slice_table *table, __u32 count)
{
	__u32 slice;

	table->count = count < RF_SLICES_MAX ? count : RF_SLICES_MAX;
	for (slice = 0; slice < RF_SLICES_MAX; slice++)
		table->owner[slice] = RF_OWNER_UNUSABLE;
}

/**
 * rf_ledger_slice_set_usable() - mark a slice as free to give, or as never to be given
 * @table: the table
 * @slice: its number
 * @usable: whether the slice may be given
 *
 * Context: Ledger lock and state lock held, or nobody else sees the table yet.
 * Return: 0; -EINVAL no such slice; -EBUSY somebody owns it.
 */
int rf_ledger_slice_set_usable(struct rf_slice_table *table, __u32 slice, bool usable)
{
	if (slice >= table->count)
		return -EINVAL;
	if (table->owner[slice] != RF_OWNER_SUPERVISOR &&
	    table->owner[slice] != RF_OWNER_UNUSABLE)
		return -EBUSY;
	table->owner[slice] = usable ? RF_OWNER_SUPERVISOR : RF_OWNER_UNUSABLE;
	return 0;
}

/* The slice of @owner, or -ENOENT. Context: ledger lock or state lock held. */
int rf_ledger_slice_of(const struct rf_slice_table *table, __u32 owner)
{
	__u32 slice;

	for (slice = 0; slice < table->count; slice++)
		if (table->owner[slice] == owner)
			return slice;
	return -ENOENT;
}

/**
 * rf_ledger_slice_take() - give the lowest free slice to an owner
 * @table: the table
 * @owner: a subOS, or RF_OWNER_TRAMPOLINE; it has no slice yet
 *
 * Context: Ledger lock and state lock held.
 * Return: the number of the slice; -EINVAL @owner cannot own one; -EEXIST @owner has one;
 *         -ENOSPC no slice is left.
 */
int rf_ledger_slice_take(struct rf_slice_table *table, __u32 owner)
{
	int slice;

	if (!rf_owner_is_subos(owner) && owner != RF_OWNER_TRAMPOLINE)
		return -EINVAL;
	if (rf_ledger_slice_of(table, owner) >= 0)
		return -EEXIST;
	slice = rf_ledger_slice_of(table, RF_OWNER_SUPERVISOR);
	if (slice < 0)
		return -ENOSPC;
	table->owner[slice] = owner;
	return slice;
}

/* @owner gives a slice back. Context: as above. Return: 0; -EINVAL; -EXDEV not @owner's. */
int rf_ledger_slice_free(struct rf_slice_table *table, __u32 slice, __u32 owner)
{
	if (slice >= table->count || (!rf_owner_is_subos(owner) && owner != RF_OWNER_TRAMPOLINE))
		return -EINVAL;
	if (table->owner[slice] != owner)
		return -EXDEV;
	table->owner[slice] = RF_OWNER_SUPERVISOR;
	return 0;
}

/* Slices for subOSes, in all and free. Context: ledger lock or state lock held. */
void rf_ledger_slice_figures(const struct rf_slice_table *table, __u32 *total, __u32 *free)
{
	__u32 slice;

	*total = *free = 0;
	for (slice = 0; slice < table->count; slice++) {
		if (table->owner[slice] >= RF_OWNER_UNUSABLE)
			continue;
		(*total)++;
		*free += table->owner[slice] == RF_OWNER_SUPERVISOR;
	}
}

/* A slice that a subOS uses already, found in a copy: rf_ledger_adopt(). Context: both locks. */
int rf_ledger_slice_adopt(struct rf_slice_table *table, __u32 slice, __u32 owner)
{
	if (slice >= table->count || !rf_owner_is_subos(owner) ||
	    table->owner[slice] != RF_OWNER_SUPERVISOR)
		return -EINVAL;
	if (rf_ledger_slice_of(table, owner) >= 0)
		return -EEXIST;
	table->owner[slice] = owner;
	return 0;
}
