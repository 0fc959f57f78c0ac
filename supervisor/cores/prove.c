// SPDX-License-Identifier: GPL-2.0
/*
 * The proof that nothing executes in a subOS, before anything of it changes hands.
 *
 * That each of its cores has come to the park is not enough: one that came late may have started
 * another again that had come before it, as kernels do that bring a core online. So when all have
 * come, all are asked whether they are there, and between the first question and the last answer
 * we start none. Had one executed anything else at the first question, it would be silent; had it
 * started another one then, that would still be so of one of them.
 */
#include "cores/internal.h"

#define RF_PROVE_ROUNDS	3

/* Return: -ENODEV. */
static int rf_cores_call(struct rf_subos *subos)
{
	rf_cores_hold(subos);
	return -ENODEV;
}

/* Return: -ENODEV; or a core that was called again meanwhile, and then none is asked. */
static int rf_cores_ask(struct rf_subos *subos)
{
	int cpu = rf_cores_recall(subos, RF_RECALL_NONE);
	u64 rank = 0;

	if (cpu >= 0)
		return cpu;
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		rf_park_ask(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	return -ENODEV;
}

/* Return: the first core that has not answered, or -ENODEV. */
static int rf_cores_silent(struct rf_subos *subos, enum rf_recall unused)
{
	u64 rank = 0;
	int cpu;

	lockdep_assert_held(&rf_state_lock);
	while ((cpu = rf_ledger_core_next(&rf_books.cores, subos->id, &rank)) >= 0)
		if (!rf_park_answers(rf_ledger_core_apic_id(&rf_books.cores, cpu)))
			return cpu;
	return -ENODEV;
}

static int rf_cores_try(struct rf_subos *subos, enum rf_recall recall,
			int (*missing)(struct rf_subos *subos, enum rf_recall recall))
{
	unsigned long flags;
	int cpu = -EBUSY;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (rf_cores_callable(subos))
		cpu = missing(subos, recall);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return cpu;
}

/*
 * Have all cores do what @begin tells them, and wait until @missing finds none. Return: a core
 * that has not done it in time, -ENODEV none, -EBUSY a kernel runs there, or is started.
 */
static int rf_cores_have(struct rf_subos *subos, int (*begin)(struct rf_subos *subos),
			 int (*missing)(struct rf_subos *subos, enum rf_recall recall))
{
	struct rf_park_wait wait;
	unsigned long flags;
	int cpu = -EBUSY;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (rf_cores_callable(subos))
		cpu = begin(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (cpu != -ENODEV)
		return cpu;
	wait = rf_park_wait_begin(RF_PARK_TIMEOUT_MS);
	do
		cpu = rf_cores_try(subos, wait.recall, missing);
	while (cpu >= 0 && rf_park_wait_on(&wait));
	return cpu;
}

/* @cpu: the core that is not held, 0 if all are: it is shown until it is. */
static void rf_cores_show(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	bool changed;

	spin_lock_irqsave(&rf_state_lock, flags);
	changed = subos->not_held != cpu;
	subos->not_held = cpu;
	if (changed)
		rf_subos_changed(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (changed && cpu)
		rf_core_not_held(subos, cpu);
}

/**
 * rf_cores_prove() - prove that nothing executes in a subOS
 * @subos: the subOS; unless its phase keeps others from starting it, what is proven can be undone
 *         at any time, but for the ledger lock
 * @culprit: set to a core that is not held
 *
 * What a core says is in memory that any kernel can write to: a hostile one can lie, as it can
 * write to all other memory.
 *
 * Context: Process context, sleeps for seconds at most (two time-outs of hold.c a round).
 * Return: 0, also if there are none; -ETIMEDOUT; -EBUSY a kernel runs in it, or is started.
 */
int rf_cores_prove(struct rf_subos *subos, u32 *culprit)
{
	int cpu = 0, round;

	for (round = 0; cpu >= 0 && round < RF_PROVE_ROUNDS; round++) {
		cpu = rf_cores_have(subos, rf_cores_call, rf_cores_recall);
		if (cpu >= 0)
			break;
		if (cpu == -ENODEV)
			cpu = rf_cores_have(subos, rf_cores_ask, rf_cores_silent);
	}
	if (cpu == -EBUSY)
		return cpu;
	rf_cores_show(subos, max(cpu, 0));
	if (cpu < 0)
		return 0;
	*culprit = cpu;
	return -ETIMEDOUT;
}
