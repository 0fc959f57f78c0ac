// SPDX-License-Identifier: GPL-2.0
/*
 * Strays: cores that were taken offline to be lent, and did not come to the park. They have never
 * left the supervisor, and come online again; that takes a core which does not react ten seconds
 * (do_boot_cpu()), so it is not done under the ledger lock.
 */
#include <linux/bitmap.h>
#include <linux/cpu.h>
#include <linux/workqueue.h>

#include "kernel/hotplug.h"
#include "cores/internal.h"

static DECLARE_BITMAP(rf_strays, NR_CPUS);

/*
 * Not online after all: it is not to be in the park, where our pages end with the module. Return:
 * false if it is, or is lent again.
 */
static bool rf_stray_stays(u32 cpu)
{
	unsigned long flags;
	bool stays;

	cpus_read_lock();
	spin_lock_irqsave(&rf_state_lock, flags);
	stays = !cpu_online(cpu) &&
		rf_ledger_core_owner(&rf_books.cores, cpu) == RF_OWNER_SUPERVISOR;
	if (stays)
		rf_core_init_ipi(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	cpus_read_unlock();
	return stays;
}

static void rf_strays_return(struct work_struct *unused)
{
	u32 cpu;
	int rc;

	for_each_set_bit(cpu, rf_strays, nr_cpu_ids) {
		clear_bit(cpu, rf_strays);
		rc = rf_hotplug_add_cpu(cpu);
		if (rf_stray_stays(cpu))
			pr_err("CPU %u stays offline: error %d; to try again, write 1 to /sys/devices/system/cpu/cpu%u/online\n",
			       cpu, rc, cpu);
	}
}

static DECLARE_WORK(rf_strays_work, rf_strays_return);

/**
 * rf_core_stray() - give up a core that did not come to the park when it was taken
 * @subos: who was to get it
 * @cpu: logical number; offline
 *
 * While it is offline nobody can be given it.
 *
 * Context: Ledger lock held.
 */
void rf_core_stray(struct rf_subos *subos, u32 cpu)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_core_move(&rf_books.cores, cpu, subos->id, RF_OWNER_SUPERVISOR,
				 RF_CORE_HOME);
	/* Our kernel starts it from now on, also if an operator asks for it. */
	rf_park_leave(rf_ledger_core_apic_id(&rf_books.cores, cpu));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_expect(rc);
	set_bit(cpu, rf_strays);
	rf_work_queue(&rf_strays_work);
}

void rf_strays_exit(void)
{
	flush_work(&rf_strays_work);
}
