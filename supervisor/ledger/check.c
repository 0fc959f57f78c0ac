// SPDX-License-Identifier: GPL-2.0
/*
 * The invariants of the ledger. For tests, and for debugging a machine that misbehaves: the
 * run time is quadratic in the number of entries.
 */
#include "extents.h"
#include "ledger.h"
#include "portable.h"
#include "wire/pci.h"

/* ---- cores ---- */

static const char *rf_check_core(const struct rf_core_table *table, __u32 cpu)
{
	const struct rf_core_entry *entry = &table->entries[cpu];

	if ((__u32)entry->state >= RF_CORE_STATES)
		return "a core has an invalid state";
	if ((entry->state == RF_CORE_LENT) != (entry->rank != 0) ||
	    entry->rank > table->last_rank)
		return "the rank of a core does not fit its state";
	if (entry->state == RF_CORE_HOME)
		return entry->owner || entry->lender ? "a core that is at home has an owner" : NULL;
	if (!cpu || entry->apic_id == RF_APIC_NONE)
		return "a core that cannot be lent has an owner";
	if (!rf_owner_is_subos(entry->owner))
		return "a core that is not at home is not owned by a subOS";
	if (entry->lender && (!rf_owner_is_subos(entry->lender) ||
			      entry->lender == entry->owner || entry->state == RF_CORE_COMING))
		return "a core is on loan from nobody, or from its owner";
	return NULL;
}

static const char *rf_check_core_others(const struct rf_core_table *table, __u32 cpu)
{
	const struct rf_core_entry *entry = &table->entries[cpu], *other;
	__u32 same = 0;

	for (other = table->entries; other < table->entries + table->count; other++) {
		same += other->owner == entry->owner;
		if (other == entry)
			continue;
		if (entry->apic_id != RF_APIC_NONE && other->apic_id == entry->apic_id)
			return "two cores have the same APIC id";
		if (entry->rank && other->rank == entry->rank)
			return "two cores have the same rank";
	}
	return entry->owner && same > RF_CPUS_MAX ? "a subOS has too many cores" : NULL;
}

const char *rf_ledger_core_check(const struct rf_core_table *table)
{
	const char *wrong = NULL;
	__u32 cpu;

	for (cpu = 0; !wrong && cpu < table->count; cpu++) {
		wrong = rf_check_core(table, cpu);
		if (!wrong)
			wrong = rf_check_core_others(table, cpu);
	}
	return wrong;
}

/* ---- memory ---- */

static const char *rf_check_extent(const struct rf_extent *extent)
{
	if (!rf_memory_sound(extent->start, extent->size))
		return "an extent is empty, unaligned, or wraps around";
	if ((__u32)extent->state >= RF_MEMORY_STATES || (__u32)extent->content > RF_CONTENT_CLEAN)
		return "an extent has an invalid state or content";
	if (extent->state == RF_MEMORY_FREE)
		return extent->owner || extent->boot ? "free memory has an owner" : NULL;
	if (!rf_owner_is_subos(extent->owner) && extent->owner != RF_OWNER_ARENA)
		return "memory that is not free has no valid owner";
	if (extent->content != RF_CONTENT_LEFT)
		return "memory that has an owner counts as clean";
	if (extent->boot && !rf_owner_is_subos(extent->owner))
		return "a boot area is not owned by a subOS";
	return NULL;
}

static const char *rf_check_extent_owner(const struct rf_memory_table *table,
					 const struct rf_extent *extent)
{
	if (extent->boot && rf_ledger_memory_boot(table, extent->owner) != extent->start)
		return "a subOS has two boot areas";
	if (rf_owner_is_subos(extent->owner) &&
	    rf_ledger_memory_ranges(table, extent->owner, NULL, 0) > RF_RANGES_MAX)
		return "a subOS has too many ranges";
	return NULL;
}

const char *rf_ledger_memory_check(const struct rf_memory_table *table)
{
	const char *wrong = NULL;
	__u64 sum = 0;
	__u32 at;

	if (table->count > table->capacity)
		return "there are more extents than there is room for";
	for (at = 0; !wrong && at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		wrong = rf_check_extent(extent);
		if (!wrong)
			wrong = rf_check_extent_owner(table, extent);
		if (!wrong && at && rf_extent_end(extent - 1) > extent->start)
			wrong = "extents overlap, or are out of order";
		if (!wrong && at && rf_extent_joins(extent - 1, extent))
			wrong = "two adjacent extents were not merged";
		sum += extent->size;
	}
	if (!wrong && sum != table->bytes)
		wrong = "the sizes of all extents do not add up";
	return wrong;
}

/* ---- slices and functions ---- */

const char *rf_ledger_slice_check(const struct rf_slice_table *table)
{
	__u32 slice;

	if (table->count > RF_SLICES_MAX)
		return "there are too many slices";
	for (slice = 0; slice < RF_SLICES_MAX; slice++) {
		const __u32 owner = table->owner[slice];

		if (owner == RF_OWNER_UNUSABLE)
			continue;
		if (slice >= table->count || owner == RF_OWNER_ARENA)
			return "a slice beyond the last is usable, or the arena owns a slice";
		if (owner && rf_ledger_slice_of(table, owner) != (int)slice)
			return "a subOS has two slices";
	}
	return NULL;
}

static const char *rf_check_function(const struct rf_function_table *table,
				     const struct rf_function_entry *entry)
{
	if ((__u32)entry->state >= RF_PCI_STATES || entry->state == RF_PCI_HOME)
		return "a function has an invalid state";
	if (!rf_owner_is_subos(entry->owner))
		return "a function is not owned by a subOS";
	if (rf_ledger_function_find(table, entry->bdf) != entry)
		return "two functions have the same address";
	if ((entry->state == RF_PCI_CUT || entry->unplugged) && !entry->taken)
		return "a function was cut, but not taken";
	if (entry->kernel_id && entry->state != RF_PCI_GIVEN_UP && entry->state != RF_PCI_KEPT)
		return "a function was given up, but is in use";
	if (rf_ledger_function_count(table, entry->owner) > RF_FUNCTIONS_MAX)
		return "a subOS has too many functions";
	return NULL;
}

/* Checked first: all other checks could walk a corrupted list forever. */
static bool rf_functions_linked(const struct rf_function_table *table)
{
	const struct rf_function_entry *entry, *before = NULL;
	__u32 count = 0;

	for (entry = table->first; entry; before = entry, entry = entry->next)
		if (++count > table->count || entry->prev != before)
			return false;
	return count == table->count && table->last == before;
}

const char *rf_ledger_function_check(const struct rf_function_table *table)
{
	const struct rf_function_entry *entry;
	const char *wrong = NULL;

	if (!rf_functions_linked(table))
		return "the list of functions is corrupted";
	for (entry = table->first; !wrong && entry; entry = entry->next)
		wrong = rf_check_function(table, entry);
	return wrong;
}

/**
 * rf_ledger_check() - check all invariants of the ledger
 * @books: the ledger
 *
 * Context: Ledger lock held.
 * Return: NULL, or a text that names the first violation.
 */
const char *rf_ledger_check(const struct rf_books *books)
{
	const char *wrong = rf_ledger_core_check(&books->cores);

	if (!wrong)
		wrong = rf_ledger_memory_check(&books->memory);
	if (!wrong)
		wrong = rf_ledger_slice_check(&books->slices);
	if (!wrong)
		wrong = rf_ledger_function_check(&books->functions);
	return wrong;
}

/**
 * rf_ledger_owns() - does a subOS own anything, in any state?
 * @books: the ledger
 * @owner: the subOS, which must not become GONE while it owns anything
 *
 * Context: Ledger lock held.
 */
bool rf_ledger_owns(const struct rf_books *books, __u32 owner)
{
	__u32 cpu;

	for (cpu = 0; cpu < books->cores.count; cpu++)
		if (books->cores.entries[cpu].owner == owner)
			return true;
	return rf_ledger_memory_owned(&books->memory, owner) ||
	       rf_ledger_slice_of(&books->slices, owner) >= 0 ||
	       rf_ledger_function_count(&books->functions, owner);
}
