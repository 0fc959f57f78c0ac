// SPDX-License-Identifier: GPL-2.0
/*
 * Holding cores. A core is held when it has said from the park (x86/park.c) that it is there;
 * until then it may execute anything, and nothing that it could run in or write to changes hands.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "cores/internal.h"

#define RF_PARK_AGAIN_MS	10	/* of a hundred cores, one misses its first SIPI */
#define RF_PARK_ROUNDS		3
#define RF_PARK_TIMEOUT_MS	1000	/* 45 ms were seen on a loaded host, under emulation */

/* State lock: what becomes of held cores when the machine goes down; see rf_cores_freeze(). */
static enum { RF_CORES_WORK, RF_CORES_PARKED, RF_CORES_STOPPED } rf_cores_mode;

bool rf_cores_startable(void)
{
	lockdep_assert_held(&rf_state_lock);
	return rf_cores_mode == RF_CORES_WORK;
}

bool rf_cores_parkable(void)
{
	lockdep_assert_held(&rf_state_lock);
	return rf_cores_mode != RF_CORES_STOPPED;
}

/**
 * rf_core_call() - call one core to the park, and do not wait
 * @subos: its owner; the core may be in its list or not
 * @cpu: logical number
 *
 * Context: Ledger lock held.
 */
void rf_core_call(struct rf_subos *subos, u32 cpu)
{
	u32 apic_id = rf_ledger_core_apic_id(&rf_books.cores, cpu);
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	/* An INIT to any other core would stop a kernel that runs there. */
	if (rf_expect(rf_ledger_core_owner(&rf_books.cores, cpu) != subos->id))
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_park_call(apic_id);
	rf_core_init_delay();
	rf_park_sipi(apic_id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static void rf_core_not_held(struct rf_subos *subos, u32 cpu)
{
	const u64 event[4] = { cpu };

	/* Before a kexec no core comes. */
	if (READ_ONCE(rf_cores_mode) == RF_CORES_STOPPED)
		return;
	pr_err("subOS %s: CPU %u does not react to INIT: it is not held\n", subos->name, cpu);
	rf_event(subos, RF_EVENT_CORE_NOT_HELD, 0, RF_CAUSE_NONE, 0, event, NULL);
}

struct rf_park_wait {
	unsigned long end, next;	/* jiffies */
	bool again;			/* another SIPI is due */
	bool late;			/* one was */
	bool last;			/* the last look */
};

static struct rf_park_wait rf_park_wait_begin(void)
{
	return (struct rf_park_wait){
		.end = jiffies + msecs_to_jiffies(RF_PARK_TIMEOUT_MS),
		.next = jiffies + msecs_to_jiffies(RF_PARK_AGAIN_MS),
	};
}

/* Return: false if it is over, with one more look after the end: who waits may have been held up. */
static bool rf_park_wait_on(struct rf_park_wait *wait)
{
	if (wait->last)
		return false;
	wait->last = time_after(jiffies, wait->end);
	wait->again = time_after(jiffies, wait->next);
	if (wait->again) {
		wait->late = true;
		wait->next = jiffies + msecs_to_jiffies(RF_PARK_AGAIN_MS);
	}
	if (wait->late)
		usleep_range(500, 1000);
	else
		usleep_range(50, 100);
	return true;
}

/* Has the core come? @again: SIPI if it has not. */
static bool rf_core_has_come(u32 apic_id, bool again)
{
	unsigned long flags;
	bool held;

	spin_lock_irqsave(&rf_state_lock, flags);
	held = rf_park_held(apic_id);
	if (!held && again)
		rf_park_sipi(apic_id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return held;
}

/**
 * rf_core_hold() - hold one core of a subOS
 * @subos: its owner; the core may be in its list or not
 * @cpu: logical number
 *
 * Context: Process context, may sleep, for RF_PARK_TIMEOUT_MS at most. Ledger lock held.
 * Return: 0; -ETIMEDOUT it is not proven to be held, and may execute anything.
 */
int rf_core_hold(struct rf_subos *subos, u32 cpu)
{
	u32 apic_id = rf_ledger_core_apic_id(&rf_books.cores, cpu);
	struct rf_park_wait wait;

	rf_core_call(subos, cpu);
	wait = rf_park_wait_begin();
	while (!rf_core_has_come(apic_id, wait.again)) {
		if (!rf_park_wait_on(&wait)) {
			rf_core_not_held(subos, cpu);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/**
 * rf_cores_hold() - call every core in the list of a subOS to the park
 * @subos: the owner
 *
 * None of them executes what it did until now, unless it is in VMX root operation: before
 * anything of the subOS changes hands, rf_cores_prove() has to be successful. A core in transit
 * to another owner is in no list, and is left alone.
 *
 * Context: State lock held, also in an interrupt.
 */
void rf_cores_hold(struct rf_subos *subos)
{
	u64 rank = 0;
	int cpu;

	lockdep_assert_held(&rf_state_lock);
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		rf_park_call(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	if (!rank)
		return;
	rf_core_init_delay();
	rank = 0;
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		rf_park_sipi(rf_ledger_core_apic_id(&rf_books.cores, cpu));
}

/**
 * rf_cores_freeze() - the machine goes down: no core is started any more
 * @kexec: another kernel follows at once, and overwrites the park: rf_cores_hold() leaves cores in
 *         wait-for-SIPI from now on. Otherwise they go to the park, for some machines hang at
 *         power-off if a core is in wait-for-SIPI (Linux 6.5 left all there, 6.6 took that back).
 *
 * Context: as rf_cores_hold(). Cannot be taken back.
 */
void rf_cores_freeze(bool kexec)
{
	lockdep_assert_held(&rf_state_lock);
	rf_cores_mode = kexec ? RF_CORES_STOPPED : RF_CORES_PARKED;
}

/**
 * rf_cores_recall() - look which cores of a subOS have not come to the park
 * @subos: the owner; rf_cores_hold() was called
 * @again: send those a SIPI once more
 *
 * Context: State lock held.
 * Return: the first of them in the subOS's list, or -ENODEV.
 */
int rf_cores_recall(struct rf_subos *subos, bool again)
{
	int cpu, missing = -ENODEV;
	u32 apic_id;
	u64 rank = 0;

	lockdep_assert_held(&rf_state_lock);
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0) {
		apic_id = rf_ledger_core_apic_id(&rf_books.cores, cpu);
		if (rf_park_held(apic_id))
			continue;
		if (missing < 0)
			missing = cpu;
		if (again && rf_phase_held(subos->life.phase))
			rf_park_sipi(apic_id);
	}
	return missing;
}

static int rf_cores_missing(struct rf_subos *subos, bool again)
{
	unsigned long flags;
	int cpu;

	spin_lock_irqsave(&rf_state_lock, flags);
	cpu = rf_cores_recall(subos, again);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return cpu;
}

/* All are on their way into a kernel. */
void rf_cores_leave(struct rf_subos *subos)
{
	u64 rank = 0;
	int cpu;

	lockdep_assert_held(&rf_state_lock);
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		rf_park_leave(rf_ledger_core_apic_id(&rf_books.cores, cpu));
}

/* It is shown until it is held. @cpu: 0 if all are. Return: has that changed? */
static bool rf_cores_show(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	bool changed;

	spin_lock_irqsave(&rf_state_lock, flags);
	changed = subos->not_held != cpu;
	subos->not_held = cpu;
	if (changed)
		rf_subos_changed(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return changed;
}

/* Call all, unless a kernel runs there. */
static bool rf_cores_call(struct rf_subos *subos)
{
	unsigned long flags;
	bool held;

	spin_lock_irqsave(&rf_state_lock, flags);
	held = rf_phase_held(subos->life.phase);
	if (held)
		rf_cores_hold(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return held;
}

/* Wait until all have come. Return: the first that has not, or -ENODEV. @late: some were. */
static int rf_cores_await(struct rf_subos *subos, bool *late)
{
	struct rf_park_wait wait = rf_park_wait_begin();
	int cpu;

	do
		cpu = rf_cores_missing(subos, wait.again);
	while (cpu >= 0 && rf_park_wait_on(&wait));
	*late = wait.late;
	return cpu;
}

/**
 * rf_cores_prove() - prove that nothing executes in a subOS
 * @subos: the subOS; unless its phase keeps others from starting it, what is proven can be undone
 *         at any time, but for the ledger lock
 * @culprit: set to a core that is not held
 *
 * A core that reacts late may have started another one again, which had come before it: so all
 * are called anew until all come at once. (On a busy emulator none may be in time; then the
 * last round counts.)
 *
 * Context: Process context, sleeps for RF_PARK_ROUNDS times RF_PARK_TIMEOUT_MS at most.
 * Return: 0, also if there are none; -ETIMEDOUT; -EBUSY a kernel runs in it, or is started.
 */
int rf_cores_prove(struct rf_subos *subos, u32 *culprit)
{
	int cpu = -ENODEV, round = 0;
	bool late;

	do {
		if (!rf_cores_call(subos))
			return -EBUSY;
		cpu = rf_cores_await(subos, &late);
	} while (cpu < 0 && late && ++round < RF_PARK_ROUNDS);
	if (!rf_phase_held(rf_subos_phase(subos)))
		return -EBUSY;
	if (cpu < 0) {
		rf_cores_show(subos, 0);
		return 0;
	}
	if (rf_cores_show(subos, cpu))
		rf_core_not_held(subos, cpu);
	*culprit = cpu;
	return -ETIMEDOUT;
}
