// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: memory that is not the supervisor's. It comes from ranges reserved
 * at boot (reserved.c) and from memory blocks taken at run time (blocks.c); who gets
 * which part of it is decided in carve.c, and recorded in the ledger.
 *
 * Memory is cleared before it gets another owner: at once if its subOS is destroyed,
 * soon if a running subOS gave it up. After that it holds only zeros, or with
 * poison=1 (fill.c) a pattern.
 */
#include <linux/minmax.h>
#include <linux/workqueue.h>

#include "memory/internal.h"

#define RF_CLEAR_STEP		(8ULL << 20)	/* cleared at a time, with the ledger lock held */
/* Delay after memory was given up: more of it may follow, and somebody waits for that. */
#define RF_CLEAR_DELAY		(HZ / 5)

/* ---- clearing in the background ---- */

/*
 * Clear some of a range of free memory, so that not all of it is left for when it gets an owner.
 * With poison=1 that is for then. Return: 1; 0: it is clean; -ENOMEM.
 */
int rf_pool_clear_part(const struct rf_range *range)
{
	struct rf_range part;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (rf_free_byte() || !rf_ledger_memory_next_unclean(&rf_books.memory, range->start,
							     range->size, &part))
		return 0;
	part.size = min(part.size, RF_CLEAR_STEP);
	rc = rf_fill(part.start, part.size, 0) ?:
	     rf_extents_set_content(part.start, part.size, RF_CONTENT_CLEAN);
	return rc ?: 1;
}

/* Clear some memory that is LEFT. Return: false if there is none, or on an error. */
static bool rf_pool_clear_some(void)
{
	struct rf_range range;

	return rf_ledger_memory_next_left(&rf_books.memory, RF_CLEAR_STEP, &range) &&
	       !rf_fill(range.start, range.size, rf_free_byte()) &&
	       !rf_extents_set_content(range.start, range.size, RF_CONTENT_CLEAN);
}

static void rf_pool_clear(struct work_struct *unused)
{
	bool more;

	do {
		mutex_lock(&rf_ledger_lock);
		more = rf_pool_clear_some();
		mutex_unlock(&rf_ledger_lock);
	} while (more);
}

static DECLARE_DELAYED_WORK(rf_clear_work, rf_pool_clear);

/* ---- changing hands ---- */

/* From now on memory is in the grant of @owner. Context and return: as rf_extents_move(). */
int rf_pool_own(u32 owner, u64 start, u64 size)
{
	return rf_extents_move(owner, start, size, RF_MEMORY_COMING, RF_MEMORY_OWNED);
}

/* From now on memory is not in the grant of @owner any more. Context and return: as above. */
int rf_pool_leave(u32 owner, u64 start, u64 size)
{
	return rf_extents_move(owner, start, size, RF_MEMORY_OWNED, RF_MEMORY_LEAVING);
}

/**
 * rf_pool_put() - free memory of an owner; it is cleared soon
 * @owner: the owner
 * @start: physical address
 * @size: bytes; a whole range, as taken or as passed to rf_pool_leave()
 * @from: RF_MEMORY_COMING or RF_MEMORY_LEAVING
 *
 * The memory is cleared in the background, or when it gets its next owner if that is sooner.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_pool_put(u32 owner, u64 start, u64 size, enum rf_memory_state from)
{
	rf_expect(rf_extents_move(owner, start, size, from, RF_MEMORY_FREE));
	mod_delayed_work(system_unbound_wq, &rf_clear_work, RF_CLEAR_DELAY);
}

/* Clear now all memory that is LEFT. Context: process, may sleep; ledger lock not held. */
void rf_pool_clear_wait(void)
{
	flush_delayed_work(&rf_clear_work);
}

/* The next range of a subOS behind @range, out of reach of who reads its memory. */
static bool rf_pool_leave_next(struct rf_subos *subos, struct rf_range *range, int *rc)
{
	bool any;

	mutex_lock(&rf_ledger_lock);
	any = rf_ledger_memory_next_range(&rf_books.memory, subos->id,
					  range->start + range->size, range);
	if (any) {
		down_write(&subos->memory_sem);
		*rc = rf_step("memory-clear") ?:
		      rf_pool_leave(subos->id, range->start, range->size);
		up_write(&subos->memory_sem);
	}
	mutex_unlock(&rf_ledger_lock);
	return any;
}

/* @rc: was it cleared? If not, its owner keeps it. */
static void rf_pool_left(u32 owner, const struct rf_range *range, int rc)
{
	mutex_lock(&rf_ledger_lock);
	rf_expect(rf_extents_move(owner, range->start, range->size, RF_MEMORY_LEAVING,
				  rc ? RF_MEMORY_OWNED : RF_MEMORY_FREE));
	if (!rc)
		rf_expect(rf_extents_set_content(range->start, range->size, RF_CONTENT_CLEAN));
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_pool_take_back() - take a subOS's memory back, cleared
 * @subos: the owner; none of its cores or devices can write any more
 * @returned: counts the bytes
 *
 * Context: Process context; `adjusting` held, so that nobody else changes what it owns, but not
 *	    the ledger lock.
 * Return: 0 or an error; the subOS keeps the ranges that could not be cleared.
 */
int rf_pool_take_back(struct rf_subos *subos, u64 *returned)
{
	struct rf_range range = {};
	int rc, result = 0;

	lockdep_assert_held(&subos->adjusting);
	while (rf_pool_leave_next(subos, &range, &rc)) {
		if (!rc) {
			rc = rf_fill(range.start, range.size, rf_free_byte());
			rf_pool_left(subos->id, &range, rc);
		}
		if (rc)
			result = rc;
		else
			*returned += range.size;
	}
	return result;
}

/**
 * rf_pool_check() - search CLEAN memory for what should not be there; reads all of it
 * @wrong: set to the first address that does not hold what it should, or 0
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0 or -ENOMEM.
 */
int rf_pool_check(u64 *wrong)
{
	const struct rf_extent *extent;
	u64 at = 0;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	*wrong = 0;
	do {
		extent = rf_ledger_memory_next(&rf_books.memory, RF_OWNER_SUPERVISOR, at);
		if (!extent)
			break;
		if (extent->content == RF_CONTENT_CLEAN)
			rc = rf_find_other(extent->start, extent->size, rf_free_byte(), wrong);
		at = extent->start + extent->size;
	} while (!rc && !*wrong);
	return rc;
}
