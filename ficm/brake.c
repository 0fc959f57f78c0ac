// SPDX-License-Identifier: GPL-2.0
/*
 * The brake: a kernel that is rung more often than it can bear does not say any more how it
 * is rung. The heartbeat then does what the interrupt would, until it has been calm for a
 * while. Nothing can keep a peer from sending the interrupt all the same: only one that
 * rings as agreed is slowed down.
 */
#include <linux/math64.h>
#include <linux/moduleparam.h>

#include "rf_ficm.h"

/*
 * Heartbeats: so long a doorbell is only polled, once it was too much. About a second, or as long
 * as it takes until there were no more than the limit says on average; but not for ever.
 */
#define RF_BRAKE_TICKS		20
#define RF_BRAKE_TICKS_MAX	200

/*
 * At a few microseconds each, this is most of what one core can do; who has fewer of them to
 * spare sets less. Two kernels that answer each other at once stay below it.
 */
static unsigned int rf_brake = 250000;
module_param_named(brake, rf_brake, uint, 0644);
MODULE_PARM_DESC(brake, "interrupts a second above which doorbells are polled; 0: never");

static u32 rf_rung[RF_DOORBELLS_MAX];	/* each by its own interrupt */

/* The heartbeat's. */
static u32 rf_rung_then[RF_DOORBELLS_MAX];
static u32 rf_ticks[RF_DOORBELLS_MAX];	/* left on the brake; others read it */
static u32 rf_polled;			/* doorbells, as bits, that the last look said to poll */
static ktime_t rf_looked;

/* A doorbell was rung. Context: its interrupt. */
void rf_brake_rung(u32 index)
{
	WRITE_ONCE(rf_rung[index], rf_rung[index] + 1);
}

/* Is this doorbell not to be published? Context: any. */
bool rf_brake_is_on(u32 index)
{
	return READ_ONCE(rf_ticks[index]);
}

/* How long @total interrupts since the last look are to last, at @rate a second, in heartbeats. */
static u32 rf_brake_ticks(u64 total, u32 rate)
{
	u64 ticks = div_u64(total * MSEC_PER_SEC, max(rate, 1U)) / RF_TICK_MS;

	return clamp_t(u64, ticks, RF_BRAKE_TICKS, RF_BRAKE_TICKS_MAX);
}

/**
 * rf_brake_look() - put doorbells on the brake, or take them off
 * @now: of CLOCK_MONOTONIC
 *
 * If there were too many interrupts since the last look, all doorbells are put on it that had
 * more than a fair share.
 *
 * Context: The heartbeat.
 * Return: doorbells, as bits, that are on the brake, or were so at the last two looks: whether
 *	they were rung has to be looked at. (The word of one that was just released may be
 *	published by the next look only.)
 */
u32 rf_brake_look(ktime_t now)
{
	u32 rate = READ_ONCE(rf_brake);
	u64 limit = div_u64((u64)rate * ktime_us_delta(now, rf_looked), USEC_PER_SEC);
	u32 more[RF_DOORBELLS_MAX], i, polled = 0, polled_then = rf_polled;
	u64 total = 0;

	BUILD_BUG_ON(RF_DOORBELLS_MAX > BITS_PER_TYPE(polled));
	rf_looked = now;
	for (i = 0; i < RF_DOORBELLS_MAX; i++) {
		u32 rung = READ_ONCE(rf_rung[i]);

		more[i] = rung - rf_rung_then[i];
		rf_rung_then[i] = rung;
		total += more[i];
	}
	for (i = 0; i < RF_DOORBELLS_MAX; i++) {
		if (rf_ticks[i])
			polled |= BIT(i);
		if (limit && total > limit && more[i] > div_u64(limit, RF_DOORBELLS_MAX)) {
			if (!rf_ticks[i])
				rf_count(brakes);
			WRITE_ONCE(rf_ticks[i], max(rf_ticks[i], rf_brake_ticks(total, rate)));
			polled |= BIT(i);
		} else if (rf_ticks[i]) {
			WRITE_ONCE(rf_ticks[i], rate ? rf_ticks[i] - 1 : 0);
		}
	}
	rf_polled = polled;
	return polled | polled_then;
}

/* All doorbells are off the brake. Context: process, before the heartbeat starts. */
void rf_brake_reset(void)
{
	u32 i;

	for (i = 0; i < RF_DOORBELLS_MAX; i++) {
		rf_rung_then[i] = READ_ONCE(rf_rung[i]);
		WRITE_ONCE(rf_ticks[i], 0);
	}
	rf_polled = 0;
	rf_looked = ktime_get();
}
