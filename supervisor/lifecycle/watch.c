// SPDX-License-Identifier: GPL-2.0
/*
 * Polls the mailboxes and heartbeats of all started subOSes from a timer: boot progress,
 * liveness, and cause of the end. A booting subOS is polled often: before its agent is in
 * place (or for ever, if it has none), a reboot there goes through the ACPI reset register,
 * and its cores must be held within the 15 ms that its kernel waits before it tries methods
 * that would reset the whole machine (acpi_reboot()).
 *
 * A mailbox is written by another kernel: every field is read once, and checked. The arena is
 * written by any kernel: nothing in it makes a subOS hang or live here. A missing heartbeat
 * does not prove a crash: the subOS is LOST, and at the next beat what it was before. Only its
 * hang time-out ends it, if its policy says so. One that boots has that time before it is LOST, too:
 * much that a kernel does then takes it all, and nobody asks it for anything.
 */
#include <linux/ctype.h>
#include <linux/hrtimer.h>
#include <linux/string.h>

#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "resize/resize.h"
#include "shared/shared.h"

#define RF_WATCH_BOOTING	(2 * NSEC_PER_MSEC)
#define RF_WATCH_RUNNING	(20 * NSEC_PER_MSEC)
/* A panicking kernel still prints for a while after its panic notifiers. */
#define RF_CRASH_GRACE		(500 * NSEC_PER_MSEC)
/* Silence after which a subOS is lost; time during which we did not poll does not count. */
#define RF_BEAT_LOST		(9 * RF_BEAT_MS * NSEC_PER_MSEC)
#define RF_WATCH_LATE		(300 * NSEC_PER_MSEC)
#define RF_WATCH_ARENA		NSEC_PER_SEC

static struct hrtimer rf_watch_timer;
static u64 rf_watch_last;		/* state lock: time of the last poll */
static u64 rf_watch_arena_at;		/* state lock: when the arena was last checked */

/* Is there an agent, whose part of the mailbox we can read? */
static bool rf_watch_agent(const struct rf_mailbox *mailbox)
{
	/* Pairs with smp_wmb() in rf_report_agent(): a valid magic vouches for the other fields. */
	return smp_load_acquire(&mailbox->magic) == RF_MAILBOX_MAGIC &&
	       READ_ONCE(mailbox->major) == RF_MAILBOX_MAJOR;
}

static void rf_watch_stage(struct rf_subos *subos, const struct rf_mailbox *mailbox, u64 now)
{
	/* Pairs with smp_wmb() in rf_report_stage(): what was stored before the stage is seen. */
	u32 stage = smp_load_acquire(&mailbox->stage);
	u32 cpus = READ_ONCE(mailbox->cpus_online);

	if (!rf_watch_agent(mailbox))
		return;
	cpus = min(cpus, rf_ledger_core_count(&rf_books.cores, subos->id));
	if (stage >= RF_STAGE_NR || (stage <= subos->stage && cpus == subos->cpus_online))
		return;
	subos->cpus_online = cpus;
	subos->vmcoreinfo = READ_ONCE(mailbox->vmcoreinfo);
	subos->vmcoreinfo_size = READ_ONCE(mailbox->vmcoreinfo_size);
	if (stage > subos->stage)
		subos->stage = stage;
	if (subos->stage >= RF_STAGE_AGENT && !subos->moments[RF_MOMENT_AGENT])
		subos->moments[RF_MOMENT_AGENT] = now;
	rf_subos_changed(subos);
}

/* The user's init has begun. Also one that had been lost since before that, and beats again. */
static void rf_watch_booted(struct rf_subos *subos, u64 now)
{
	if (subos->stage < RF_STAGE_RUNNING || subos->life.phase != RF_PHASE_BOOTING)
		return;
	subos->moments[RF_MOMENT_RUNNING] = now;
	rf_subos_enter(subos, RF_PHASE_RUNNING, RF_CAUSE_NONE);
}

static void rf_watch_reason(struct rf_subos *subos, const struct rf_mailbox *mailbox)
{
	char c;
	int i;

	for (i = 0; i < RF_REASON_MAX - 1; i++) {
		c = READ_ONCE(mailbox->reason[i]);
		if (!c)
			break;
		subos->reason[i] = isascii(c) && isprint(c) ? c : '?';
	}
	subos->reason[i] = '\0';
}

static enum rf_cause rf_watch_cause(const struct rf_mailbox *mailbox)
{
	u32 cause = READ_ONCE(mailbox->cause);

	/* Valid without the magic, too: an agent that refuses its hand-off still gives a cause. */
	if (cause > RF_CAUSE_OPERATOR && cause <= RF_CAUSE_AGENT)
		return cause;
	if (READ_ONCE(mailbox->reset) == RF_MAILBOX_RESET_VALUE)
		return RF_CAUSE_ACPI_RESET;
	if (READ_ONCE(mailbox->sleep_control) == RF_MAILBOX_SLEEP_S5)
		return RF_CAUSE_ACPI_SLEEP;
	return RF_CAUSE_NONE;
}

/* The subOS's cores are held, so its output is complete: drain it, and queue the policy. */
static void rf_watch_ended(struct rf_subos *subos, enum rf_cause cause)
{
	rf_subos_enter(subos, RF_PHASE_ENDED, cause);
	rf_console_poll(subos);
	rf_policy_ended(subos);
}

/* The subOS is ending: hold its cores, at once unless it panics and may still print. */
static void rf_watch_end(struct rf_subos *subos, const struct rf_mailbox *mailbox,
			 enum rf_cause cause, u64 now)
{
	if (cause != RF_CAUSE_PANIC)
		rf_cores_hold(subos);
	/* Pairs with smp_wmb() in rf_report_cause(): the reason is complete. */
	smp_rmb();
	rf_watch_reason(subos, mailbox);
	if (cause == RF_CAUSE_PANIC) {
		subos->dying_until = now + RF_CRASH_GRACE;
		rf_subos_enter(subos, RF_PHASE_DYING, cause);
	} else {
		rf_watch_ended(subos, cause);
	}
}

/* Has the subOS's heartbeat advanced since the last poll? */
static bool rf_watch_beats(struct rf_subos *subos, const struct rf_mailbox *mailbox, u64 now)
{
	u64 beat;

	if (!rf_watch_agent(mailbox))
		return false;
	beat = READ_ONCE(mailbox->beat);
	if (!beat || beat == subos->beat)
		return false;
	subos->beat = beat;
	subos->beat_at = now;
	return true;
}

/* It was silent for longer than its hang time-out. */
static void rf_watch_hangs(struct rf_subos *subos)
{
	if (rf_policy_on_crash(subos) != RF_POLICY_KEEP) {
		rf_cores_hold(subos);
		strscpy(subos->reason, "no heartbeat", sizeof(subos->reason));
		rf_watch_ended(subos, RF_CAUSE_HANG);
	} else if (subos->life.phase == RF_PHASE_BOOTING) {
		rf_subos_enter(subos, RF_PHASE_LOST, RF_CAUSE_NONE);
	}
}

/* @late: the last poll was so long ago that the silence may be our own fault. */
static void rf_watch_heart(struct rf_subos *subos, const struct rf_mailbox *mailbox, u64 now,
			   bool late)
{
	u64 hang = RF_BEAT_LOST + subos->policies.hang_timeout_ms * NSEC_PER_MSEC;

	if (rf_watch_beats(subos, mailbox, now)) {
		if (subos->life.phase == RF_PHASE_LOST)
			rf_subos_enter(subos, subos->moments[RF_MOMENT_RUNNING] ?
				       RF_PHASE_RUNNING : RF_PHASE_BOOTING, RF_CAUSE_NONE);
		return;
	}
	if (!subos->beat_at)
		return;		/* the agent sends no heartbeat, or not yet */
	if (late)
		subos->beat_at = now;
	if (subos->life.phase == RF_PHASE_RUNNING && now - subos->beat_at > RF_BEAT_LOST)
		rf_subos_enter(subos, RF_PHASE_LOST, RF_CAUSE_NONE);
	else if (now - subos->beat_at > hang)
		rf_watch_hangs(subos);
}

/* Return: nanoseconds until this subOS must be polled again, or 0. */
static u64 rf_watch_one(struct rf_subos *subos, u64 now, bool late)
{
	const struct rf_mailbox *mailbox = subos->boot_area + RF_MAILBOX_OFF;
	enum rf_cause cause;

	if (subos->life.phase == RF_PHASE_DYING) {
		rf_console_poll(subos);
		if (now < subos->dying_until)
			return RF_WATCH_RUNNING;
		rf_cores_hold(subos);
		rf_watch_ended(subos, subos->life.cause);
	}
	if (!rf_phase_live(subos->life.phase))
		return 0;
	rf_console_poll(subos);
	rf_watch_stage(subos, mailbox, now);
	rf_watch_booted(subos, now);
	cause = rf_watch_cause(mailbox);
	if (cause != RF_CAUSE_NONE) {
		rf_watch_end(subos, mailbox, cause, now);
		return subos->life.phase == RF_PHASE_DYING ? RF_WATCH_RUNNING : 0;
	}
	if (subos->life.phase != RF_PHASE_STOPPING)
		rf_watch_heart(subos, mailbox, now, late);
	return subos->life.phase == RF_PHASE_BOOTING ? RF_WATCH_BOOTING : RF_WATCH_RUNNING;
}

/*
 * Have functions that are leaving the subOS settled (resize/settle.c): once in a while, and
 * when it has ended. Return: as above.
 */
static u64 rf_watch_settle(struct rf_subos *subos, u64 now, u64 interval)
{
	u64 at = READ_ONCE(subos->settle_at);

	if (!at || subos->life.phase == RF_PHASE_DESTROYING)
		return interval;
	if (now >= at || (rf_phase_held(subos->life.phase) && !subos->not_held))
		rf_functions_settle_soon(subos);
	return interval ?: RF_WATCH_RUNNING;
}

static enum hrtimer_restart rf_watch(struct hrtimer *timer)
{
	u64 now, next = 0, interval;
	struct rf_subos *subos;
	unsigned long flags;
	bool late;

	spin_lock_irqsave(&rf_state_lock, flags);
	now = ktime_get_ns();
	late = now - rf_watch_last > RF_WATCH_LATE;
	rf_watch_last = now;
	if (now - rf_watch_arena_at > RF_WATCH_ARENA) {
		rf_watch_arena_at = now;
		rf_machine_page_restore();
	}
	list_for_each_entry(subos, &rf_subos_list, node) {
		interval = rf_watch_settle(subos, now, rf_watch_one(subos, now, late));
		if (interval && (!next || interval < next))
			next = interval;
	}
	/* Already queued if rf_watch_kick() ran in between. */
	if (next && !hrtimer_is_queued(timer))
		hrtimer_forward_now(timer, ns_to_ktime(next));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return next ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

/* A subOS was started: poll it from now on. Context: process. */
void rf_watch_kick(void)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	hrtimer_start(&rf_watch_timer, ns_to_ktime(RF_WATCH_BOOTING), HRTIMER_MODE_REL);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

void rf_watch_init(void)
{
	hrtimer_init(&rf_watch_timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	rf_watch_timer.function = rf_watch;
}

void rf_watch_exit(void)
{
	hrtimer_cancel(&rf_watch_timer);
}
