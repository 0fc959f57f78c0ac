// SPDX-License-Identifier: GPL-2.0
/*
 * Acknowledges grants. A ring looks up the owner of a core in the grant page itself, but
 * from there to the interrupt it can take any time: an NMI, an SMI, a virtual processor that is not
 * scheduled. When the page has changed, all rings that began before are waited for; then this
 * kernel says so, and the supervisor may give the core to somebody else.
 *
 * Not under the member lock: that can be held for as long as the kernel hotplugs memory.
 */
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "kernel/grant.h"
#include "rf_ficm.h"

/* Set while we are a member. */
static const struct rf_grant *rf_acknowledged_grant;
static u64 *rf_acknowledged_in;
static u64 rf_acknowledging;		/* what stands there, or will in a moment */

/*
 * A ring is a read-side critical section of RCU, in an NMI as well, and so is what runs with
 * interrupts off. A grace period needs no lock of CPU hotplug, sleeps while a core does not
 * answer, and leaves cores alone that idle or execute user space undisturbed (nohz_full).
 */
static void rf_acknowledge_run(struct work_struct *work)
{
	u64 word;

	/* An acquire: who begins to ring after the grace period began sees this grant, or a newer one. */
	word = rf_grant_acknowledgement(rf_grant_begin(rf_acknowledged_grant));
	WRITE_ONCE(rf_acknowledging, word);
	synchronize_rcu_expedited();
	/* Pairs with smp_rmb() in rf_await_owed(): all rings have reached the local APICs. */
	smp_store_release(rf_acknowledged_in, word);
}
static DECLARE_WORK(rf_acknowledge_work, rf_acknowledge_run);

/**
 * rf_acknowledge_look() - has the grant changed since it was acknowledged? Then do that soon
 *
 * Context: The heartbeat, a doorbell's interrupt, or member lock, while we are a member.
 */
void rf_acknowledge_look(void)
{
	u32 sequence = READ_ONCE(rf_acknowledged_grant->sequence);

	if (rf_grant_acknowledgement(sequence) != READ_ONCE(rf_acknowledging))
		queue_work(system_unbound_wq, &rf_acknowledge_work);
}

/**
 * rf_acknowledge_start() - acknowledge what is in the page now, and what comes
 * @grant: until rf_acknowledge_stop()
 * @word: as well
 *
 * Context: Process context, member lock; before the first ring.
 */
void rf_acknowledge_start(const struct rf_grant *grant, u64 *word)
{
	lockdep_assert_held(&rf_member_lock);
	rf_acknowledged_grant = grant;
	rf_acknowledged_in = word;
	rf_acknowledging = rf_grant_acknowledgement(rf_grant_begin(grant));
	WRITE_ONCE(*word, rf_acknowledging);
	/*
	 * Pairs with smp_mb() in rf_grant_await(): either the supervisor sees the word, or our first
	 * ring sees the grant that it has published before.
	 */
	smp_mb();
}

/**
 * rf_acknowledge_stop() - nobody here rings any more
 *
 * Context: Process context, may sleep; member lock. All rings are over, and nobody looks any more.
 */
void rf_acknowledge_stop(void)
{
	lockdep_assert_held(&rf_member_lock);
	cancel_work_sync(&rf_acknowledge_work);
	WRITE_ONCE(*rf_acknowledged_in, 0);
}
