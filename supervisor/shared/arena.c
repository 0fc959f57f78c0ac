// SPDX-License-Identifier: GPL-2.0
/*
 * The arena: memory that all kernels share (wire/arena.h). It exists while there are
 * subOSes. Each member has one home segment. The home of a member that is gone stays in
 * the arena, for the next member: late writes by a kernel that has not noticed the end yet
 * hit only the arena.
 */
#include <linux/string.h>

#include "memory/memory.h"
#include "pci/pci.h"
#include "shared/internal.h"

/* Ledger lock. Indexed by member, and so by segment number; start 0: never carved. */
static struct rf_arena_segment rf_homes[RF_MEMBERS_MAX];
static bool rf_home_used[RF_MEMBERS_MAX];
/* It could not be mapped: in no grant, so that nobody tries again, until its number is used again. */
static bool rf_home_withheld[RF_MEMBERS_MAX];

/* Bytes of the pool that are shared memory now. Context: ledger lock or state lock held. */
u64 rf_arena_size(void)
{
	rf_assert_readable();
	return rf_ledger_memory_owned(&rf_books.memory, RF_OWNER_ARENA);
}

/* A number for a new member, if possible one that has a home already. 0: none left. */
static u32 rf_member_free(void)
{
	u32 member, first = 0;

	for (member = RF_MEMBERS_MAX - 1; member > 0; member--)
		if (!rf_home_used[member] && (!first || rf_homes[member].size ||
					      !rf_homes[first].size))
			first = member;
	return first;
}

/* Does it exist? Its first segment is the supervisor's own home. Context: ledger lock held. */
bool rf_arena_is_open(void)
{
	lockdep_assert_held(&rf_ledger_lock);
	return rf_home_used[0];
}

/* How much of the pool another subOS would need for the arena. Context: ledger lock held. */
u64 rf_arena_need(void)
{
	u32 member = rf_member_free();
	u64 need = 0;

	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_arena_is_open())
		need += RF_HOME_SIZE;
	if (!rf_homes[member].size)
		need += RF_HOME_SIZE;
	return need;
}

/* The arena's segments by number, for grant pages. Context: ledger lock held. */
void rf_arena_segments(struct rf_arena_segment *segments)
{
	u32 member;

	lockdep_assert_held(&rf_ledger_lock);
	for (member = 0; member < RF_MEMBERS_MAX; member++)
		segments[member] = rf_home_withheld[member] ? (struct rf_arena_segment){} :
							      rf_homes[member];
}

/* Get a cleared home for @member. */
static int rf_home_take(u32 member)
{
	u64 start;
	int rc;

	if (rf_homes[member].size)
		return rf_fill(rf_homes[member].start, RF_HOME_SIZE, 0);
	rc = rf_step("arena-carve");
	if (!rc)
		rc = rf_pool_take_top(RF_OWNER_ARENA, RF_HOME_SIZE, &start);
	if (rc)
		return rc;
	rc = rf_dma_share(start, RF_HOME_SIZE);
	if (rc) {
		rf_pool_put(RF_OWNER_ARENA, start, RF_HOME_SIZE, RF_MEMORY_COMING);
		return rc;
	}
	rf_expect(rf_pool_own(RF_OWNER_ARENA, start, RF_HOME_SIZE));
	rf_homes[member] = (struct rf_arena_segment){ start, RF_HOME_SIZE };
	return 0;
}

/**
 * rf_arena_open() - carve the arena, with the supervisor's own home in it
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0; -ENOMEM, -EINTR.
 */
int rf_arena_open(void)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_home_take(0);
	if (!rc)
		rf_home_used[0] = true;
	return rc;
}

/* Return all of it to the pool. Context: as above; nobody has it mapped any more. */
void rf_arena_close(void)
{
	struct rf_range range = {};
	u32 member;

	lockdep_assert_held(&rf_ledger_lock);
	for (member = 0; member < RF_MEMBERS_MAX; member++) {
		if (rf_homes[member].size)
			rf_dma_unshare(rf_homes[member].start, rf_homes[member].size);
		rf_homes[member] = (struct rf_arena_segment){};
		rf_home_used[member] = rf_home_withheld[member] = false;
	}
	/* Adjacent homes are one range; one that leaves as a whole needs no room in the ledger. */
	while (rf_ledger_memory_next_range(&rf_books.memory, RF_OWNER_ARENA,
					   range.start + range.size, &range)) {
		rf_expect(rf_pool_leave(RF_OWNER_ARENA, range.start, range.size));
		rf_pool_put(RF_OWNER_ARENA, range.start, range.size, RF_MEMORY_LEAVING);
	}
}

static void rf_member_set(struct rf_subos *subos, u32 member)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	subos->member = member;
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/**
 * rf_arena_add() - make a new subOS a member
 * @subos: gets its number and a cleared home segment
 *
 * Context: Process context, may sleep. Ledger lock held; the arena is open.
 * Return: 0; -ENOSPC (no number is left), -ENOMEM, -EINTR.
 */
int rf_arena_add(struct rf_subos *subos)
{
	u32 member = rf_member_free();
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!member)
		return -ENOSPC;
	rc = rf_home_take(member);
	if (rc)
		return rc;
	rf_home_used[member] = true;
	rf_home_withheld[member] = false;
	rf_member_set(subos, member);
	return 0;
}

/* Take a member's home out of all grants. Context: process, ledger lock held. */
void rf_arena_withhold(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_ledger_lock);
	rf_home_withheld[subos->member] = true;
}

/**
 * rf_arena_remove() - end the membership of a subOS
 * @subos: nothing of it executes. Idempotent.
 *
 * Context: Process context. Ledger lock held.
 */
void rf_arena_remove(struct rf_subos *subos)
{
	u32 member = subos->member;

	lockdep_assert_held(&rf_ledger_lock);
	if (!member)
		return;
	rf_member_set(subos, 0);
	rf_home_used[member] = false;
}

/* Is any subOS a member? Context: ledger lock held. */
bool rf_arena_has_members(void)
{
	u32 member;

	lockdep_assert_held(&rf_ledger_lock);
	for (member = 1; member < RF_MEMBERS_MAX; member++)
		if (rf_home_used[member])
			return true;
	return false;
}

/**
 * rf_arena_clear() - clear the home segment of a subOS
 * @subos: no kernel runs in it
 *
 * Context: Process context. Ledger lock held.
 * Return: 0, or -ENOTCONN if it has no home.
 */
int rf_arena_clear(struct rf_subos *subos)
{
	void *home = rf_arena_home(subos);

	lockdep_assert_held(&rf_ledger_lock);
	if (!home)
		return -ENOTCONN;
	memset(home, 0, RF_HOME_SIZE);
	return 0;
}

/* Kernel address of a subOS's home segment, or NULL. Context: as rf_ficm_segment(). */
void *rf_arena_home(const struct rf_subos *subos)
{
	u32 member = READ_ONCE(subos->member);

	return member ? rf_ficm_segment(member) : NULL;
}
