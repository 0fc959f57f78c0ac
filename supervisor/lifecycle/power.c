// SPDX-License-Identifier: GPL-2.0
/*
 * When the supervisor goes down, subOSes are stopped first. Reboot, poweroff, halt
 * and kexec -e all run the reboot notifiers; suspend and hibernation are refused
 * while any subOS exists or is created, because nobody would wake the lent cores.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/notifier.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include <linux/suspend.h>

#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"

#define RF_RECALL_MS	10
#define RF_RECALLS	10
#define RF_SUSPEND_WAIT	HZ		/* for the turn to hotplug */
#define RF_SUSPEND_LENT	"while cores are lent to a subOS; destroy all subOSes first"
#define RF_SUSPEND_MEMORY "while memory is taken from this kernel or returns to it"

static void rf_stop_one(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	rf_cores_hold(subos);
	if (subos->life.phase == RF_PHASE_DYING)
		rf_subos_enter(subos, RF_PHASE_ENDED, subos->life.cause);
	if (!rf_phase_live(subos->life.phase))
		return;
	rf_subos_enter(subos, RF_PHASE_ENDED, RF_CAUSE_SUPERVISOR);
	pr_notice("subOS %s is stopped: the supervisor goes down\n", subos->name);
}

/* Return: how many subOSes have a core that has not come to the park. @last: it is not awaited. */
static u32 rf_reboot_recall(enum rf_recall recall, bool last)
{
	struct rf_subos *subos;
	unsigned long flags;
	u32 missing = 0;
	int cpu;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node) {
		cpu = rf_cores_recall(subos, recall);
		if (cpu < 0)
			continue;
		missing++;
		if (last)
			pr_err("subOS %s: CPU %d does not react to INIT: it runs on\n",
			       subos->name, cpu);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return missing;
}

/* Before a reset nothing is lost if one is missing, but at a power-off. */
static void rf_reboot_await(void)
{
	int i;

	for (i = 1; i <= RF_RECALLS; i++) {
		msleep(RF_RECALL_MS);
		/* One SIPI in a hundred is missed; of INITs none was so far. */
		if (!rf_reboot_recall(i % 4 ? RF_RECALL_SIPI : RF_RECALL_INIT, i == RF_RECALLS))
			break;
	}
}

/* Stop all subOSes before devices and cores of the supervisor are shut down. */
static int rf_reboot(struct notifier_block *block, unsigned long event, void *data)
{
	bool kexec = data && !strcmp(data, "kexec reboot");	/* kernel_kexec() */
	struct rf_subos *subos;
	unsigned long flags;

	rf_policy_off();
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_cores_freeze(kexec);
	list_for_each_entry(subos, &rf_subos_list, node)
		rf_stop_one(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);

	if (!kexec)
		rf_reboot_await();
	/* The next kernel may be one that looks for the machine's. */
	rf_mp_exit();
	return NOTIFY_DONE;
}

/* Nobody builds, and we have the turn to hotplug. Serialised as notifiers are. */
static bool rf_suspends;

/* Return: NULL, or why this kernel cannot be suspended now. Nobody builds. */
static const char *rf_suspend_refusal(void)
{
	if (!list_empty(&rf_subos_list))
		return RF_SUSPEND_LENT;
	/* A thread that hotplugs is not frozen, and the kernel would wait for it to take cores. */
	if (rf_hotplug_begin(jiffies + RF_SUSPEND_WAIT))
		return RF_SUSPEND_MEMORY;
	/* Between two of its blocks. */
	if (rf_provisions_any()) {
		rf_hotplug_end();
		return RF_SUSPEND_MEMORY;
	}
	return NULL;
}

/* Nobody creates a subOS or hotplugs from here until rf_suspend_end(), and nobody does now. */
static int rf_suspend_begin(void)
{
	const char *refusal;

	/* First, so that nobody who builds, as a policy does, is refused for a suspend that is, too. */
	if (!list_empty(&rf_subos_list)) {
		pr_err("cannot suspend " RF_SUSPEND_LENT "\n");
		return notifier_from_errno(-EBUSY);
	}
	if (!rf_subos_builders_stop()) {
		pr_err("cannot suspend while a subOS is created or started\n");
		return notifier_from_errno(-EBUSY);
	}
	refusal = rf_suspend_refusal();
	rf_suspends = !refusal;
	if (rf_suspends)
		return NOTIFY_DONE;
	rf_subos_builders_go_on();
	pr_err("cannot suspend %s\n", refusal);
	return notifier_from_errno(-EBUSY);
}

/* Also after a suspend that failed, or that began before the module was loaded. */
static void rf_suspend_end(void)
{
	if (rf_suspends) {
		rf_hotplug_adopt();	/* perhaps another task began it */
		rf_hotplug_end();
		rf_subos_builders_go_on();
	}
	rf_suspends = false;
}

static int rf_suspend(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:	/* also with what a writer of /dev/snapshot begins */
		return rf_suspend_begin();
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		rf_suspend_end();
	}
	return NOTIFY_DONE;
}

static struct notifier_block rf_reboot_block = {
	.notifier_call = rf_reboot,
	.priority = INT_MAX,
};
static struct notifier_block rf_pm_block = { .notifier_call = rf_suspend };

int rf_power_init(void)
{
	int rc;

	rc = register_reboot_notifier(&rf_reboot_block);
	if (rc)
		return rc;
	rc = register_pm_notifier(&rf_pm_block);
	if (rc)
		unregister_reboot_notifier(&rf_reboot_block);
	return rc;
}

void rf_power_exit(void)
{
	unregister_pm_notifier(&rf_pm_block);
	unregister_reboot_notifier(&rf_reboot_block);
	rf_suspend_end();
}
