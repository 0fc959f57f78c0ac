// SPDX-License-Identifier: GPL-2.0
/*
 * The policies: what becomes of a subOS that ended by itself. They are carried out in a
 * workqueue, each subOS by itself. A restart is done by a user-space helper, because it takes a
 * new boot image.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>

#include "lifecycle/internal.h"

#define RF_RESTARTS_REFILL	(600 * NSEC_PER_SEC)	/* running this long is no crash loop */
#define RF_HANG_MIN_MS		1000
#define RF_HANG_MAX_MS		3600000

static char *rf_helper = "/usr/sbin/rfm";
module_param_named(helper, rf_helper, charp, 0444);
MODULE_PARM_DESC(helper, "program that starts a subOS again: HELPER start NAME --policy");

static struct workqueue_struct *rf_policy_queue;
static bool rf_policies_off;		/* the supervisor goes down */

int rf_policy_check(const struct rf_policies *policies)
{
	if (policies->on_crash > RF_POLICY_DESTROY || policies->on_reboot > RF_POLICY_RESTART ||
	    policies->hang_timeout_ms < RF_HANG_MIN_MS ||
	    policies->hang_timeout_ms > RF_HANG_MAX_MS || policies->reserved)
		return -EINVAL;
	return 0;
}

/* Restarts left when this run ends; a long run refills them. Context: state lock held. */
static u32 rf_policy_restarts(const struct rf_subos *subos)
{
	u64 running = subos->moments[RF_MOMENT_RUNNING];
	u64 until = subos->moments[RF_MOMENT_END] ?: ktime_get_ns();

	lockdep_assert_held(&rf_state_lock);
	if (running && until - running >= RF_RESTARTS_REFILL)
		return subos->policies.restarts;
	return subos->restarts_left;
}

/* The policy for a crash or hang, limited by the restarts left. Context: state lock held. */
enum rf_policy rf_policy_on_crash(const struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	if (subos->policies.on_crash == RF_POLICY_RESTART && !rf_policy_restarts(subos))
		return RF_POLICY_KEEP;
	return subos->policies.on_crash;
}

static void rf_policy_tell(struct rf_subos *subos, enum rf_cause cause, int rc,
			   const char *what)
{
	rf_event(subos, RF_EVENT_POLICY, rc, cause, 0, NULL, what);
	if (rc)
		pr_warn("subOS %s: %s\n", subos->name, what);
	else
		pr_info("subOS %s: %s\n", subos->name, what);
}

/* Count a crash, and choose its policy. Context: state lock held. */
static enum rf_policy rf_policy_crashed(struct rf_subos *subos)
{
	enum rf_policy policy = rf_policy_on_crash(subos);

	if (policy == RF_POLICY_RESTART)
		subos->restarts_left = rf_policy_restarts(subos) - 1;
	else if (policy != subos->policies.on_crash)
		rf_policy_tell(subos, subos->life.cause, -EDQUOT,
			       "it crashed too often to be started again");
	return policy;
}

/* Choose the policy for an end; KEEP if the subOS was reset or destroyed in the meantime. */
static enum rf_policy rf_policy_choose(struct rf_subos *subos, enum rf_cause *cause)
{
	enum rf_policy policy = RF_POLICY_KEEP;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	*cause = subos->life.cause;
	if (!READ_ONCE(rf_policies_off) && subos->life.phase == RF_PHASE_ENDED &&
	    subos->answerable == RF_END_BY_POLICY) {
		if (!rf_cause_orderly(*cause))
			policy = rf_policy_crashed(subos);
		else if (*cause == RF_CAUSE_REBOOT)
			policy = subos->policies.on_reboot;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return policy;
}

static void rf_policy_restart(struct rf_subos *subos, enum rf_cause cause)
{
	char *argv[] = { rf_helper, "start", subos->name, "--policy", NULL };
	char *envp[] = { "HOME=/", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
	char what[RF_REASON_MAX];
	int rc;

	if (!READ_ONCE(subos->definition)) {
		rf_policy_tell(subos, cause, -ENODATA,
			       "it cannot be started again: it has no definition");
		return;
	}
	rf_policy_tell(subos, cause, 0, "starting it again");
	rc = call_usermodehelper(rf_helper, argv, envp, UMH_WAIT_PROC);
	if (rc < 0)
		snprintf(what, sizeof(what), "%s could not be run: error %d", rf_helper, rc);
	else if (rc)
		snprintf(what, sizeof(what), "%s did not start it: exited with %s %d", rf_helper,
			 rc & 0x7f ? "signal" : "code", rc & 0x7f ?: (rc >> 8) & 0xff);
	if (rc)
		rf_policy_tell(subos, cause, rc < 0 ? rc : -EIO, what);
}

static void rf_policy_destroy(struct rf_subos *subos, enum rf_cause cause)
{
	struct rf_destroy unused = {};
	int rc;

	rf_policy_tell(subos, cause, 0, "destroying it");
	rc = rf_subos_destroy(subos, &unused);
	if (rc && rc != -ENOENT)
		rf_policy_tell(subos, cause, rc, "it could not be destroyed completely");
}

static void rf_ending_work(struct work_struct *work)
{
	struct rf_subos *subos = container_of(work, struct rf_subos, ending);
	enum rf_cause cause;

	switch (rf_policy_choose(subos, &cause)) {
	case RF_POLICY_RESTART:
		rf_policy_restart(subos, cause);
		break;
	case RF_POLICY_DESTROY:
		rf_policy_destroy(subos, cause);
		break;
	case RF_POLICY_KEEP:
		break;
	}
	kobject_put(&subos->kobj);
}

/**
 * rf_policy_ended() - a subOS ended and its cores are held: queue its policy
 * @subos: the subOS
 *
 * Context: Any, also with interrupts off. State lock held.
 */
void rf_policy_ended(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	kobject_get(&subos->kobj);
	if (!queue_work(rf_policy_queue, &subos->ending))
		kobject_put(&subos->kobj);	/* not the last reference: the list has one */
}

/**
 * rf_policy_setup() - set the default policies of a new subOS
 * @subos: the subOS; nobody else knows it yet
 *
 * Context: Any.
 */
void rf_policy_setup(struct rf_subos *subos)
{
	subos->policies = (struct rf_policies){
		.size = sizeof(subos->policies),
		.on_crash = RF_POLICY_KEEP,
		.on_reboot = RF_POLICY_RESTART,
		.restarts = 5,
		.hang_timeout_ms = 10000,
	};
	subos->restarts_left = subos->policies.restarts;
	INIT_WORK(&subos->ending, rf_ending_work);
}

/* The supervisor goes down: no policy is carried out any more. Context: any. */
void rf_policy_off(void)
{
	WRITE_ONCE(rf_policies_off, true);
}

/* Context: process. Return: 0 or -ENOMEM. */
int rf_policy_init(void)
{
	rf_policy_queue = alloc_workqueue("rainforest-policy", WQ_UNBOUND, 0);
	return rf_policy_queue ? 0 : -ENOMEM;
}

/* Waits for policies that are being carried out. Context: process. */
void rf_policy_exit(void)
{
	destroy_workqueue(rf_policy_queue);
}
