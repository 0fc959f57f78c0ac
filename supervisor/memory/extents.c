// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger's table of memory, changed under both locks. Its storage is an array that is
 * replaced by a larger one before a change that might not fit. Which memory to give is decided
 * in carve.c.
 */
#include <linux/minmax.h>
#include <linux/slab.h>

#include "memory/internal.h"

#define RF_EXTENTS_FIRST	64	/* capacity of the first array */

/*
 * Make room for one change. If there is no memory for that, the ledger refuses a change that
 * needs the room, and still makes one that does not.
 */
static void rf_extents_reserve(void)
{
	struct rf_memory_table *table = &rf_books.memory;
	u32 capacity = max_t(u32, 2 * table->capacity, RF_EXTENTS_FIRST);
	struct rf_extent *extents;
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	if (rf_ledger_memory_spare(table) >= RF_MEMORY_SPARE)
		return;
	extents = kvcalloc(capacity, sizeof(*extents), GFP_KERNEL);
	if (!extents)
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	extents = rf_ledger_memory_grow(table, extents, capacity);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	kvfree(extents);
}

/**
 * rf_extents_add() - add unowned memory to the table
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node
 * @reserved: reserved at boot
 * @content: what the memory holds
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0 or -ENOMEM; other errors of the ledger mean an invalid range.
 */
int rf_extents_add(u64 start, u64 size, int node, bool reserved, enum rf_content content)
{
	unsigned long flags;
	int rc;

	rf_extents_reserve();
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_memory_add(&rf_books.memory, start, size, node, reserved, content);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Remove unowned memory from the table. Context and return: as above. */
int rf_extents_remove(u64 start, u64 size)
{
	unsigned long flags;
	int rc;

	rf_extents_reserve();
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_memory_remove(&rf_books.memory, start, size);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/**
 * rf_extents_move() - change the state of memory, see rf_ledger_memory_move()
 * @owner: the current or the next owner
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @from: the state that all of the memory is in
 * @to: the next state
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0; -ERANGE not all of the memory is @owner's and in state @from; -ENOMEM, also if
 *         @owner would have more than RF_RANGES_MAX ranges. Nothing has changed then.
 */
int rf_extents_move(u32 owner, u64 start, u64 size, enum rf_memory_state from,
		    enum rf_memory_state to)
{
	unsigned long flags;
	int rc;

	rf_extents_reserve();
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_memory_move(&rf_books.memory, start, size, owner, from, to);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	/* No caller asks for an invalid transition, or gives memory that was not cleared. */
	rf_expect(rc == -EINVAL || rc == -EUCLEAN);
	return rc == -ENOSPC ? -ENOMEM : rc;
}

/* Record what unowned memory holds now. Context and return: as above. */
int rf_extents_set_content(u64 start, u64 size, enum rf_content content)
{
	unsigned long flags;
	int rc;

	rf_extents_reserve();
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_memory_set_content(&rf_books.memory, start, size, content);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Mark @start as the beginning of @owner's boot area. Context and return: as above. */
int rf_extents_set_boot(u32 owner, u64 start)
{
	unsigned long flags;
	int rc;

	rf_extents_reserve();
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_memory_set_boot(&rf_books.memory, start, owner);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Unload: nobody owns anything, and nobody reads the table any more. */
void rf_extents_exit(void)
{
	kvfree(rf_books.memory.extents);
	rf_ledger_memory_init(&rf_books.memory, NULL, 0);
}
