// SPDX-License-Identifier: GPL-2.0
/*
 * The heartbeat: a hard timer on the communication core. It stops if that core hangs
 * with interrupts off, for then nobody answers any more, whatever the other cores do.
 * If the core goes offline, the kernel moves the timer.
 *
 * The same timer looks for events that were missed: a change of the grant for which nobody
 * rang, a doorbell that was rung but never arrived, or one that is on the brake. It also publishes
 * our words in the arena again, which another kernel may have overwritten.
 */
#include <linux/cpu.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/moduleparam.h>
#include <linux/smp.h>

#include "rf_ficm.h"

/* By so much a tick is late that it proves nothing. */
#define RF_LATE_MS	10

static unsigned int rf_core;
module_param_named(core, rf_core, uint, 0444);
MODULE_PARM_DESC(core, "communication core, by logical number");

bool rf_beating = true;
static struct hrtimer rf_timer;
static struct rf_endpoint *rf_beat_in;	/* our own endpoint; set while the timer runs */
static u64 *rf_beat_also;		/* a word that is not in the arena, or NULL */
static u64 rf_beats;

/**
 * rf_communication_core() - where messages arrive to begin with
 *
 * Context: Any.
 * Return: logical number of a core that is, or just was, online.
 */
unsigned int rf_communication_core(void)
{
	if (rf_core < nr_cpu_ids && cpu_online(rf_core))
		return rf_core;
	return cpumask_first(cpu_online_mask);
}

/**
 * rf_ficm_beat() - stop or resume the heartbeat
 * @on: true: beat
 *
 * For tests: another kernel sees this one hang, while all else works.
 *
 * Context: Any.
 */
void rf_ficm_beat(bool on)
{
	WRITE_ONCE(rf_beating, on);
}
EXPORT_SYMBOL_GPL(rf_ficm_beat);

/**
 * rf_ficm_beat_in() - beat in one more word
 * @word: until rf_ficm_leave()
 *
 * Any kernel can write the beat in the arena.
 *
 * Context: Any, while we are a member.
 */
void rf_ficm_beat_in(u64 *word)
{
	WRITE_ONCE(rf_beat_also, word);
}
EXPORT_SYMBOL_GPL(rf_ficm_beat_in);

static void rf_beat(void)
{
	u64 *also = READ_ONCE(rf_beat_also);

	if (!READ_ONCE(rf_beating))
		return;
	WRITE_ONCE(rf_beat_in->beat, ++rf_beats);
	if (also)
		WRITE_ONCE(*also, rf_beats);
}

static enum hrtimer_restart rf_tick(struct hrtimer *timer)
{
	ktime_t now = hrtimer_cb_get_time(timer);
	bool late = ktime_ms_delta(now, hrtimer_get_expires(timer)) >= RF_LATE_MS;
	u32 polled = rf_brake_look(now);

	rf_beat();
	rf_acknowledge_look();
	if (rf_grant_is_stale())
		rf_grant_refresh();
	else
		rf_messages_check(late);
	rf_endpoint_publish(rf_beat_in);
	rf_doorbells_restore(rf_beat_in);
	rf_doorbells_poll(polled);
	rf_messages_restore();
	/* From now: after a late tick, the next look must not come at once. */
	hrtimer_set_expires(timer, ktime_add_ms(now, RF_TICK_MS));
	return HRTIMER_RESTART;
}

static void rf_heartbeat_begin(void *unused)
{
	hrtimer_start(&rf_timer, ms_to_ktime(RF_TICK_MS), HRTIMER_MODE_REL_PINNED_HARD);
}

/**
 * rf_heartbeat_start() - start the heartbeat
 * @endpoint: our own; until rf_heartbeat_stop()
 *
 * Context: Process context.
 */
void rf_heartbeat_start(struct rf_endpoint *endpoint)
{
	rf_beat_in = endpoint;
	rf_beats = READ_ONCE(endpoint->beat) + 1;
	WRITE_ONCE(endpoint->beat, rf_beats);
	rf_brake_reset();
	hrtimer_init(&rf_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_PINNED_HARD);
	rf_timer.function = rf_tick;
	if (smp_call_function_single(rf_communication_core(), rf_heartbeat_begin, NULL, true))
		rf_heartbeat_begin(NULL);
}

/**
 * rf_heartbeat_stop() - stop the heartbeat
 *
 * Context: Process context.
 */
void rf_heartbeat_stop(void)
{
	hrtimer_cancel(&rf_timer);
	rf_beat_also = NULL;
}
