// SPDX-License-Identifier: GPL-2.0
/*
 * Cores are taken from our scheduler, and held, and return to it. A core is in nobody's list
 * meanwhile, and with the turn to hotplug nobody else takes or returns one: so the ledger lock is
 * only held to record each step.
 */
#include <linux/jiffies.h>
#include <linux/sched/signal.h>

#include "cores/internal.h"

#define RF_ONLINE		(30 * HZ)	/* for a core to come online */

void rf_core_stays_offline(u32 cpu)
{
	pr_err("CPU %u stays offline; to try again, write 1 to /sys/devices/system/cpu/cpu%u/online\n",
	       cpu, cpu);
}

/*
 * It did not come to the park. It has never left the supervisor, and is offline; to start it would
 * take ten seconds if it does not react to INIT (do_boot_cpu()). A last INIT without a SIPI, so
 * that it is not on its way to our pages, which end with the module.
 */
static void rf_core_stray(struct rf_subos *subos, u32 cpu)
{
	u32 apic_id = rf_ledger_core_apic_id(&rf_books.cores, cpu);
	unsigned long flags;
	int rc;

	mutex_lock(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_core_init_ipi(apic_id);
	rf_park_leave(apic_id);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, subos->id, RF_OWNER_SUPERVISOR,
				 RF_CORE_HOME);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	mutex_unlock(&rf_ledger_lock);
	rf_expect(rc);
	rf_core_stays_offline(cpu);
}

/* From now on nobody starts it, but it is still online. */
static int rf_core_take_begin(struct rf_subos *subos, u32 cpu)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_step("core-take");
	if (!rc)
		rc = rf_core_add(cpu);
	if (!rc)
		rc = rf_park_save(cpu, rf_ledger_core_apic_id(&rf_books.cores, cpu));
	if (!rc)
		rc = rf_core_move(cpu, RF_OWNER_SUPERVISOR, subos->id, RF_CORE_COMING);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

static int rf_core_take_offline(struct rf_subos *subos, u32 cpu, unsigned long deadline)
{
	int rc = rf_core_unplug(subos, cpu, deadline);

	if (!rc || rc == -EINPROGRESS)
		return rc;
	mutex_lock(&rf_ledger_lock);
	rf_core_move(cpu, subos->id, RF_OWNER_SUPERVISOR, RF_CORE_HOME);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* In no list, and with the turn to hotplug ours, nobody else touches it. */
static int rf_core_hold(struct rf_subos *subos, u32 cpu)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rf_core_call(subos, cpu);
	mutex_unlock(&rf_ledger_lock);
	rc = rf_core_await(subos, cpu);
	if (rc) {
		rf_core_stray(subos, cpu);
		return rc;
	}
	mutex_lock(&rf_ledger_lock);
	rf_core_parts(cpu);
	mutex_unlock(&rf_ledger_lock);
	return 0;
}

/**
 * rf_core_take() - take one core offline and hold it
 * @subos: its next owner; rf_core_attach() puts the core into its list
 * @cpu: logical number, checked by rf_cores_check()
 * @deadline: in jiffies, for it to go offline
 *
 * Context: Process context, interruptible. The caller has the turn to hotplug, but not the ledger
 *	    lock.
 * Return: 0; -EIO it could not be taken offline; -ETIMEDOUT it could not be held: it is the
 *         supervisor's as before, but offline; -EINPROGRESS it does not go offline: it is the
 *	   supervisor's, and the turn is not the caller's any more.
 */
int rf_core_take(struct rf_subos *subos, u32 cpu, unsigned long deadline)
{
	int rc;

	rc = rf_core_take_begin(subos, cpu);
	if (!rc)
		rc = rf_core_take_offline(subos, cpu, deadline);
	if (rc == -EINPROGRESS)
		return rc;
	if (rc) {
		pr_warn("CPU %u could not be taken offline: error %d\n", cpu, rc);
		return -EIO;
	}
	return rf_core_hold(subos, cpu);
}

/*
 * Our kernel starts it from now on: it leaves the park without our doing. Return: 0; -ESHUTDOWN the
 * machine goes down; or the error of a step.
 */
static int rf_core_departs(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("core-return");
	if (rc)
		return rc;
	spin_lock_irqsave(&rf_state_lock, flags);
	if (!rf_cores_startable()) {
		spin_unlock_irqrestore(&rf_state_lock, flags);
		return -ESHUTDOWN;
	}
	rc = rf_ledger_core_move(&rf_books.cores, cpu, subos->id, subos->id, RF_CORE_RETURNING);
	if (!rc)
		rf_park_leave(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	return rc;
}

/**
 * rf_core_return() - bring one core online in the supervisor again
 * @subos: its owner; the core is held, and not in the subOS's list
 * @cpu: logical number
 *
 * Context: Process context, may sleep. The caller has the turn to hotplug, but not the ledger
 *	    lock.
 * Return: 0; -EIO the core did not come online: it is in the park, or was called to it, and in
 *	   @subos's list again; -EINPROGRESS it does not come online in time: it is the
 *	   supervisor's, and the turn is not the caller's any more.
 */
int rf_core_return(struct rf_subos *subos, u32 cpu)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_core_departs(subos, cpu);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		rc = rf_core_replug(subos, cpu, jiffies + RF_ONLINE);
	if (rc == -EINPROGRESS)
		return rc;
	mutex_lock(&rf_ledger_lock);
	if (rc)
		rf_core_attach(subos, cpu);
	else
		rc = rf_core_move(cpu, subos->id, RF_OWNER_SUPERVISOR, RF_CORE_HOME);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		return 0;
	pr_err("CPU %u did not come back: error %d\n", cpu, rc);
	return -EIO;
}

/**
 * rf_cores_take() - take cores offline, hold them, and give them to a subOS
 * @subos: the new owner; its list grows core by core, so that what was taken
 *         before an error can be returned
 * @cpus: logical numbers, checked by rf_cores_check()
 * @count: how many
 * @deadline: in jiffies, for each to go offline
 * @culprit: set to the offending core on error
 *
 * Context: as rf_core_take().
 * Return: 0; -EINTR a signal is pending; or as rf_core_take().
 */
int rf_cores_take(struct rf_subos *subos, const u32 *cpus, u32 count, unsigned long deadline,
		  u32 *culprit)
{
	u32 i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = signal_pending(current) ? -EINTR : rf_core_take(subos, cpus[i], deadline);
		if (rc) {
			*culprit = cpus[i];
			return rc;
		}
		mutex_lock(&rf_ledger_lock);
		rf_core_attach(subos, cpus[i]);
		mutex_unlock(&rf_ledger_lock);
	}
	return 0;
}

/* Take the first core out of the list of a subOS, if it has one. */
static int rf_core_detach_first(struct rf_subos *subos)
{
	int cpu;

	mutex_lock(&rf_ledger_lock);
	cpu = rf_ledger_core_boot(&rf_books.cores, subos->id);
	if (cpu >= 0)
		rf_core_detach(subos, cpu);
	mutex_unlock(&rf_ledger_lock);
	return cpu;
}

static u32 rf_cores_listed(const struct rf_subos *subos)
{
	u32 count;

	mutex_lock(&rf_ledger_lock);
	count = rf_ledger_core_count(&rf_books.cores, subos->id);
	mutex_unlock(&rf_ledger_lock);
	return count;
}

/**
 * rf_cores_return() - bring a subOS's cores online in the supervisor again
 * @subos: the owner; its cores are held
 * @returned: counts the cores that are online again
 * @culprit: set to a core that did not come back
 *
 * Goes on after a core that fails: that core stays with @subos and can be
 * retried.
 *
 * Context: as rf_core_return(). `adjusting` held.
 * Return: 0; -EIO a core did not come online; -EINPROGRESS as rf_core_return(): others are left.
 */
int rf_cores_return(struct rf_subos *subos, u32 *returned, u32 *culprit)
{
	u32 left = rf_cores_listed(subos);
	int cpu, rc, result = 0;

	/* Cores that fail go back to the end of the list. */
	for (; left && (cpu = rf_core_detach_first(subos)) >= 0; left--) {
		rc = rf_core_return(subos, cpu);
		if (rc) {
			*culprit = cpu;
			result = rc;
		} else {
			(*returned)++;
		}
		if (rc == -EINPROGRESS)
			break;
	}
	return result;
}
