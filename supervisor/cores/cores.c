// SPDX-License-Identifier: GPL-2.0
/*
 * Cores: taken from the supervisor's scheduler, lent, and returned; the ledger's table of
 * cores records each step. A veto in CPU hotplug keeps the supervisor from starting a core
 * that is lent.
 *
 * While a core changes hands it has an owner, but is in no subOS's list: grant pages say that
 * the core is nobody's, and nobody starts it or sends it doorbells.
 */
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/slab.h>
#include <asm/smp.h>

#include "kernel/hotplug.h"
#include "cores/internal.h"

static enum cpuhp_state rf_veto_state;

static int rf_core_veto(unsigned int cpu)
{
	if (rf_ledger_core_may_start(&rf_books.cores, cpu))
		return 0;
	pr_notice_ratelimited("CPU %u belongs to subOS %u and cannot be brought online\n",
			      cpu, rf_ledger_core_owner(&rf_books.cores, cpu));
	return -EBUSY;
}

/* Make sure that the ledger has this core: cores can be plugged in at any time. */
static int rf_core_add(u32 cpu)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_add(&rf_books.cores, cpu, per_cpu(x86_cpu_to_apicid, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	return rc;
}

/* Callers ask for allowed transitions only. Return: as rf_ledger_core_move(). */
static int rf_core_move(u32 cpu, u32 from, u32 to, enum rf_core_state state)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, from, to, state);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	return rc;
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

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_core_init_ipi(apic_id);
	rf_park_leave(apic_id);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, subos->id, RF_OWNER_SUPERVISOR,
				 RF_CORE_HOME);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	pr_err("CPU %u stays offline; to try again, write 1 to /sys/devices/system/cpu/cpu%u/online\n",
	       cpu, cpu);
}

/**
 * rf_core_take() - take one core offline and hold it
 * @subos: its next owner; rf_core_attach() puts the core into its list
 * @cpu: logical number, checked by rf_cores_check()
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0; -EIO it could not be taken offline; -ETIMEDOUT it could not be held: it is the
 *         supervisor's as before, but offline.
 */
int rf_core_take(struct rf_subos *subos, u32 cpu)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("core-take");
	if (!rc)
		rc = rf_core_add(cpu);
	if (!rc)
		rc = rf_park_save(cpu, rf_ledger_core_apic_id(&rf_books.cores, cpu));
	/* Before it goes offline, because nobody may start it from then on. */
	if (!rc)
		rc = rf_core_move(cpu, RF_OWNER_SUPERVISOR, subos->id, RF_CORE_COMING);
	if (!rc) {
		rc = rf_hotplug_remove_cpu(cpu);
		if (rc)
			rf_core_move(cpu, subos->id, RF_OWNER_SUPERVISOR, RF_CORE_HOME);
	}
	if (rc) {
		/* 1: somebody else was faster. */
		pr_warn("CPU %u could not be taken offline: error %d\n", cpu, rc);
		return -EIO;
	}
	rc = rf_core_hold(subos, cpu);
	if (rc)
		rf_core_stray(subos, cpu);
	return rc;
}

/* A kernel that runs may start what it owns at any time. */
static void rf_core_joins(struct rf_subos *subos, u32 cpu)
{
	lockdep_assert_held(&rf_state_lock);
	if (!rf_phase_held(subos->life.phase))
		rf_park_leave(rf_ledger_core_apic_id(&rf_books.cores, cpu));
}

/**
 * rf_core_attach() - append a held core to its owner's list
 * @subos: the owner
 * @cpu: logical number; in no list
 *
 * Context: Ledger lock held.
 */
void rf_core_attach(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, subos->id, subos->id, RF_CORE_LENT);
	rf_core_joins(subos, cpu);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
}

/* Remove a core from its owner's list; the others keep their order. Context: as above. */
void rf_core_detach(struct rf_subos *subos, u32 cpu)
{
	rf_core_move(cpu, subos->id, subos->id, RF_CORE_LEAVING);
}

/**
 * rf_core_hand_over() - give a held core to another owner, at the end of its list
 * @from: the current owner; the core is not in its list any more
 * @to: the next owner
 * @cpu: logical number
 * @lender: id of the subOS that @to borrows the core from, 0: there is no loan
 *
 * There is always room in the list: no machine in xAPIC mode has more than RF_CPUS_MAX cores.
 *
 * Context: Ledger lock held.
 */
void rf_core_hand_over(struct rf_subos *from, struct rf_subos *to, u32 cpu, u32 lender)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, from->id, to->id, RF_CORE_LENT);
	if (!rc)
		rc = rf_ledger_core_lend(&rf_books.cores, cpu, lender);
	rf_core_joins(to, cpu);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
}

/*
 * A core that did not come online goes back to @subos, and is called to the park again. CPU hotplug
 * is locked out, because another task may be bringing the core online: an INIT would take it from
 * under our kernel. Return: false, with nothing done, if the core is online after all.
 */
static bool rf_core_keep(struct rf_subos *subos, u32 cpu)
{
	bool offline;

	cpus_read_lock();
	offline = !cpu_online(cpu);
	if (offline) {
		rf_core_attach(subos, cpu);
		rf_core_call(subos, cpu);
	}
	cpus_read_unlock();
	return offline;
}

/*
 * Our kernel starts it from now on: it leaves the park without our doing. Return: 0; -ESHUTDOWN the
 * machine goes down.
 */
static int rf_core_departs(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
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
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if the core did not come online: it was called to the park, and is in
 *	   @subos's list again.
 */
int rf_core_return(struct rf_subos *subos, u32 cpu)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("core-return");
	if (!rc)
		rc = rf_core_departs(subos, cpu);
	if (!rc)
		rc = rf_hotplug_add_cpu(cpu);
	if ((rc >= 0 && cpu_online(cpu)) || !rf_core_keep(subos, cpu))
		return rf_core_move(cpu, subos->id, RF_OWNER_SUPERVISOR, RF_CORE_HOME);
	pr_err("CPU %u did not come back: error %d\n", cpu, rc);
	return -EIO;
}

/**
 * rf_cores_take() - take cores offline, hold them, and give them to a subOS
 * @subos: the new owner; its list grows core by core, so that what was taken
 *         before an error can be returned
 * @cpus: logical numbers, checked by rf_cores_check()
 * @count: how many
 * @culprit: set to the offending core on error
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or as rf_core_take().
 */
int rf_cores_take(struct rf_subos *subos, const u32 *cpus, u32 count, u32 *culprit)
{
	u32 i;
	int rc;

	for (i = 0; i < count; i++) {
		rc = rf_core_take(subos, cpus[i]);
		if (rc) {
			*culprit = cpus[i];
			return rc;
		}
		rf_core_attach(subos, cpus[i]);
	}
	return 0;
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
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, or -EIO if a core did not come online.
 */
int rf_cores_return(struct rf_subos *subos, u32 *returned, u32 *culprit)
{
	u32 left = rf_ledger_core_count(&rf_books.cores, subos->id);
	int result = 0;

	/* Cores that fail go back to the end of the list. */
	for (; left; left--) {
		u32 cpu = rf_ledger_core_boot(&rf_books.cores, subos->id);

		rf_core_detach(subos, cpu);
		if (rf_core_return(subos, cpu)) {
			*culprit = cpu;
			result = -EIO;
		} else {
			(*returned)++;
		}
	}
	return result;
}

/* The owner keeps the core: it is not on loan any more. Context: ledger lock held. */
void rf_core_end_loan(u32 cpu)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_lend(&rf_books.cores, cpu, 0);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
}

/* End all loans of a lender that goes away: the borrowers keep the cores. Context: as above. */
void rf_cores_forget_lender(u32 id)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_ledger_core_forget_lender(&rf_books.cores, id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static int rf_cores_table_init(void)
{
	struct rf_core_entry *entries = kcalloc(nr_cpu_ids, sizeof(*entries), GFP_KERNEL);
	u32 cpu;

	if (!entries)
		return -ENOMEM;
	rf_ledger_core_init(&rf_books.cores, entries, nr_cpu_ids);
	mutex_lock(&rf_ledger_lock);
	for_each_present_cpu(cpu)
		rf_core_add(cpu);
	mutex_unlock(&rf_ledger_lock);
	return 0;
}

/**
 * rf_cores_init() - find low memory for trampolines, and keep lent cores from being started
 *
 * Context: Process context, may sleep.
 * Return: 0, or an error after one line that says what is wrong.
 */
int rf_cores_init(void)
{
	int rc;

	rc = rf_trampoline_init();
	if (rc)
		return rc;
	rc = rf_cores_table_init();
	if (rc)
		return rc;
	rc = rf_lowmem_init();
	if (rc)
		goto free_table;
	rc = rf_park_init();
	if (rc)
		goto exit_lowmem;
	rc = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "rainforest:owner", rf_core_veto,
				       NULL);
	if (rc < 0) {
		pr_err("cannot register the ownership check of cores: error %d\n", rc);
		goto exit_park;
	}
	rf_veto_state = rc;
	return 0;

exit_park:
	rf_park_exit();
exit_lowmem:
	rf_lowmem_exit();
free_table:
	kfree(rf_books.cores.entries);
	return rc;
}

void rf_cores_exit(void)
{
	cpuhp_remove_state_nocalls(rf_veto_state);
	rf_park_exit();
	rf_lowmem_exit();
	kfree(rf_books.cores.entries);
}
