// SPDX-License-Identifier: GPL-2.0
/*
 * A core goes offline in our kernel, or comes online, in a thread of its own that has an end
 * (base/hotplug.c): a disk's queue whose requests never end keeps its last core, for one, and all
 * that time the kernel can hotplug nothing else.
 *
 * Ours it is as soon as its thread is left behind, and so it stays, however that ends: nobody
 * takes it meanwhile, for that needs the turn to hotplug, which is the thread's.
 */
#include <linux/cpu.h>
#include <linux/jiffies.h>

#include "kernel/hotplug.h"
#include "cores/internal.h"

#define RF_CORE_LEAST	(5 * HZ)	/* for one core, whatever is left of the time for all */
/* While a driver is bound to another function; but a core may also be refused for good. */
#define RF_OUT_TRIES	(2000 / RF_HOTPLUG_RETRY_MS)	/* a try lasts up to twice as long */
#define RF_IN_TRIES	(8000 / RF_HOTPLUG_RETRY_MS)

/* One at a time: it belongs to who has the turn to hotplug. */
static struct rf_core_job {
	struct rf_hotplug_job job;
	u32 cpu;
	u32 subos;			/* id of its owner while it changes hands */
} rf_core_job;

/* In its thread. */
static int rf_core_out(struct rf_hotplug_job *job)
{
	int rc = rf_hotplug_cpu(remove_cpu, rf_core_job.cpu, RF_OUT_TRIES);

	return rc > 0 ? -EBUSY : rc;	/* 1: somebody else was faster */
}

static int rf_core_online(u32 cpu, int tries)
{
	int rc = rf_hotplug_cpu(add_cpu, cpu, tries);

	return rc < 0 ? rc : cpu_online(cpu) ? 0 : -EIO;
}

/* Unless our kernel has it online: to the park, or with an INIT to nowhere. Return: whether it did. */
static bool rf_core_stop(u32 cpu, bool park)
{
	const u32 apic_id = rf_ledger_core_apic_id(&rf_books.cores, cpu);
	unsigned long flags;
	bool offline;

	/* Another task may be bringing it online: an INIT would take it from under our kernel. */
	cpus_read_lock();
	offline = !cpu_online(cpu);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (offline && park)
		rf_park_send(apic_id);
	else if (offline)
		rf_core_init_ipi(apic_id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	cpus_read_unlock();
	return offline;
}

/* Nobody starts it from now on; or somebody may again. Return: false if it is ours already. */
static bool rf_core_veto_again(enum rf_core_state state)
{
	const u32 cpu = rf_core_job.cpu, id = rf_core_job.subos;
	bool its;

	mutex_lock(&rf_ledger_lock);
	its = rf_ledger_core_owner(&rf_books.cores, cpu) == id;
	if (its)
		rf_core_move(cpu, id, id, state);
	mutex_unlock(&rf_ledger_lock);
	return its;
}

/* In its thread. What did not come online goes to the park again, and is LEAVING. */
static int rf_core_in(struct rf_hotplug_job *job)
{
	int rc = rf_core_online(rf_core_job.cpu, RF_IN_TRIES);

	if (!rc || !rf_core_veto_again(RF_CORE_LEAVING) || rf_core_stop(rf_core_job.cpu, true))
		return rc;
	rf_core_veto_again(RF_CORE_RETURNING);
	return 0;	/* online after all */
}

/* It is ours, unless it is already. Ledger lock held. */
static void rf_core_ours(u32 cpu, u32 id)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (rf_ledger_core_owner(&rf_books.cores, cpu) != id)
		return;
	if (rf_core_job.job.work == rf_core_in && !rf_ledger_core_may_start(&rf_books.cores, cpu))
		rf_core_move(cpu, id, id, RF_CORE_RETURNING);
	rf_core_move(cpu, id, RF_OWNER_SUPERVISOR, RF_CORE_HOME);
	/* Its thread goes on, and a sibling may not have come back yet. */
	rf_core_comes(cpu);
}

/* It leaves the park. Return: whether our kernel may start it: the machine does not go down. */
static bool rf_core_startable(u32 cpu)
{
	unsigned long flags;
	bool startable;

	spin_lock_irqsave(&rf_state_lock, flags);
	startable = rf_cores_startable();
	if (startable)
		rf_park_leave(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return startable;
}

/* In its thread, which was left behind: it is to be online, as before. */
static void rf_core_settle(struct rf_hotplug_job *job, int rc)
{
	const u32 cpu = rf_core_job.cpu;

	mutex_lock(&rf_ledger_lock);
	rf_core_ours(cpu, rf_core_job.subos);
	mutex_unlock(&rf_ledger_lock);
	if (cpu_online(cpu) || !rf_core_startable(cpu) || !rf_core_online(cpu, RF_OUT_TRIES))
		return;
	/* It must not be in the park, which ends with the module. */
	if (rf_core_stop(cpu, false))
		rf_core_stays_offline(cpu);
}

static int rf_core_plug(struct rf_subos *subos, u32 cpu, unsigned long deadline)
{
	const u32 id = subos->id;
	int rc;

	rf_core_job.cpu = cpu;
	rf_core_job.subos = id;
	rf_core_job.job.subject = RF_HOTPLUG_CORE | cpu;
	rf_core_job.job.can_stop = false;	/* by nothing that it waits for */
	rf_core_job.job.settle = rf_core_settle;
	rc = rf_hotplug_run(&rf_core_job.job, deadline);
	if (rc != -EINPROGRESS)
		return rc;
	/* The job is the thread's now, but it has it as long as hotplug is not free. */
	mutex_lock(&rf_ledger_lock);
	rf_core_ours(cpu, id);
	mutex_unlock(&rf_ledger_lock);
	pr_err("CPU %u does not %s: hotplug of this kernel is busy with it\n", cpu,
	       cpu_online(cpu) ? "go offline" : "come online");
	return rc;
}

/**
 * rf_core_unplug() - take a core offline in our kernel
 * @subos: its owner; the core is COMING
 * @cpu: logical number
 * @deadline: in jiffies
 *
 * Context: Process context, interruptible. The caller has the turn to hotplug, but not the ledger
 *	    lock.
 * Return: 0; -EINPROGRESS: the core is ours, and the turn not the caller's any more; or another
 *	   error.
 */
int rf_core_unplug(struct rf_subos *subos, u32 cpu, unsigned long deadline)
{
	const unsigned long least = jiffies + RF_CORE_LEAST;

	rf_core_job.job.interruptible = true;
	rf_core_job.job.work = rf_core_out;
	return rf_core_plug(subos, cpu, time_before(deadline, least) ? least : deadline);
}

/* Bring it online: it is RETURNING. Context and return: as above, but not interruptible. */
int rf_core_replug(struct rf_subos *subos, u32 cpu, unsigned long deadline)
{
	rf_core_job.job.interruptible = false;
	rf_core_job.job.work = rf_core_in;
	return rf_core_plug(subos, cpu, deadline);
}
