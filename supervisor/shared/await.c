// SPDX-License-Identifier: GPL-2.0
/*
 * Waits until all kernels follow the newest grant. A kernel that rings looks up whose core
 * it is, then sends the interrupt, and may be held up in between; so a core that has left one
 * grant page has left all only when each member has acknowledged that (ficm/acknowledge.c).
 * Without this, a ring for the last owner could arrive in the next one.
 *
 * What a member says is its own affair: one that lies could as well send the interrupt. One that
 * says nothing does not hold up the others for long.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "kernel/grant.h"
#include "shared/internal.h"

/*
 * No more than one part in so many of all time is spent on waiting for one member. But each time it
 * gets what its heartbeat needs to notice a change, and that is not counted.
 */
#define RF_AWAIT_PART		16
#define RF_AWAIT_LEAST		(RF_BEAT_MS * NSEC_PER_MSEC)
#define RF_AWAIT_LOOKS		100	/* in quick succession */

static unsigned int rf_await_ms = 1000;
module_param_named(grant_ms, rf_await_ms, uint, 0644);
MODULE_PARM_DESC(grant_ms, "how long to wait for a kernel to acknowledge a grant; 0: not at all");

/* By member, state lock: what waiting has cost, and whether it was in vain. */
static struct rf_patience {
	u32 kernel_id;
	bool failed;			/* has not acknowledged @wanted, nor anything since */
	u32 wanted;
	u64 paid;			/* ktime_get_ns() until which nothing is left to spend */
} rf_patience[RF_MEMBERS_MAX];

/* Who is waited for, as bits; and until when. */
struct rf_await {
	u32 wanted;
	u32 members;
	u64 begun;
	u64 until[RF_MEMBERS_MAX];	/* ktime_get_ns() */
	/* Who did not acknowledge in time, and is to be reported, without the state lock. */
	bool failed, report;
	char name[RF_NAME_MAX];
};

/*
 * Its word, read once. 0 if it does not ring: its cores are held, or it has not joined. One that
 * panics may still ring, until its cores are held, soon. State lock.
 */
static u64 rf_await_word(u32 member, const struct rf_subos *subos)
{
	const struct rf_mailbox *mailbox;

	lockdep_assert_held(&rf_state_lock);
	if (!member)
		return READ_ONCE(rf_own_acknowledged);
	/* Called to the park is not in the park. */
	if (!subos->boot_area || (!rf_subos_executes(subos) && !subos->not_held))
		return 0;
	mailbox = subos->boot_area + RF_MAILBOX_OFF;
	return READ_ONCE(mailbox->acknowledged);
}

static bool rf_await_owed(u32 member, const struct rf_subos *subos, u32 wanted)
{
	u64 word = rf_await_word(member, subos);

	/* Pairs with smp_wmb() in rf_grant_update(): what it acknowledges was published before. */
	smp_rmb();
	return rf_grant_is_owed(word, wanted, rf_grant_published());
}

/* How long it is waited for. State lock. */
static u64 rf_await_patience(const struct rf_patience *patience, u64 now)
{
	u64 full = (u64)READ_ONCE(rf_await_ms) * NSEC_PER_MSEC;
	u64 least = min_t(u64, full, RF_AWAIT_LEAST);
	u64 spent = patience->paid > now ? (patience->paid - now) / RF_AWAIT_PART : 0;

	return spent < full - least ? full - spent : least;
}

/* It is not waited for any more. State lock. */
static void rf_await_end(struct rf_await *await, u32 member, u64 now)
{
	struct rf_patience *patience = &rf_patience[member];
	u64 waited = now - await->begun;

	await->members &= ~BIT(member);
	if (waited > RF_AWAIT_LEAST)
		patience->paid = max(patience->paid, now) + waited * RF_AWAIT_PART;
}

/* One at a time; the next look finds the others. State lock. */
static void rf_await_fail(struct rf_await *await, u32 member, const struct rf_subos *subos, u64 now)
{
	if (await->report)
		return;
	rf_patience[member].failed = true;
	rf_patience[member].wanted = await->wanted;
	rf_await_end(await, member, now);
	await->failed = await->report = true;
	strscpy(await->name, subos ? subos->name : "", sizeof(await->name));
}

static void rf_await_report(struct rf_await *await)
{
	if (!await->report)
		return;
	pr_warn_ratelimited("%s%s does not acknowledge its grant (%llu ms): a doorbell that it rings late may hit a core's next owner\n",
			    *await->name ? "subOS " : "this kernel", await->name,
			    (ktime_get_ns() - await->begun) / NSEC_PER_MSEC);
	await->report = false;
}

/* Is it worth waiting for this member, and until when? State lock. */
static void rf_await_begin_one(struct rf_await *await, u32 member, const struct rf_subos *subos)
{
	struct rf_patience *patience = &rf_patience[member];
	u32 kernel_id = subos ? subos->kernel_id : RF_KERNEL_SUPERVISOR;

	if (patience->kernel_id != kernel_id) {
		patience->kernel_id = kernel_id;
		patience->failed = false;
		patience->paid = 0;
	}
	if (!rf_await_owed(member, subos, await->wanted))
		return;
	/* As long as it owes what it was waited for in vain, it is not waited for again. */
	if (patience->failed && rf_await_owed(member, subos, patience->wanted))
		return;
	patience->failed = false;
	await->members |= BIT(member);
	await->until[member] = await->begun + rf_await_patience(patience, await->begun);
}

static void rf_await_look_one(struct rf_await *await, u32 member, const struct rf_subos *subos,
			      u64 now)
{
	if (!(await->members & BIT(member)))
		return;
	if (!rf_await_owed(member, subos, await->wanted))
		rf_await_end(await, member, now);
	else if (now >= await->until[member])
		rf_await_fail(await, member, subos, now);
}

static void rf_await_begin(struct rf_await *await)
{
	struct rf_subos *subos;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	rf_await_begin_one(await, 0, NULL);
	list_for_each_entry(subos, &rf_subos_list, node)
		if (subos->member)
			rf_await_begin_one(await, subos->member, subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* Who is no member any more has been held. Return: false if nobody is left to wait for. */
static bool rf_await_look(struct rf_await *await)
{
	u64 now = ktime_get_ns();
	struct rf_subos *subos;
	unsigned long flags;
	u32 present = BIT(0);

	spin_lock_irqsave(&rf_state_lock, flags);
	rf_await_look_one(await, 0, NULL, now);
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (!subos->member)
			continue;
		present |= BIT(subos->member);
		rf_await_look_one(await, subos->member, subos, now);
	}
	await->members &= present;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_await_report(await);
	return await->members;
}

/**
 * rf_grant_await() - wait until no member acts upon a grant older than the newest one
 *
 * After rf_publish() took a core out of the grants, and before anybody else can start it. An
 * interrupt that was sent before is then at the core's local APIC, or was; the INIT with which
 * the next owner starts the core clears it.
 *
 * Context: Process context, may sleep: for a second (grant_ms) at most, for all members together.
 *	    Neither ledger lock nor state lock held, for others need them: `adjusting`, or the
 *	    turn to hotplug.
 * Return: 0, also if a member is not waited for again; -ETIMEDOUT if one did not acknowledge it in
 *	   time. That was reported; all that a caller can do is to go on.
 */
int rf_grant_await(void)
{
	struct rf_await await = { .wanted = rf_grant_published(), .begun = ktime_get_ns() };
	u32 member, looks = 0;

	if (!READ_ONCE(rf_await_ms))
		return 0;
	/*
	 * Pairs with smp_mb() in rf_acknowledge_start(): a member whose word we do not see yet looks
	 * up its first ring in what we have published.
	 */
	smp_mb();
	rf_await_begin(&await);
	/* They look at their grants; if a ring does not arrive, the heartbeat does that. */
	for (member = 1; member < RF_MEMBERS_MAX; member++)
		if (await.members & BIT(member))
			rf_doorbell_ring(member, RF_DOORBELL_FICM);
	while (await.members && rf_await_look(&await)) {
		if (looks++ < RF_AWAIT_LOOKS)
			usleep_range(50, 100);
		else
			usleep_range(500, 1000);
	}
	return await.failed ? -ETIMEDOUT : 0;
}
