// SPDX-License-Identifier: GPL-2.0
/*
 * Grant pages: what each kernel owns and what it may believe about the others,
 * composed from the ledger. The page of a subOS lies in its own memory, so nothing
 * is ever read back from it; the supervisor's own is plain memory.
 */
#include <linux/string.h>

#include "cores/cores.h"
#include "kernel/grant.h"
#include "pci/pci.h"
#include "shared/internal.h"

struct rf_grant rf_own_grant;
u64 rf_own_acknowledged;

/* Ledger lock. */
static struct rf_grant rf_draft;
static u32 rf_grant_sequence;	/* of all pages; even. Read without it, too */
static u32 rf_last_kernel_id = RF_KERNEL_SUPERVISOR;

/* Does a kernel execute in a subOS, or will in a moment? Context: state lock held. */
bool rf_subos_executes(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	return !rf_phase_held(subos->life.phase) ||
	       (subos->entering && subos->life.phase == RF_PHASE_LOADED);
}

/*
 * Between two kernels of a subOS its cores are nobody's, so that a ring for the first one does not
 * arrive in the second.
 */
static void rf_grant_cores(const struct rf_subos *subos)
{
	unsigned long flags;
	bool executes;

	spin_lock_irqsave(&rf_state_lock, flags);
	executes = rf_subos_executes(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (executes)
		rf_cores_own(subos->id, subos->member, rf_draft.owner);
}

/* Fill in what is the same in all pages. */
static void rf_grant_compose(void)
{
	struct rf_subos *subos;
	u32 i;

	memset(&rf_draft, 0, sizeof(rf_draft));
	rf_draft.size = sizeof(rf_draft);
	rf_draft.magic = RF_GRANT_MAGIC;
	rf_draft.major = RF_GRANT_MAJOR;
	rf_draft.minor = RF_GRANT_MINOR;
	rf_arena_segments(rf_draft.segments);
	memset(rf_draft.owner, RF_OWNER_NOBODY, sizeof(rf_draft.owner));
	rf_cores_own(RF_OWNER_SUPERVISOR, 0, rf_draft.owner);
	for (i = 0; i < RF_MEMBERS_MAX; i++)
		rf_draft.kernel_ids[i] = RF_KERNEL_NONE;
	rf_draft.kernel_ids[0] = RF_KERNEL_SUPERVISOR;
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (!subos->member)
			continue;
		if (rf_phase_has_kernel(rf_subos_phase(subos)))
			rf_draft.kernel_ids[subos->member] = subos->kernel_id;
		rf_grant_cores(subos);
	}
}

/**
 * rf_grant_update() - make all grant pages agree with the ledger
 *
 * Readers detect by themselves that a page has changed; this kernel's rf_ficm is
 * notified.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_grant_update(void)
{
	struct rf_subos *subos;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rf_grant_compose();
	/* First: no page ever has a sequence that this has not. */
	WRITE_ONCE(rf_grant_sequence, rf_grant_sequence + 2);
	smp_wmb();	/* pairs with smp_rmb() in rf_await_owed() */
	rf_grant_write(&rf_own_grant, &rf_draft, rf_grant_sequence);
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (!subos->member || !subos->boot_area)
			continue;
		rf_draft.member = subos->member;
		memset(rf_draft.ranges, 0, sizeof(rf_draft.ranges));
		rf_draft.nr_ranges = rf_ledger_memory_ranges(&rf_books.memory, subos->id,
							     rf_draft.ranges, RF_RANGES_MAX);
		rf_pci_grant(subos, &rf_draft);
		rf_grant_write(subos->boot_area + RF_GRANT_OFF, &rf_draft, rf_grant_sequence);
	}
	if (rf_ficm_self() == U32_MAX)
		return;
	rc = rf_ficm_update();
	if (rc)
		pr_err_ratelimited("rf_ficm cannot follow the ledger: error %d\n", rc);
}

/* Sequence of the newest grant; its pages may just be being written. Context: any. */
u32 rf_grant_published(void)
{
	return READ_ONCE(rf_grant_sequence);
}

/**
 * rf_grant_prepare() - prepare the start of a kernel in a subOS
 * @subos: loaded
 *
 * The kernel gets an id that no kernel had before it, and a valid grant page, which also
 * grants the functions that the last kernel gave up.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_grant_prepare(struct rf_subos *subos)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	subos->kernel_id = ++rf_last_kernel_id;
	rf_ledger_function_restart(&rf_books.functions, subos->id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_grant_update();
}
