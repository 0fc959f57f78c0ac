// SPDX-License-Identifier: GPL-2.0
/*
 * Cores change hands (take.c: from our scheduler and back to it); the ledger's table of cores
 * records each step. A veto in CPU hotplug keeps the supervisor from starting a core that is
 * lent, or that an SMT sibling in another kernel would share its caches with.
 *
 * While a core changes hands it has an owner, but is in no subOS's list: grant pages say that
 * the core is nobody's, and nobody starts it or sends it doorbells.
 */
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <asm/smp.h>

#include "cores/internal.h"

static enum cpuhp_state rf_veto_state;

static bool rf_allow_smt_split;
module_param_named(allow_smt_split, rf_allow_smt_split, bool, 0644);
MODULE_PARM_DESC(allow_smt_split, "let a CPU come online whose SMT sibling a subOS has");

/*
 * Cores of ours that ran beside a lent sibling, and went offline: somebody insisted on that, and they
 * may come back. Any other was offline when its sibling was lent, as all are where SMT is off.
 */
static unsigned long *rf_beside;	/* by CPU number */

/* Also of a core that was just plugged in. */
static int rf_core_lent_sibling(unsigned int cpu)
{
	return rf_ledger_core_lent_sibling(&rf_books.cores, per_cpu(x86_cpu_to_apicid, cpu));
}

/* A core of ours comes online: not beside a sibling that runs another kernel. */
static int rf_core_veto_beside(unsigned int cpu)
{
	int sibling;

	if (rf_ledger_core_owner(&rf_books.cores, cpu) != RF_OWNER_SUPERVISOR ||
	    test_bit(cpu, rf_beside) || READ_ONCE(rf_allow_smt_split))
		return 0;
	sibling = rf_core_lent_sibling(cpu);
	if (sibling < 0)
		return 0;
	pr_notice_ratelimited("CPU %u stays offline: its SMT sibling CPU %d belongs to subOS %u; echo 1 > /sys/module/rf_supervisor/parameters/allow_smt_split lets it come online all the same\n",
			      cpu, sibling, rf_ledger_core_owner(&rf_books.cores, sibling));
	return -EBUSY;
}

static int rf_core_veto(unsigned int cpu)
{
	if (rf_ledger_core_may_start(&rf_books.cores, cpu))
		return rf_core_veto_beside(cpu);
	pr_notice_ratelimited("CPU %u belongs to subOS %u and cannot be brought online\n",
			      cpu, rf_ledger_core_owner(&rf_books.cores, cpu));
	return -EBUSY;
}

/* A core is offline. */
static int rf_core_down(unsigned int cpu)
{
	bool beside = rf_ledger_core_owner(&rf_books.cores, cpu) == RF_OWNER_SUPERVISOR &&
		      rf_core_lent_sibling(cpu) >= 0;

	assign_bit(cpu, rf_beside, beside);
	return 0;
}

/* A core of ours is to come online in any case: it was before. */
void rf_core_comes(u32 cpu)
{
	set_bit(cpu, rf_beside);
}

/*
 * A core of ours has left for good: what was known of its siblings that are offline is over. Not
 * before that: one that does not go leaves all as it was.
 */
void rf_core_parts(u32 cpu)
{
	u32 other;

	for (other = 0; other < nr_cpu_ids; other++)
		if (rf_ledger_core_siblings(&rf_books.cores, cpu, other))
			clear_bit(other, rf_beside);
}

/* Make sure that the ledger has this core: cores can be plugged in at any time. */
int rf_core_add(u32 cpu)
{
	unsigned long flags;
	int rc;

	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_add(&rf_books.cores, cpu, per_cpu(x86_cpu_to_apicid, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	return rc;
}

/*
 * Siblings may have been plugged in, and nobody asked for them yet, or unplugged: those that are
 * gone first, for an APIC id may be there again under another number. Context: ledger lock held.
 */
void rf_cores_look(void)
{
	unsigned long flags;
	u32 cpu;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (!cpu_present(cpu)) {
			rf_ledger_core_forget(&rf_books.cores, cpu);
			clear_bit(cpu, rf_beside);
		}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	for_each_present_cpu(cpu)
		rf_core_add(cpu);
}

/* Callers ask for allowed transitions only. Return: as rf_ledger_core_move(). */
int rf_core_move(u32 cpu, u32 from, u32 to, enum rf_core_state state)
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
	rf_beside = bitmap_zalloc(nr_cpu_ids, GFP_KERNEL);
	if (!rf_beside) {
		kfree(entries);
		return -ENOMEM;
	}
	rf_ledger_core_init(&rf_books.cores, entries, nr_cpu_ids);
	rf_books.cores.smt_shift = rf_smt_shift();
	mutex_lock(&rf_ledger_lock);
	for_each_present_cpu(cpu)
		rf_core_add(cpu);
	mutex_unlock(&rf_ledger_lock);
	return 0;
}

static void rf_cores_table_exit(void)
{
	bitmap_free(rf_beside);
	kfree(rf_books.cores.entries);
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
				       rf_core_down);
	if (rc < 0) {
		pr_err("cannot register the ownership check of cores: error %d\n", rc);
		goto exit_park;
	}
	rf_veto_state = rc;
	rf_mp_init();
	return 0;

exit_park:
	rf_park_exit();
exit_lowmem:
	rf_lowmem_exit();
free_table:
	rf_cores_table_exit();
	return rc;
}

void rf_cores_exit(void)
{
	rf_mp_exit();
	cpuhp_remove_state_nocalls(rf_veto_state);
	rf_park_exit();
	rf_lowmem_exit();
	rf_cores_table_exit();
}
