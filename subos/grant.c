// SPDX-License-Identifier: GPL-2.0
/*
 * The grant page: what this kernel owns right now. The supervisor writes it, also
 * while this kernel runs. Whatever a message asks for, what stands here decides.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "kernel/grant.h"
#include "kernel/overlap.h"
#include "rf_subos.h"

#define RF_BAR_MIN	16		/* bytes: the low 4 bits of a BAR are its type */

static const struct rf_grant *rf_grant;
static u32 rf_self;			/* own member number */

static DEFINE_MUTEX(rf_snapshot_lock);
static struct rf_grant rf_snapshot;	/* snapshot lock */

static int rf_snapshot_check(const struct rf_grant *copy)
{
	u32 i;

	if (!rf_grant_is_valid(copy) || !copy->member || !copy->nr_ranges ||
	    copy->nr_functions > RF_FUNCTIONS_MAX)
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

	lockdep_assert_held(&rf_snapshot_lock);
	return rf_grant_read(rf_grant, &rf_snapshot, &sequence) ?:
	       rf_snapshot_check(&rf_snapshot);
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
		rf_refuse("grant page at %pa: invalid, error %d", &grant, err);
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

/* Could a function be reached there, and is it neither our own memory nor the arena? */
static bool rf_device_range_ok(u64 start, u64 size)
{
	u32 i;

	lockdep_assert_held(&rf_snapshot_lock);
	if (!start || !IS_ALIGNED(start, size) || start >= rf_phys_end() ||
	    size > rf_phys_end() - start)
		return false;
	for (i = 0; i < rf_snapshot.nr_ranges; i++)
		if (rf_overlap(start, size, rf_snapshot.ranges[i].start,
			       rf_snapshot.ranges[i].size))
			return false;
	for (i = 0; i < RF_SEGMENTS_MAX_ARENA; i++)
		if (rf_overlap(start, size, rf_snapshot.segments[i].start,
			       rf_snapshot.segments[i].size))
			return false;
	return region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) ==
	       REGION_DISJOINT;
}

/* Memory BARs as a stock kernel reads them from registers: there is no other shape. */
static bool rf_bars_ok(const struct rf_function *function)
{
	u32 i;

	for (i = 0; i < RF_BARS; i++) {
		const struct rf_bar *bar = &function->bars[i];
		u8 type = function->bar_types[i];

		if (!bar->size)
			continue;
		if (bar->size < RF_BAR_MIN || !is_power_of_2(bar->size) ||
		    !rf_device_range_ok(bar->start, bar->size))
			return false;
		if (type & ~(RF_BAR_64 | RF_BAR_PREFETCH))
			return false;
		if (!(type & RF_BAR_64)) {
			if (bar->start + bar->size > SZ_4G)
				return false;
		} else if (++i == RF_BARS || function->bars[i].size) {
			return false;	/* no room for its upper half */
		}
	}
	return true;
}

static bool rf_function_ok(const struct rf_function *function)
{
	return function->vendor && function->vendor != 0xffff &&
	       rf_device_range_ok(function->config, RF_CONFIG_SIZE) && rf_bars_ok(function);
}

/**
 * rf_grant_function() - what the page says of a function of ours.
 * @bdf: RF_BDF()
 * @function: a copy, checked
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT: it is not ours; -EINVAL: what the page says makes no sense;
 * -EAGAIN: the page does not keep still.
 */
int rf_grant_function(u32 bdf, struct rf_function *function)
{
	int err;
	u32 i;

	mutex_lock(&rf_snapshot_lock);
	err = rf_snapshot_take();
	if (err)
		goto unlock;
	err = -ENOENT;
	for (i = 0; i < rf_snapshot.nr_functions; i++) {
		if (rf_snapshot.functions[i].bdf != bdf)
			continue;
		*function = rf_snapshot.functions[i];
		err = rf_function_ok(function) ? 0 : -EINVAL;
		break;
	}
unlock:
	mutex_unlock(&rf_snapshot_lock);
	return err;
}

/**
 * rf_grant_functions() - which functions are ours.
 * @bdfs: RF_BDF() of each, in the order of the page
 *
 * Context: process context, may sleep.
 * Return: how many, or a negative error.
 */
int rf_grant_functions(u32 bdfs[RF_FUNCTIONS_MAX])
{
	int rc;
	u32 i;

	mutex_lock(&rf_snapshot_lock);
	rc = rf_snapshot_take();
	if (!rc) {
		rc = rf_snapshot.nr_functions;
		for (i = 0; i < rf_snapshot.nr_functions; i++)
			bdfs[i] = rf_snapshot.functions[i].bdf;
	}
	mutex_unlock(&rf_snapshot_lock);
	return rc;
}

/**
 * rf_grant_function_taken() - was a function taken by force, or is it not ours any more?
 * @bdf: RF_BDF()
 * @generation: of when it was given
 *
 * One look without a retry, because callers may have interrupts off. True only if the page
 * kept still meanwhile: true is final, and false would be out of date soon in any case.
 *
 * Context: any.
 */
bool rf_grant_function_taken(u32 bdf, u32 generation)
{
	u32 sequence = rf_grant_begin(rf_grant);
	u32 count = READ_ONCE(rf_grant->nr_functions), i;
	bool taken = true;

	for (i = 0; i < min_t(u32, count, RF_FUNCTIONS_MAX); i++) {
		const struct rf_function *function = &rf_grant->functions[i];

		if (READ_ONCE(function->bdf) != bdf ||
		    READ_ONCE(function->generation) != generation)
			continue;
		taken = READ_ONCE(function->flags) & RF_FUNCTION_TAKEN;
		break;
	}
	return rf_grant_kept_still(rf_grant, sequence) && taken;
}
