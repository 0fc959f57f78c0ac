// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that the pool lacks is taken from the supervisor's kernel, block by block, before
 * anything changes its owner, and without the ledger lock. What was provided is free memory of
 * the pool: somebody else may be faster, so who takes it looks again, under the lock.
 */
#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/memory_hotplug.h>
#include <linux/minmax.h>
#include <linux/sched/signal.h>

#include "memory/internal.h"

#define RF_BUSY_LOOK		(HZ / 10)
#define RF_BUSY_LOOKS_MAX	100	/* at I/O that does not end */

/* How long a block is tried, by the round: first all are, shortly. In jiffies. */
static const unsigned long rf_tries[] = { 4 * HZ, 8 * HZ, 8 * HZ };

static atomic_t rf_provisions;

/* How long to try the next block. */
static unsigned long rf_provision_try(const struct rf_provision *provision)
{
	long left = provision->deadline - jiffies;

	/* There must be time for others. */
	return clamp(left / 4, 1L, (long)rf_tries[provision->round]);
}

/*
 * None is left in this round, or only such whose I/O is under way (@busy). Return: 0: look again;
 * -EAGAIN: a little later; -ENOMEM.
 */
static int rf_provision_round(struct rf_provision *provision, bool busy)
{
	if (busy && ++provision->looks <= RF_BUSY_LOOKS)
		return -EAGAIN;
	if (provision->late && provision->round + 1 < ARRAY_SIZE(rf_tries)) {
		provision->late = false;
		provision->round++;
		return 0;
	}
	return busy && provision->looks < RF_BUSY_LOOKS_MAX ? -EAGAIN : -ENOMEM;
}

static int rf_provision_failed(struct rf_provision *provision, u64 start, int rc)
{
	if (signal_pending(current))
		return -EINTR;
	/* Ended by us, or for want of memory, it may come yet. */
	return rf_block_note_try(provision, start, rc == -EINTR || rc == -ENOMEM);
}

/* Return: bytes, or -EINTR. */
static s64 rf_provision_missing(struct rf_provision *provision, bool ample)
{
	u64 missing;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	missing = rf_pool_missing(provision->size, provision->align, provision->node, ample,
				  &provision->available);
	mutex_unlock(&rf_ledger_lock);
	return min_t(u64, missing, S64_MAX);
}

/*
 * Blocks may be taken in vain: with gaps between them, none is whole for a subOS with larger ones.
 * So much of that is in order as could make two of its blocks.
 */
static bool rf_provision_futile(struct rf_provision *provision, u64 missing)
{
	if (missing != provision->missing)
		provision->idle = 0;
	provision->missing = missing;
	return provision->idle > 2 * max(provision->align, rf_block_size());
}

/* Take the next block. Return: as rf_provision_block(); -EINPROGRESS: the turn is gone. */
static int rf_provision_next(struct rf_provision *provision)
{
	bool busy;
	u64 start;
	int rc;

	/* Others may have filled the pool while we waited for the turn. */
	if (rf_provision_missing(provision, provision->began) <= 0)
		return 0;
	start = rf_block_pick(provision, &busy);
	if (!start)
		return rf_provision_round(provision, busy);
	rc = rf_step("block-take");
	if (rc)
		return rc;
	if (signal_pending(current))
		return -EINTR;
	provision->began = true;
	rc = rf_block_take(start, provision, rf_provision_try(provision));
	if (rc == -EINPROGRESS) {
		rf_block_note_try(provision, start, true);
		return rc;
	}
	if (rc)
		return rf_provision_failed(provision, start, rc);
	provision->idle += rf_block_size();
	if (provision->patience)
		provision->deadline = max(provision->deadline, jiffies + provision->patience);
	return 0;
}

/*
 * Try to take one block. Return: 0, also if it could not be taken, but others may; -EAGAIN: those
 * that are left have I/O under way; -ENOMEM; -EINTR; -EALREADY; -EPIPE.
 */
static int rf_provision_block(struct rf_provision *provision)
{
	int rc;

	if (provision->subos && rf_phase_held(rf_subos_phase(provision->subos)))
		return -EPIPE;
	rc = rf_hotplug_begin(provision->deadline);
	if (rc)
		return rc;
	/* The turn for one block at a time. Others may have changed the resource tree since. */
	rc = rf_provision_next(provision);
	/* Its thread was left behind, and has the turn: if it ends soon, we go on. */
	if (rc == -EINPROGRESS)
		return signal_pending(current) ? -EINTR : 0;
	rf_hotplug_end();
	return rc;
}

/**
 * rf_pool_provide() - make the pool hold enough free memory
 * @provision: size, align, node, subos, deadline and patience are set, see rf_provision_init()
 *
 * What was taken stays in the pool until rf_pool_release(), also after an error.
 *
 * Context: Process context, interruptible. Neither the turn to hotplug nor the ledger lock held.
 * Return: 0; -EINTR; -ENOMEM: not so much, or not in time: provision->available is what there
 *	   is; -EALREADY: hotplug is blocked; -EPIPE: the subOS has ended; or the error of a step.
 */
int rf_pool_provide(struct rf_provision *provision)
{
	s64 missing;
	int rc = 0;

	while (!rc) {
		missing = rf_provision_missing(provision, provision->began);
		if (missing <= 0)
			return missing;
		if ((u64)missing > rf_memory_spare() || rf_provision_futile(provision, missing) ||
		    time_after(jiffies, provision->deadline))
			break;
		rc = rf_provision_block(provision);
		if (rc == -EAGAIN) {
			schedule_timeout_interruptible(RF_BUSY_LOOK);
			rc = signal_pending(current) ? -EINTR : 0;
		}
	}
	if (rc && rc != -ENOMEM && rc != -EALREADY)
		return rc;
	missing = rf_provision_missing(provision, false);
	return missing > 0 ? (rc ?: -ENOMEM) : missing;
}

/* In any case rf_pool_release() is due. */
void rf_provision_init(struct rf_provision *provision, u32 timeout_ms)
{
	*provision = (struct rf_provision){
		.node = -1,
		.deadline = jiffies + msecs_to_jiffies(timeout_ms),
	};
	xa_init(&provision->notes);
	atomic_inc(&rf_provisions);
	smp_mb__after_atomic();
}

/* Does anybody take memory, or give back what was not needed? A caller sees later ones in turn. */
bool rf_provisions_any(void)
{
	smp_mb();
	return atomic_read(&rf_provisions);
}

/**
 * rf_pool_release() - what was provided has found its owner, or nobody needs it
 * @provision: the provision; it is over
 *
 * Context: as above; in a worker, so that no signal ends it.
 */
void rf_pool_release(struct rf_provision *provision)
{
	xa_destroy(&provision->notes);
	if (provision->began) {
		rf_blocks_release(provision);
		rf_blocks_unused();
	}
	atomic_dec(&rf_provisions);
}
