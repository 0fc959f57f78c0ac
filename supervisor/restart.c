// SPDX-License-Identifier: GPL-2.0
/*
 * From an end to the next start: STOP, RESET, and the policies, which say what becomes
 * of a subOS that ended by itself. What follows an end runs in an ordered workqueue,
 * one subOS after the other: only one partition can be under construction at a time.
 * A restart is the work of a helper in user space, for it builds a boot image.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/umh.h>

#include "supervisor.h"

#define RF_STOP_ANSWER_MS	2000	/* for the agent to take the request */
#define RF_RESTARTS_REFILL	(600 * NSEC_PER_SEC)	/* a life this long was no crash loop */
#define RF_HANG_MIN_MS		1000
#define RF_HANG_MAX_MS		3600000

static char *rf_helper = "/usr/sbin/rfm";
module_param_named(helper, rf_helper, charp, 0444);
MODULE_PARM_DESC(helper, "program that starts a subOS again: HELPER start NAME --policy");

static struct workqueue_struct *rf_policy_queue;
static bool rf_policies_off;		/* the supervisor goes down */

/* ---- stop ---- */

static int rf_stop_now(struct rf_subos *subos)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->gone) {
		rc = -ENOENT;
	} else if (subos->destroying || (!rf_state_live(subos->state) && !subos->hold_at)) {
		rc = -EBUSY;
	} else {
		rf_cores_hold(subos);
		subos->hold_at = 0;
		subos->stop_asked = true;
		if (rf_state_live(subos->state))
			rf_subos_enter(subos, RF_STATE_STOPPED, RF_CAUSE_OPERATOR);
		rf_console_poll(subos);
		rf_policy_ended(subos);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* From now on its end is what the operator wants. Return: -EALREADY if it was asked before. */
static int rf_stop_begin(struct rf_subos *subos)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->gone)
		rc = -ENOENT;
	else if (subos->state == RF_STATE_STOPPING && !subos->destroying)
		rc = -EALREADY;
	else if (subos->state != RF_STATE_RUNNING && subos->state != RF_STATE_LOST)
		rc = -EBUSY;
	else
		subos->stop_asked = true;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* The agent took the request, or did not. */
static int rf_stop_answered(struct rf_subos *subos, int rc)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->state != RF_STATE_RUNNING && subos->state != RF_STATE_LOST)
		rc = 0;		/* it went down, or is going, before we heard the answer */
	else if (rc)
		subos->stop_asked = false;
	else
		rf_subos_enter(subos, RF_STATE_STOPPING, RF_CAUSE_OPERATOR);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc == -ENOTCONN ? -EOPNOTSUPP : rc;
}

/**
 * rf_subos_stop() - ask a subOS to go down, or hold its cores
 * @subos: the subOS
 * @flags: RF_STOP_*
 *
 * Context: Process context, may sleep.
 * Return: 0, or an error as documented for RF_IOC_STOP.
 */
int rf_subos_stop(struct rf_subos *subos, u32 flags)
{
	s64 args[RF_CONTROL_ARGS] = {
		flags & RF_STOP_RESTART ? RF_STOP_REBOOT : RF_STOP_POWEROFF
	};
	int rc;

	if (flags & ~(RF_STOP_NOW | RF_STOP_RESTART))
		return -EINVAL;
	if (flags & RF_STOP_NOW)
		return rf_stop_now(subos);
	rc = rf_stop_begin(subos);
	if (rc)
		return rc == -EALREADY ? 0 : rc;
	rc = rf_supcon_request(subos, RF_OP_STOP, args, RF_STOP_ANSWER_MS, NULL, NULL);
	return rf_stop_answered(subos, rc);
}

/* ---- reset ---- */

/* Nothing of its last kernel executes any more. */
static int rf_reset_begin(struct rf_subos *subos, u32 flags)
{
	bool lost = flags & RF_RESET_LOST && subos->state == RF_STATE_LOST;

	lockdep_assert_held(&rf_state_lock);
	if (subos->gone)
		return -ENOENT;
	if (subos->destroying || (!lost && subos->state != RF_STATE_STOPPED &&
				  subos->state != RF_STATE_CRASHED))
		return -EBUSY;
	rf_cores_hold(subos);
	subos->hold_at = 0;
	subos->resetting = true;
	if (lost)
		rf_subos_enter(subos, RF_STATE_CRASHED, RF_CAUSE_HANG);
	return 0;
}

/* Nothing of what it told its devices is left; those it was to give up are the supervisor's. */
static int rf_reset_devices(struct rf_subos *subos)
{
	return rf_pci_quiesce_all(subos, false) ?: rf_pci_return_taken(subos);
}

static int rf_reset_clear(struct rf_subos *subos)
{
	int rc = 0;
	u32 i;

	down_write(&subos->memory_sem);
	for (i = 0; !rc && i < subos->nr_ranges; i++) {
		rc = rf_step("reset-clear");
		if (!rc)
			rc = rf_fill(subos->ranges[i].start, subos->ranges[i].size, 0);
	}
	up_write(&subos->memory_sem);
	if (!rc)
		memset(__va(subos->low_slice), 0, RF_LOW_SLICE_SIZE);
	return rc;
}

/* What is known of the last kernel is forgotten. */
static void rf_reset_forget(struct rf_subos *subos)
{
	int i;

	lockdep_assert_held(&rf_state_lock);
	subos->stage = RF_STAGE_NONE;
	subos->cpus_online = 0;
	subos->vmcoreinfo = subos->vmcoreinfo_size = 0;
	subos->reason[0] = '\0';
	for (i = RF_MOMENT_LOADED; i < RF_MOMENT_NR; i++)
		subos->moments[i] = 0;
	subos->capabilities = 0;
	subos->block_size = 0;
	subos->beat = subos->beat_at = 0;
	rf_subos_enter(subos, RF_STATE_DEFINED, RF_CAUSE_NONE);
}

static int rf_reset_locked(struct rf_subos *subos, u32 reset_flags)
{
	unsigned long flags;
	int rc;

	rc = rf_step("reset");
	if (rc)
		return rc;
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_reset_begin(subos, reset_flags);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (rc)
		return rc;
	rf_console_stop(subos);
	rc = rf_reset_devices(subos);
	if (!rc)
		rc = rf_reset_clear(subos);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->destroying)
		rc = -ENOENT;
	if (rc)
		subos->resetting = false;
	else
		rf_reset_forget(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/**
 * rf_subos_reset() - make a subOS that ended startable
 * @subos: the subOS
 * @flags: RF_RESET_*
 *
 * On success the caller is its builder, until START or rf_subos_reset_undo().
 *
 * Context: Process context, interruptible. Takes the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_RESET; then it is as it ended.
 */
int rf_subos_reset(struct rf_subos *subos, u32 flags)
{
	int rc;

	if (flags & ~RF_RESET_LOST)
		return -EINVAL;
	rc = security_locked_down(LOCKDOWN_KEXEC);
	if (rc)
		return rc;
	if (rf_subos_builder_take())
		return -EBUSY;
	rc = mutex_lock_interruptible(&subos->adjusting);
	if (rc)
		goto not_builder;
	rc = mutex_lock_interruptible(&rf_ledger_lock);
	if (rc)
		goto unlock;
	rc = rf_reset_locked(subos, flags);
	mutex_unlock(&rf_ledger_lock);
unlock:
	mutex_unlock(&subos->adjusting);
not_builder:
	if (rc)
		rf_subos_builder_done();
	return rc;
}

/**
 * rf_subos_reset_undo() - the builder of a RESET went away before START
 * @subos: the subOS; it is stopped again
 *
 * Context: Process context, also at the exit of a task. Takes the ledger lock.
 */
void rf_subos_reset_undo(struct rf_subos *subos)
{
	unsigned long flags;

	mutex_lock(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	subos->resetting = false;
	if (!subos->gone &&
	    (subos->state == RF_STATE_DEFINED || subos->state == RF_STATE_LOADED))
		rf_subos_enter(subos, RF_STATE_STOPPED, RF_CAUSE_OPERATOR);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	mutex_unlock(&rf_ledger_lock);
}

/* ---- policies ---- */

int rf_policy_check(const struct rf_policies *policies)
{
	if (policies->on_crash > RF_POLICY_DESTROY || policies->on_reboot > RF_POLICY_RESTART ||
	    policies->hang_timeout_ms < RF_HANG_MIN_MS ||
	    policies->hang_timeout_ms > RF_HANG_MAX_MS || policies->reserved)
		return -EINVAL;
	return 0;
}

/* Restarts that are left after this life. Context: state lock held. */
static u32 rf_policy_restarts(const struct rf_subos *subos)
{
	u64 running = subos->moments[RF_MOMENT_RUNNING];
	u64 until = subos->moments[RF_MOMENT_END] ?: ktime_get_ns();

	if (running && until - running >= RF_RESTARTS_REFILL)
		return subos->policies.restarts;
	return subos->restarts_left;
}

/* What happens if it crashes now, or hangs. Context: state lock held. */
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

/* A crash is counted. Context: state lock held. */
static enum rf_policy rf_policy_crashed(struct rf_subos *subos)
{
	enum rf_policy policy = rf_policy_on_crash(subos);

	if (policy == RF_POLICY_RESTART)
		subos->restarts_left = rf_policy_restarts(subos) - 1;
	else if (policy != subos->policies.on_crash)
		rf_policy_tell(subos, subos->cause, -EDQUOT,
			       "it crashed too often to be started again");
	return policy;
}

/* What to do about this end. */
static enum rf_policy rf_policy_choose(struct rf_subos *subos, enum rf_cause *cause)
{
	enum rf_policy policy = RF_POLICY_KEEP;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	*cause = subos->cause;
	if (!READ_ONCE(rf_policies_off) && !subos->stop_asked && !subos->resetting &&
	    !subos->destroying && !subos->gone) {
		if (subos->state == RF_STATE_CRASHED)
			policy = rf_policy_crashed(subos);
		else if (subos->state == RF_STATE_STOPPED && subos->cause == RF_CAUSE_REBOOT)
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
		snprintf(what, sizeof(what), "%s did not start it: it ended with %s %d", rf_helper,
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
 * rf_policy_ended() - a subOS ended and its cores are held: do what follows
 * @subos: the subOS
 *
 * Context: Any, also with interrupts off. State lock held.
 */
void rf_policy_ended(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	kobject_get(&subos->kobj);
	if (!queue_work(rf_policy_queue, &subos->ending))
		kobject_put(&subos->kobj);	/* not the last one: the list has one */
}

/**
 * rf_policy_setup() - what a new subOS begins with
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

/* The supervisor goes down: nothing is started again. Context: any. */
void rf_policy_off(void)
{
	WRITE_ONCE(rf_policies_off, true);
}

int rf_policy_init(void)
{
	rf_policy_queue = alloc_ordered_workqueue("rainforest-policy", 0);
	return rf_policy_queue ? 0 : -ENOMEM;
}

/* Waits for what is under way. Context: process. */
void rf_policy_exit(void)
{
	destroy_workqueue(rf_policy_queue);
}
