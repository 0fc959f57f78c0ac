// SPDX-License-Identifier: GPL-2.0
/*
 * Holding cores. A core is held when it has said from the park (x86/park.c) that it is there;
 * until then it may execute anything, and nothing that it could run in or write to changes hands.
 * That no core of a subOS executes is another question: prove.c.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "cores/internal.h"

/* Of a hundred cores, one misses its first SIPI (SDM 3A, 8.4.4.1). */
#define RF_PARK_AGAIN_MS	10
#define RF_PARK_CALLS		10	/* of so many SIPIs, one comes after another INIT */

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

/* Call a core to the park. */
void rf_park_send(u32 apic_id)
{
	lockdep_assert_held(&rf_state_lock);
	rf_park_call(apic_id);
	rf_core_init_delay();
	rf_park_begin(apic_id);
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
	rf_park_send(apic_id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

void rf_core_not_held(struct rf_subos *subos, u32 cpu)
{
	const u64 event[4] = { cpu };

	/* Before a kexec no core comes. */
	if (READ_ONCE(rf_cores_mode) == RF_CORES_STOPPED)
		return;
	pr_err("subOS %s: CPU %u does not react to INIT: it is not held\n", subos->name, cpu);
	rf_event(subos, RF_EVENT_CORE_NOT_HELD, 0, RF_CAUSE_NONE, 0, event, NULL);
}

struct rf_park_wait rf_park_wait_begin(u32 timeout_ms)
{
	return (struct rf_park_wait){
		.end = jiffies + msecs_to_jiffies(timeout_ms),
		.next = jiffies + msecs_to_jiffies(RF_PARK_AGAIN_MS),
	};
}

/**
 * rf_park_wait_on() - sleep between two looks at cores that were called, asked or started
 * @wait: from rf_park_wait_begin(); its @recall says what those need that have not come
 *
 * Return: false if it is over, with one more look after the end: who waits may have been held up.
 */
bool rf_park_wait_on(struct rf_park_wait *wait)
{
	if (wait->last)
		return false;
	wait->last = time_after(jiffies, wait->end);
	wait->recall = RF_RECALL_NONE;
	if (time_after(jiffies, wait->next)) {
		wait->recall = ++wait->recalls % RF_PARK_CALLS ? RF_RECALL_SIPI : RF_RECALL_INIT;
		wait->next = jiffies + msecs_to_jiffies(RF_PARK_AGAIN_MS);
	}
	if (wait->recalls)
		usleep_range(500, 1000);
	else
		usleep_range(50, 100);
	return true;
}

/* Has the core come? */
static bool rf_park_recall(u32 apic_id, enum rf_recall recall)
{
	lockdep_assert_held(&rf_state_lock);
	if (rf_park_held(apic_id))
		return true;
	if (recall == RF_RECALL_INIT)
		rf_park_send(apic_id);
	else if (recall == RF_RECALL_SIPI)
		rf_park_sipi(apic_id);
	return false;
}

/**
 * rf_cores_await() - wait until cores that were called are held
 * @subos: their owner
 * @cpus: logical numbers; in no list
 * @missing: in: which of them to wait for; out: which are not proven to be held, and may
 *	     execute anything
 * @count: of both
 *
 * Context: Process context, may sleep, for RF_PARK_TIMEOUT_MS at most. Nobody else calls the cores
 *	    or starts them: the owner's `adjusting`, or nobody else knows it.
 */
void rf_cores_await(struct rf_subos *subos, const u32 *cpus, bool *missing, u32 count)
{
	struct rf_park_wait wait = rf_park_wait_begin(RF_PARK_TIMEOUT_MS);
	unsigned long flags;
	u32 i, left;

	do {
		left = 0;
		spin_lock_irqsave(&rf_state_lock, flags);
		for (i = 0; i < count; i++) {
			missing[i] = missing[i] &&
				     !rf_park_recall(rf_ledger_core_apic_id(&rf_books.cores, cpus[i]),
						     wait.recall);
			left += missing[i];
		}
		spin_unlock_irqrestore(&rf_state_lock, flags);
	} while (left && rf_park_wait_on(&wait));
	for (i = 0; left && i < count; i++)
		if (missing[i])
			rf_core_not_held(subos, cpus[i]);
}

/* The same for one. Return: 0; -ETIMEDOUT. */
int rf_core_await(struct rf_subos *subos, u32 cpu)
{
	bool missing = true;

	rf_cores_await(subos, &cpu, &missing, 1);
	return missing ? -ETIMEDOUT : 0;
}

/**
 * rf_cores_callable() - may the cores of a subOS be called now?
 * @subos: the subOS
 *
 * Not if a kernel runs there, and not while START has its boot core on the way into one.
 *
 * Context: State lock held.
 */
bool rf_cores_callable(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	return rf_phase_held(subos->life.phase) &&
	       !(subos->entering && subos->life.phase == RF_PHASE_LOADED && rf_cores_startable());
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
		rf_park_begin(rf_ledger_core_apic_id(&rf_books.cores, cpu));
}

/**
 * rf_cores_freeze() - the machine goes down: no core is started any more
 * @kexec: another kernel follows at once, and overwrites the park: all that are there, or are
 *         called from now on, are left in wait-for-SIPI. Otherwise they go to the park, for some
 *         machines hang at power-off if a core is in wait-for-SIPI (Linux 6.5 left all there, 6.6
 *         took that back).
 *
 * Context: State lock held. Cannot be taken back.
 */
void rf_cores_freeze(bool kexec)
{
	lockdep_assert_held(&rf_state_lock);
	rf_cores_mode = kexec ? RF_CORES_STOPPED : RF_CORES_PARKED;
	/* Also cores that change hands, or whose subOS is being made: they are in no list yet. */
	if (kexec)
		rf_park_close();
}

/**
 * rf_cores_recall() - look which cores of a subOS have not come to the park
 * @subos: the owner; rf_cores_hold() was called
 * @recall: what is done to those
 *
 * Context: State lock held.
 * Return: the first of them in the subOS's list, or -ENODEV.
 */
int rf_cores_recall(struct rf_subos *subos, enum rf_recall recall)
{
	int cpu, missing = -ENODEV;
	u64 rank = 0;

	lockdep_assert_held(&rf_state_lock);
	if (!rf_cores_callable(subos))
		recall = RF_RECALL_NONE;
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		if (!rf_park_recall(rf_ledger_core_apic_id(&rf_books.cores, cpu), recall) &&
		    missing < 0)
			missing = cpu;
	return missing;
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
