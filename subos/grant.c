// SPDX-License-Identifier: GPL-2.0
/*
 * The grant page: what this kernel owns right now. The supervisor writes it, also
 * while this kernel runs. Whatever a message asks for, what stands here decides.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/mutex.h>
#include <linux/string.h>

#include "rf_subos.h"

/* The supervisor holds `sequence` odd for microseconds; it may be delayed. */
#define RF_GRANT_TRIES	100

static const struct rf_grant *rf_grant;
static u32 rf_self;			/* own member number */

static DEFINE_MUTEX(rf_snapshot_lock);
static struct rf_grant rf_snapshot;	/* snapshot lock */

static int rf_snapshot_check(const struct rf_grant *copy)
{
	u32 i;

	if (copy->magic != RF_GRANT_MAGIC || copy->major != RF_GRANT_MAJOR ||
	    copy->size < sizeof(*copy))
		return -EINVAL;
	if (!copy->member || copy->member >= RF_MEMBERS_MAX)
		return -EINVAL;
	if (!copy->nr_ranges || copy->nr_ranges > RF_RANGES_MAX)
		return -EINVAL;
	for (i = 0; i < copy->nr_ranges; i++)
		if (!rf_range_ok(&copy->ranges[i]))
			return -EINVAL;
	return 0;
}

/* Fill the snapshot with one consistent state of the page. */
static int rf_snapshot_take(void)
{
	u32 sequence;
	int i;

	lockdep_assert_held(&rf_snapshot_lock);
	for (i = 0; i < RF_GRANT_TRIES; i++) {
		/* The copy is begun after the first look. */
		sequence = smp_load_acquire(&rf_grant->sequence);
		if (!(sequence & 1)) {
			memcpy(&rf_snapshot, rf_grant, sizeof(rf_snapshot));
			smp_rmb();	/* the copy is complete before the second look */
			if (READ_ONCE(rf_grant->sequence) == sequence)
				return rf_snapshot_check(&rf_snapshot);
		}
		usleep_range(100, 200);
	}
	return -EAGAIN;
}

/**
 * rf_grant_open() - map the grant page and check that it is one.
 * @grant: its physical address, checked
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error; the reason was reported.
 */
int rf_grant_open(phys_addr_t grant)
{
	int err;

	rf_grant = memremap(grant, sizeof(*rf_grant), MEMREMAP_WB);
	if (!rf_grant) {
		rf_refuse("grant page at %pa: cannot be mapped", &grant);
		return -ENOMEM;
	}
	mutex_lock(&rf_snapshot_lock);
	err = rf_snapshot_take();
	rf_self = rf_snapshot.member;
	mutex_unlock(&rf_snapshot_lock);
	if (err) {
		rf_refuse("grant page at %pa: makes no sense (%d)", &grant, err);
		rf_grant_close();
	}
	return err;
}

/* Only on the way out of a failed init, when nothing looks at the page any more. */
void rf_grant_close(void)
{
	memunmap((void *)rf_grant);
	rf_grant = NULL;
}

/* The page itself, for rf_ficm_join(). */
const struct rf_grant *rf_grant_page(void)
{
	return rf_grant;
}

/* Differs from an earlier answer if the page has changed since. Context: any. */
u32 rf_grant_sequence(void)
{
	return READ_ONCE(rf_grant->sequence);
}

/**
 * rf_granted() - is this core ours now?
 * @apic_id: physical APIC id
 *
 * One byte of the page decides, so this needs no snapshot.
 *
 * Context: any.
 */
bool rf_granted(u32 apic_id)
{
	return apic_id < RF_APIC_IDS && READ_ONCE(rf_grant->owner[apic_id]) == rf_self;
}

/**
 * rf_grant_has_range() - is all of this memory ours now?
 * @start: physical address
 * @size: bytes; the end must not wrap
 *
 * It may lie across ranges that touch each other.
 *
 * Context: process context, may sleep.
 */
bool rf_grant_has_range(u64 start, u64 size)
{
	u64 at = start, end = start + size;
	bool moved;
	u32 i;

	mutex_lock(&rf_snapshot_lock);
	if (rf_snapshot_take())
		goto out;
	do {
		moved = false;
		for (i = 0; i < rf_snapshot.nr_ranges; i++) {
			const struct rf_range *range = &rf_snapshot.ranges[i];

			if (at >= range->start && at - range->start < range->size) {
				at = range->start + range->size;
				moved = true;
			}
		}
	} while (moved && at < end);
out:
	mutex_unlock(&rf_snapshot_lock);
	return at >= end;
}
