// SPDX-License-Identifier: GPL-2.0
/*
 * Could a later supervisor adopt what the machine page says? For tests: the ledger is
 * rebuilt from the copy in the page, as that supervisor would do it, and compared.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "shared/internal.h"

/* The same cores, slices and memory as in the ledger, all of them unowned. */
static int rf_rebuild_blank(struct rf_books *blank)
{
	const struct rf_books *books = &rf_books;
	u32 room = books->memory.count + RF_LEDGER_RANGES * RF_MEMORY_SPARE, i;
	struct rf_core_entry *entries;
	struct rf_extent *extents;
	int rc = 0;

	entries = kvcalloc(books->cores.count, sizeof(*entries), GFP_KERNEL);
	extents = kvcalloc(room, sizeof(*extents), GFP_KERNEL);
	rf_ledger_core_init(&blank->cores, entries, entries ? books->cores.count : 0);
	rf_ledger_memory_init(&blank->memory, extents, extents ? room : 0);
	rf_ledger_slice_init(&blank->slices, books->slices.count);
	rf_ledger_function_init(&blank->functions);
	if (!entries || !extents)
		return -ENOMEM;
	for (i = 0; !rc && i < books->cores.count; i++)
		if (books->cores.entries[i].apic_id != RF_APIC_NONE)
			rc = rf_ledger_core_add(&blank->cores, i,
						books->cores.entries[i].apic_id);
	for (i = 0; !rc && i < books->slices.count; i++)
		rc = rf_ledger_slice_set_usable(&blank->slices, i,
						books->slices.owner[i] < RF_OWNER_UNUSABLE);
	for (i = 0; !rc && i < books->memory.count; i++)
		rc = rf_ledger_memory_add(&blank->memory, books->memory.extents[i].start,
					  books->memory.extents[i].size,
					  books->memory.extents[i].nid,
					  books->memory.extents[i].reserved, RF_CONTENT_CLEAN);
	return rc;
}

/**
 * rf_ledger_rebuild() - does a ledger rebuilt from the machine page equal the current one?
 *
 * Context: Process context. Ledger lock held.
 * Return: 0, also without an arena; -EUCLEAN if it differs; -ENOMEM, or an error of
 *         rf_ledger_adopt().
 */
int rf_ledger_rebuild(void)
{
	const struct rf_machine *machine = rf_arena_is_open() ? rf_ficm_segment(0) : NULL;
	struct rf_books blank = {};
	struct rf_ledger *copies;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!machine)
		return 0;
	copies = kvcalloc(2, sizeof(*copies), GFP_KERNEL);
	rc = copies ? rf_rebuild_blank(&blank) : -ENOMEM;
	if (!rc) {
		memcpy(&copies[0], &machine->ledger, sizeof(copies[0]));
		rc = rf_ledger_adopt(&blank, &copies[0]);
	}
	if (!rc) {
		rf_ledger_copy(&blank, copies[0].generation, &copies[0]);
		rf_ledger_copy(&rf_books, copies[0].generation, &copies[1]);
		rc = memcmp(&copies[0], &copies[1], sizeof(copies[0])) ? -EUCLEAN : 0;
	}
	kvfree(blank.cores.entries);
	kvfree(blank.memory.extents);
	kvfree(copies);
	return rc;
}
