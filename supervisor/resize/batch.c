// SPDX-License-Identifier: GPL-2.0
/*
 * Cores that change hands together, while their subOS runs.
 *
 * A core is held from the moment it leaves one kernel until the next one starts it. The
 * agent's result is recorded for each core; a core without a result stays with its subOS
 * if the agent may still act on that core, and only then.
 */
#include <linux/bits.h>
#include <linux/slab.h>

#include "cores/cores.h"
#include "resize/internal.h"
#include "shared/shared.h"

static void rf_cores_add_late(struct rf_subos *subos, const struct rf_late *late);
static void rf_cores_remove_late(struct rf_subos *subos, const struct rf_late *late);

/**
 * rf_batch_create() - a list of cores that change hands together
 * @cpus: logical numbers
 * @count: at most RF_CPUS_MAX
 *
 * Return: the list, to be freed with kfree(), or NULL.
 */
struct rf_batch *rf_batch_create(const u32 *cpus, u32 count)
{
	struct rf_batch *batch = kzalloc(sizeof(*batch), GFP_KERNEL);
	u32 i;

	if (!batch)
		return NULL;
	for (i = 0; i < count; i++) {
		batch->cpus[i] = cpus[i];
		batch->told[i] = RF_UNTOLD;
	}
	batch->count = count;
	return batch;
}

/* Index of the core with this APIC id if it has no result yet, or -1. */
static int rf_batch_find(const struct rf_batch *batch, s64 apic_id)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (rf_ledger_core_apic_id(&rf_books.cores, batch->cpus[i]) == apic_id)
			return batch->told[i] == RF_UNTOLD ? i : -1;
	return -1;
}

static int rf_batch_ask(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask)
{
	u32 i, apic_id;

	ask->settled = true;
	memset(ask->args, 0, sizeof(ask->args));
	for (i = 0; i < batch->count; i++) {
		apic_id = rf_ledger_core_apic_id(&rf_books.cores, batch->cpus[i]);
		if (apic_id >= RF_APIC_IDS)
			return -EINVAL;
		ask->args[apic_id / 64] |= BIT_ULL(apic_id % 64);
	}
	ask->units = batch->count;
	ask->data = batch;
	return rf_supcon_ask(subos, ask);
}

/* PROGRESS of CORES_ADD: a core is online in the subOS, or could not be started. */
static void rf_core_taken_up(struct rf_subos *subos, const s64 *args, void *data)
{
	struct rf_batch *batch = data;
	int i = rf_batch_find(batch, args[0]);

	if (i >= 0)
		batch->told[i] = args[1];
}

/**
 * rf_batch_offer() - ask an agent to start cores that its subOS owns
 * @subos: the owner, in the ledger and in its grant page
 * @batch: the cores; afterwards each has a result in told[]: not 0 means not in use
 * @ask: timeout_ms and insist are set; receives the outcome of the request
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 * Return: as rf_supcon_ask().
 */
int rf_batch_offer(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask)
{
	u32 i;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	ask->op = RF_OP_CORES_ADD;
	ask->progress = rf_core_taken_up;
	ask->late = rf_cores_add_late;
	rc = rf_batch_ask(subos, batch, ask);
	for (i = 0; i < batch->count; i++) {
		if (batch->told[i] != RF_UNTOLD)
			continue;
		/* Without a final answer, the agent may be starting the core right now. */
		if (!ask->settled && !rf_phase_held(rf_subos_phase(subos)))
			batch->told[i] = 0;
		else
			batch->told[i] = rc ?: -EPROTO;
	}
	return rc;
}

/* PROGRESS of CORES_REMOVE: a core is offline in the subOS, or was not given up. */
static void rf_core_given_up(struct rf_subos *subos, const s64 *args, void *data)
{
	struct rf_batch *batch = data;
	int i = rf_batch_find(batch, args[0]);

	if (i < 0) {
		pr_warn_ratelimited("subOS %s gives up a core that it was not asked for\n",
				    subos->name);
	} else if (args[1]) {
		batch->told[i] = args[1];
	} else {
		batch->given[i] = true;
		if (batch->keeps)
			batch->told[i] = 0;
		else
			rf_batch_pass(subos, batch, i);
	}
}

/**
 * rf_batch_claim() - ask an agent to give up cores, and pass them on
 * @subos: the owner
 * @batch: the cores, checked by rf_cores_claim_check(); afterwards those whose told[] is 0
 *         have gone to @batch->to, or to the supervisor; with @batch->keeps they are just offline.
 *	   One whose told[] is -ECANCELED was given up, but an SMT sibling of it did not go: it is
 *	   stranded[], to be offered again
 * @ask: as for rf_batch_offer()
 *
 * Context: Process context, may sleep. Only `adjusting` held.
 * Return: as rf_supcon_ask().
 */
int rf_batch_claim(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask)
{
	u32 i;
	int rc;

	lockdep_assert_held(&subos->adjusting);
	ask->op = RF_OP_CORES_REMOVE;
	ask->progress = rf_core_given_up;
	ask->late = rf_cores_remove_late;
	rc = rf_batch_ask(subos, batch, ask);
	for (i = 0; i < batch->count; i++) {
		if (batch->told[i] != RF_UNTOLD)
			continue;
		batch->told[i] = batch->given[i] ? -ECANCELED : rc ?: -EPROTO;
		batch->stranded[i] = batch->given[i];
	}
	return rc;
}

/**
 * rf_batch_withdraw() - take from a subOS the cores that it does not use
 * @subos: the owner
 * @batch: the cores; those whose told[] is not 0 are withdrawn, and leaving[] afterwards
 *
 * They are held, and in no subOS's list. One that cannot be held stays with the subOS: its told[] is
 * -ETIMEDOUT. And so does one with an SMT sibling that stays, or that the subOS uses.
 *
 * Context: Process context, may sleep: for all cores together, no longer than for one.
 *	    `adjusting` held, but not the ledger lock.
 * Return: 0 or -EIO: one of them stays.
 */
int rf_batch_withdraw(struct rf_subos *subos, struct rf_batch *batch)
{
	int result = 0;
	u32 i;

	for (i = 0; i < batch->count; i++)
		batch->leaving[i] = batch->told[i] && !rf_batch_in_use(batch, i);
	rf_batch_hold(subos, batch);
	for (i = 0; i < batch->count; i++) {
		if (!batch->told[i] || batch->leaving[i])
			continue;
		result = -EIO;
		if (batch->unheld[i])
			batch->told[i] = -ETIMEDOUT;
		else
			pr_warn_ratelimited("subOS %s keeps CPU %u, which it does not use, for it keeps an SMT sibling of it\n",
					    subos->name, batch->cpus[i]);
	}
	return result;
}

/**
 * rf_batch_home() - return the cores that a subOS does not use to the supervisor
 * @subos: the owner
 * @batch: the cores; those whose told[] is not 0 are returned
 * @culprit: set to a core that did not come back and thus still belongs to the subOS; told[] says
 *	     why
 *
 * Context: Process context, may sleep. `adjusting` held; takes the turn to hotplug, and the ledger
 *	    lock.
 * Return: 0 or -EIO.
 */
int rf_batch_home(struct rf_subos *subos, struct rf_batch *batch, u32 *culprit)
{
	int result;
	u32 i;

	lockdep_assert_held(&subos->adjusting);
	/* First, so that the subOS starts none of them meanwhile. They are in no list then. */
	result = rf_batch_withdraw(subos, batch);
	rf_grant_await();
	if (rf_batch_return(subos, batch, !rf_hotplug_begin_return(jiffies + RF_HOTPLUG_RETURN)))
		result = -EIO;
	rf_hotplug_end();
	rf_publish_now();
	for (i = 0; i < batch->count; i++)
		if (batch->told[i] && !batch->leaving[i] && batch->told[i] != -ECANCELED)
			*culprit = batch->cpus[i];
	return result;
}

/* Is there a core whose told[] is not 0? */
bool rf_batch_failed(const struct rf_batch *batch)
{
	u32 i;

	for (i = 0; i < batch->count; i++)
		if (batch->told[i])
			return true;
	return false;
}

/**
 * rf_batch_result() - count the successes, and report a failure
 * @batch: the cores; each has a result in told[]
 * @args: gets cpus_done; culprit, unless it names one, of the first failure; and its error
 * @rc: the error so far
 *
 * Return: @rc, or -EIO if that is 0 and some core failed.
 */
int rf_batch_result(const struct rf_batch *batch, struct rf_resize *args, int rc)
{
	bool failed = false;
	u32 i;

	/* Not one that only stays because of its sibling. */
	for (i = 0; i < batch->count && !args->culprit; i++)
		if (batch->told[i] && batch->told[i] != -ECANCELED)
			args->culprit = batch->cpus[i];
	for (i = 0; i < batch->count; i++) {
		if (!batch->told[i]) {
			args->cpus_done++;
			continue;
		}
		failed = true;
		if (!args->culprit)
			args->culprit = batch->cpus[i];
		if (args->culprit == batch->cpus[i] && !args->error && batch->told[i] != rc &&
		    batch->told[i] != -ECANCELED)
			args->error = -batch->told[i];
	}
	return rc ?: failed ? -EIO : 0;
}

/* Record an event that lists the cores whose told[] is 0. */
void rf_batch_note(struct rf_subos *subos, enum rf_event_type type,
		   const struct rf_batch *batch, u64 other, u64 begun, int rc)
{
	struct rf_batch *done = rf_batch_create(batch->cpus, batch->count);
	char list[RF_REASON_MAX] = "";
	u64 event[4] = { 0, other };
	u32 i;

	for (i = 0; done && i < batch->count; i++)
		if (!batch->told[i])
			done->cpus[event[0]++] = batch->cpus[i];
	if (done)
		rf_cores_text(done->cpus, event[0], list, sizeof(list));
	kfree(done);
	rf_event(subos, type, rc, RF_CAUSE_OPERATOR, ktime_get_ns() - begun, event, list);
}

/* ---- late answers ---- */

/* The core with this APIC id if the subOS owns it and it is not the boot core, or 0. */
static u32 rf_core_owned(struct rf_subos *subos, s64 apic_id)
{
	const struct rf_core_table *cores = &rf_books.cores;
	int cpu = apic_id == (u32)apic_id ? rf_ledger_core_find(cores, apic_id) : -1;

	if (cpu < 0 || cpu == rf_ledger_core_boot(cores, subos->id))
		return 0;
	return rf_ledger_core_listed(cores, cpu, subos->id) ? cpu : 0;
}

/* Is this core one of those that the request was about? */
static bool rf_late_asked(const struct rf_late *late, u32 apic_id)
{
	return late->args[apic_id / 64] & BIT_ULL(apic_id % 64);
}

/* Was this core of a late CORES_ADD started? */
static bool rf_late_started(const struct rf_late *late, u32 apic_id)
{
	u32 i;

	for (i = 0; i < late->count; i++)
		if (late->progress[i][0] == apic_id)
			return !late->progress[i][1];
	return false;
}

/* Cores of a late CORES_ADD that were not started go back to the supervisor, with their siblings. */
static void rf_cores_add_late(struct rf_subos *subos, const struct rf_late *late)
{
	struct rf_batch *batch;
	u32 apic_id, cpu, culprit = 0;

	/* Without a final answer the subOS may be using the cores that it was given. */
	if (!rf_late_begin(subos, late) || late->lost)
		return;
	batch = rf_batch_create(NULL, 0);
	if (!batch)
		return;
	mutex_lock(&rf_ledger_lock);
	for (apic_id = 0; apic_id < RF_APIC_IDS; apic_id++) {
		cpu = rf_core_owned(subos, apic_id);
		if (!cpu || !rf_late_asked(late, apic_id))
			continue;
		batch->cpus[batch->count] = cpu;
		batch->told[batch->count++] = rf_late_started(late, apic_id) ? 0 : -ETIMEDOUT;
	}
	mutex_unlock(&rf_ledger_lock);
	rf_batch_reunite(subos, batch);
	if (rf_batch_failed(batch))
		rf_batch_home(subos, batch, &culprit);
	kfree(batch);
}

/* Cores of a late CORES_REMOVE that were not given up: they keep their siblings here. */
static void rf_late_rest(struct rf_subos *subos, const struct rf_late *late, struct rf_batch *batch)
{
	const u32 given = batch->count;
	u32 apic_id, cpu, i;

	mutex_lock(&rf_ledger_lock);
	for (apic_id = 0; apic_id < RF_APIC_IDS; apic_id++) {
		cpu = rf_late_asked(late, apic_id) ? rf_core_owned(subos, apic_id) : 0;
		for (i = 0; i < given && batch->cpus[i] != cpu; i++)
			;
		if (!cpu || i < given)
			continue;
		batch->cpus[batch->count] = cpu;
		batch->told[batch->count++] = 0;
	}
	mutex_unlock(&rf_ledger_lock);
}

/* Cores that were given up after the caller had stopped waiting: offer them again. */
static void rf_cores_remove_late(struct rf_subos *subos, const struct rf_late *late)
{
	struct rf_ask ask = { .timeout_ms = RF_RESIZE_MS, .insist = true };
	struct rf_batch *batch;
	u32 i, cpu, culprit = 0;

	if (!rf_late_begin(subos, late))
		return;
	batch = rf_batch_create(NULL, 0);
	if (!batch)
		return;
	mutex_lock(&rf_ledger_lock);
	/* Also those that were seen, but waited for a sibling. One that is online there is just that. */
	for (i = 0; i < late->count; i++) {
		cpu = late->progress[i][1] ? 0 : rf_core_owned(subos, late->progress[i][0]);
		if (!cpu || rf_batch_find(batch, late->progress[i][0]) >= 0)
			continue;
		batch->cpus[batch->count] = cpu;
		batch->told[batch->count++] = RF_UNTOLD;
	}
	mutex_unlock(&rf_ledger_lock);
	if (batch->count)
		rf_batch_offer(subos, batch, &ask);
	rf_late_rest(subos, late, batch);
	if (rf_batch_failed(batch))
		rf_batch_home(subos, batch, &culprit);
	kfree(batch);
}
