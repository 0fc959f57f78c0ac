// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the copy of the ledger in the machine page (wire/arena.h), and rebuilds a ledger from
 * such a copy for a later supervisor. Any kernel can write to the machine page: nothing in the
 * copy is trusted before all of it has been validated.
 *
 * The copy records owners, not states. A resource that was COMING or LEAVING simply belongs to
 * its owner afterwards; nobody else can have used it.
 */
#include "ledger.h"
#include "portable.h"

/* The sum of all 32-bit words, which is 0 if the checksum is right. */
static __u32 rf_copy_sum(const struct rf_ledger *copy)
{
	const __u8 *bytes = (const __u8 *)copy;
	__u32 sum = 0, word;
	size_t at;

	for (at = 0; at < sizeof(*copy); at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		sum += word;
	}
	return sum;
}

static void rf_copy_cores(const struct rf_core_table *table, struct rf_ledger *copy)
{
	__u32 cpu;

	for (cpu = 0; cpu < table->count; cpu++)
		if (table->entries[cpu].apic_id < RF_CPUS_MAX)
			copy->core_owner[table->entries[cpu].apic_id] = table->entries[cpu].owner;
}

static void rf_copy_slices(const struct rf_slice_table *table, struct rf_ledger *copy)
{
	__u32 slice;

	for (slice = 0; slice < table->count; slice++)
		if (rf_owner_is_subos(table->owner[slice]))
			copy->low_owner[slice] = table->owner[slice];
}

/*
 * Adjacent extents of one owner become one range. Return: whether all ranges fit. If not, the
 * count is one that rf_ledger_adopt() refuses: memory that is not listed must not pass for free.
 */
static bool rf_copy_memory(const struct rf_memory_table *table, struct rf_ledger *copy)
{
	__u32 at, count = 0;

	for (at = 0; at < table->count; at++) {
		const struct rf_extent *extent = &table->extents[at];

		if (extent->state == RF_MEMORY_FREE)
			continue;
		if (count && copy->ranges[count - 1].subos_id == extent->owner &&
		    copy->ranges[count - 1].start + copy->ranges[count - 1].size ==
			    extent->start) {
			copy->ranges[count - 1].size += extent->size;
			continue;
		}
		if (count == RF_LEDGER_RANGES) {
			copy->nr_ranges = RF_LEDGER_RANGES + 1;
			return false;
		}
		copy->ranges[count].start = extent->start;
		copy->ranges[count].size = extent->size;
		copy->ranges[count].subos_id = extent->owner;
		count++;
	}
	copy->nr_ranges = count;
	return true;
}

/**
 * rf_ledger_copy() - make a copy of the ledger for a later supervisor
 * @books: the ledger
 * @generation: grows with every change
 * @copy: filled
 *
 * Context: Ledger lock held.
 * Return: whether the copy is complete. If not, there are more than RF_LEDGER_RANGES ranges of
 *         memory, and rf_ledger_adopt() refuses the copy.
 */
bool rf_ledger_copy(const struct rf_books *books, __u32 generation, struct rf_ledger *copy)
{
	bool complete;

	memset(copy, 0, sizeof(*copy));
	copy->size = sizeof(*copy);
	copy->generation = generation;
	rf_copy_slices(&books->slices, copy);
	rf_copy_cores(&books->cores, copy);
	complete = rf_copy_memory(&books->memory, copy);
	copy->checksum = -rf_copy_sum(copy);
	return complete;
}

/* ---- adopting a copy ---- */

/* Does nobody own anything yet? Owners in the copy could not be told from more recent ones. */
static bool rf_books_unowned(const struct rf_books *books)
{
	__u32 i;

	for (i = 0; i < books->cores.count; i++)
		if (books->cores.entries[i].state != RF_CORE_HOME)
			return false;
	for (i = 0; i < books->slices.count; i++)
		if (rf_owner_is_subos(books->slices.owner[i]))
			return false;
	for (i = 0; i < books->memory.count; i++)
		if (books->memory.extents[i].state != RF_MEMORY_FREE)
			return false;
	return true;
}

/* Does every core that has an owner exist? Core 0 never has one. */
static bool rf_copy_cores_valid(const struct rf_core_table *table, const struct rf_ledger *copy)
{
	__u32 apic_id;
	int cpu;

	for (apic_id = 0; apic_id < RF_CPUS_MAX; apic_id++) {
		if (copy->core_owner[apic_id] == RF_OWNER_SUPERVISOR)
			continue;
		cpu = rf_ledger_core_find(table, apic_id);
		if (cpu <= 0 || !rf_owner_is_subos(copy->core_owner[apic_id]))
			return false;
	}
	return true;
}

static bool rf_copy_slices_valid(const struct rf_slice_table *table, const struct rf_ledger *copy)
{
	__u32 slice, other;

	for (slice = 0; slice < RF_SLICES_MAX; slice++) {
		if (copy->low_owner[slice] == RF_OWNER_SUPERVISOR)
			continue;
		if (slice >= table->count || table->owner[slice] != RF_OWNER_SUPERVISOR ||
		    !rf_owner_is_subos(copy->low_owner[slice]))
			return false;
		for (other = 0; other < slice; other++)
			if (copy->low_owner[other] == copy->low_owner[slice])
				return false;
	}
	return true;
}

/* Is all of [start, end) FREE memory in the table? */
static bool rf_copy_range_exists(const struct rf_memory_table *table, __u64 start, __u64 end)
{
	const struct rf_extent *extent;

	while (start < end) {
		extent = rf_ledger_memory_next(table, RF_OWNER_SUPERVISOR, start);
		if (!extent || extent->start > start)
			return false;
		start = extent->start + extent->size;
	}
	return true;
}

static bool rf_copy_memory_valid(const struct rf_memory_table *table, const struct rf_ledger *copy)
{
	__u64 last = 0;
	__u32 i, j, same;

	for (i = 0; i < copy->nr_ranges; i++) {
		const __u64 start = copy->ranges[i].start, end = start + copy->ranges[i].size;
		const __u32 owner = copy->ranges[i].subos_id;

		if ((start | end) % RF_EXTENT_SIZE || start < last || end <= start ||
		    (!rf_owner_is_subos(owner) && owner != RF_OWNER_ARENA) ||
		    !rf_copy_range_exists(table, start, end))
			return false;
		for (j = same = 0; j <= i; j++)
			same += copy->ranges[j].subos_id == owner;
		if (same > RF_RANGES_MAX && owner != RF_OWNER_ARENA)
			return false;
		last = end;
	}
	return true;
}

static int rf_copy_apply(struct rf_books *books, const struct rf_ledger *copy)
{
	int rc = 0;
	__u32 i;

	for (i = 0; !rc && i < copy->nr_ranges; i++)
		rc = rf_ledger_memory_adopt(&books->memory, copy->ranges[i].start,
					    copy->ranges[i].size, copy->ranges[i].subos_id);
	for (i = 0; !rc && i < RF_CPUS_MAX; i++)
		if (copy->core_owner[i])
			rc = rf_ledger_core_adopt(&books->cores,
						  rf_ledger_core_find(&books->cores, i),
						  copy->core_owner[i]);
	for (i = 0; !rc && i < RF_SLICES_MAX; i++)
		if (copy->low_owner[i])
			rc = rf_ledger_slice_adopt(&books->slices, i, copy->low_owner[i]);
	return rc;
}

/**
 * rf_ledger_adopt() - restore the owners of everything from a copy
 * @books: all cores, memory and slices of the machine, none of them owned, with room for
 *         RF_MEMORY_SPARE more extents for each range of the copy
 * @copy: in private memory, so that no other kernel can change it
 *
 * A copy does not record the boot core and the boot area of a subOS (see its hand-off, and
 * rf_ledger_core_set_boot(), rf_ledger_memory_set_boot()), which cores are on loan, or which
 * PCI functions a subOS has.
 *
 * Context: Ledger lock and state lock held.
 * Return: 0; -EPROTO @copy is not a valid copy of a ledger; -EBUSY something has an owner
 *         already; -ENOMEM no room for extents; -ERANGE @copy refers to something that does not
 *         exist, or contradicts itself. On error nothing has changed.
 */
int rf_ledger_adopt(struct rf_books *books, const struct rf_ledger *copy)
{
	if (copy->size != sizeof(*copy) || copy->nr_ranges > RF_LEDGER_RANGES ||
	    rf_copy_sum(copy))
		return -EPROTO;
	if (!rf_books_unowned(books))
		return -EBUSY;
	if (rf_ledger_memory_spare(&books->memory) < copy->nr_ranges * RF_MEMORY_SPARE)
		return -ENOMEM;
	if (!rf_copy_cores_valid(&books->cores, copy) ||
	    !rf_copy_slices_valid(&books->slices, copy) ||
	    !rf_copy_memory_valid(&books->memory, copy))
		return -ERANGE;
	return rf_copy_apply(books, copy);
}
