// SPDX-License-Identifier: GPL-2.0
/*
 * The life of a subOS up to its start: created, found, started, looked at. The
 * way back is in release.c.
 */
#include <linux/ctype.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/pid.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "supervisor.h"

static u32 rf_last_id;			/* ledger lock */
static atomic_t rf_builder;		/* pid of who holds a partition under construction, 0 */

pid_t rf_subos_builder(void)
{
	return atomic_read(&rf_builder);
}

/**
 * rf_subos_builder_take() - become who holds the partition under construction
 *
 * Context: Process context.
 * Return: 0, or the pid of who holds one.
 */
pid_t rf_subos_builder_take(void)
{
	return atomic_cmpxchg(&rf_builder, 0, task_tgid_nr(current));
}

/* The partition under construction was published or undone. */
void rf_subos_builder_done(void)
{
	atomic_set(&rf_builder, 0);
}

static bool rf_name_valid(const char *name)
{
	size_t i, length = strnlen(name, RF_NAME_MAX);

	if (!length || length == RF_NAME_MAX || name[0] == '-' || name[0] == '_')
		return false;
	for (i = 0; i < length; i++)
		if (!islower(name[i]) && !isdigit(name[i]) && name[i] != '-' && name[i] != '_')
			return false;
	return true;
}

/* Everything that can be told before anything is changed. Ledger lock held. */
static int rf_create_check(struct rf_create *args, const u32 *cpus, const u32 *functions)
{
	struct rf_subos *same;
	u64 need;
	int rc;

	if (args->flags || args->reserved || !rf_name_valid(args->name) || !args->memory ||
	    !IS_ALIGNED(args->memory, RF_EXTENT_SIZE))
		return -EINVAL;
	if (args->node < -1 || args->node >= MAX_NUMNODES ||
	    (args->node >= 0 && !node_online(args->node)))
		return -EINVAL;
	same = rf_subos_find(args->name);
	if (same) {
		kobject_put(&same->kobj);
		return -EEXIST;
	}
	rc = rf_cores_check(cpus, args->nr_cpus, &args->culprit);
	if (!rc)
		rc = rf_pci_check(functions, args->nr_functions, args->function_flags,
				  &args->culprit_function, &args->problem);
	if (rc)
		return rc;
	need = rf_arena_need();
	if (args->memory <= U64_MAX - need &&
	    rf_pool_could_take(args->memory + need, args->node, &args->available))
		return 0;
	args->available -= min(args->available, need);
	return -ENOMEM;
}

static struct rf_subos *rf_subos_alloc(const char *name)
{
	struct rf_subos *subos = kzalloc(sizeof(*subos), GFP_KERNEL);

	if (!subos)
		return NULL;
	kobject_init(&subos->kobj, &rf_subos_ktype);
	strscpy(subos->name, name, sizeof(subos->name));
	mutex_init(&subos->adjusting);
	init_rwsem(&subos->memory_sem);
	init_waitqueue_head(&subos->wait);
	INIT_LIST_HEAD(&subos->node);
	INIT_LIST_HEAD(&subos->requests);
	INIT_LIST_HEAD(&subos->functions);
	subos->kernel_id = RF_KERNEL_NONE;
	subos->state = RF_STATE_DEFINED;
	rf_policy_setup(subos);
	subos->moments[RF_MOMENT_CREATE] = ktime_get_ns();
	return subos;
}

/*
 * Take what was asked for: functions last, for what they may reach must be known. On error
 * the caller gives back what @subos holds.
 */
static int rf_create_take(struct rf_subos *subos, struct rf_create *args, const u32 *cpus,
			  const u32 *functions)
{
	int rc;

	rc = rf_step("console");
	if (!rc)
		rc = rf_console_add(subos);
	if (!rc)
		rc = rf_step("low-slice");
	if (rc)
		return rc;
	subos->low_slice = rf_lowmem_alloc(subos->id);
	if (!subos->low_slice)
		return -ENOSPC;

	rc = rf_cores_take(subos, cpus, args->nr_cpus, &args->culprit);
	if (rc)
		return rc;
	rf_subos_moment(subos, RF_MOMENT_CPUS);

	rc = rf_step("arena");
	if (!rc)
		rc = rf_link_attach(subos);
	if (!rc)
		rc = rf_pool_take(subos, args->memory, args->node, &args->available);
	if (rc)
		return rc;
	if (subos->ranges[0].size < RF_BOOT_AREA_SIZE)
		return -ENOMEM;
	subos->boot_area = memremap(subos->ranges[0].start, RF_BOOT_AREA_SIZE, MEMREMAP_WB);
	if (!subos->boot_area)
		return -ENOMEM;
	rf_subos_moment(subos, RF_MOMENT_MEMORY);

	rc = rf_pci_take(subos, functions, args->nr_functions, args->function_flags,
			 &args->culprit_function, &args->problem);
	if (!rc)
		rc = rf_step("sysfs");
	if (!rc)
		rc = rf_sysfs_add(subos);
	return rc;
}

/* On an error after the checks, *@out is what the caller has to destroy. Ledger lock held. */
static int rf_create_locked(struct rf_create *args, const u32 *cpus, const u32 *functions,
			    struct rf_subos **out)
{
	struct rf_subos *subos;
	unsigned long flags;
	int rc;

	rc = rf_create_check(args, cpus, functions);
	if (rc)
		return rc;
	subos = rf_subos_alloc(args->name);
	if (!subos)
		return -ENOMEM;
	subos->id = ++rf_last_id;
	args->id = subos->id;
	kobject_get(&subos->kobj);	/* one reference for the list, one for the caller */
	__module_get(THIS_MODULE);	/* until it is given back, see rf_subos_give_back() */
	*out = subos;

	rc = rf_create_take(subos, args, cpus, functions);

	/* Visible now; also if it failed, for what might not come back is still owned. */
	spin_lock_irqsave(&rf_state_lock, flags);
	list_add_tail(&subos->node, &rf_subos_list);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!rc)
		rf_publish();
	return rc;
}

static void rf_create_note(struct rf_subos *subos, const struct rf_create *args, const u32 *cpus,
			   const u32 *functions)
{
	const u64 event[4] = { args->memory };
	char list[RF_REASON_MAX];
	u32 i;

	rf_cores_text(cpus, args->nr_cpus, list, sizeof(list));
	rf_event(subos, RF_EVENT_CREATED, 0, RF_CAUSE_OPERATOR,
		 ktime_get_ns() - subos->moments[RF_MOMENT_CREATE], event, list);
	for (i = 0; i < args->nr_functions; i++)
		rf_pci_note(subos, functions[i], RF_EVENT_PCI_ADDED, 0, NULL);
}

/**
 * rf_subos_create() - take cores, memory, a low slice and PCI functions for a new subOS
 * @args: see RF_IOC_CREATE
 * @cpus: kernel copy of the list of cores
 * @functions: kernel copy of the list of PCI functions
 * @out: the subOS, in state defined, with a reference for the caller
 *
 * The caller is then the builder: it must publish or destroy the subOS.
 *
 * Context: Process context, may sleep, interruptible.
 * Return: 0, or an error as documented for RF_IOC_CREATE; then all is as before.
 */
int rf_subos_create(struct rf_create *args, const u32 *cpus, const u32 *functions,
		    struct rf_subos **out)
{
	struct rf_destroy unused = {};
	pid_t holder;
	int rc;

	*out = NULL;
	rc = security_locked_down(LOCKDOWN_KEXEC);
	if (rc)
		return rc;
	if (!args->nr_cpus || args->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	holder = rf_subos_builder_take();
	if (holder) {
		args->culprit = holder;
		return -EBUSY;
	}
	rc = mutex_lock_interruptible(&rf_ledger_lock);
	if (!rc) {
		rc = rf_create_locked(args, cpus, functions, out);
		mutex_unlock(&rf_ledger_lock);
	}
	if (rc && *out) {
		rf_subos_destroy(*out, &unused);
		kobject_put(&(*out)->kobj);
	}
	if (rc)
		rf_subos_builder_done();
	else
		rf_create_note(*out, args, cpus, functions);
	return rc;
}

/**
 * rf_subos_publish() - end the construction of a loaded subOS without starting it
 * @subos: the subOS
 *
 * Return: 0, -EBUSY if it is not loaded.
 */
int rf_subos_publish(struct rf_subos *subos)
{
	return READ_ONCE(subos->state) == RF_STATE_LOADED ? 0 : -EBUSY;
}

/* The kernel that is going to be started is nobody that anything is known of. */
static int rf_start_prepare(struct rf_subos *subos)
{
	unsigned long flags;
	int rc;

	rc = rf_arena_clear(subos);
	if (rc)
		return rc;
	rf_console_start(subos);
	spin_lock_irqsave(&rf_state_lock, flags);
	subos->capabilities = 0;
	subos->block_size = 0;
	subos->beat = subos->beat_at = 0;
	subos->starts++;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_grant_prepare(subos);
	return 0;
}

/* How far the boot core came is what has become of the subOS. */
static int rf_start_result(struct rf_subos *subos, enum rf_stage stage)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	subos->stage = stage;
	if (subos->destroying) {
		rf_cores_hold(subos);
		rc = -ENOENT;
	} else if (stage >= RF_STAGE_KERNEL) {
		subos->moments[RF_MOMENT_KERNEL] = ktime_get_ns();
		rf_subos_enter(subos, RF_STATE_BOOTING, RF_CAUSE_NONE);
	} else {
		rf_cores_hold(subos);
		rf_subos_enter(subos, RF_STATE_CRASHED, RF_CAUSE_NO_ENTRY);
		rc = -ETIMEDOUT;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

static int rf_start_locked(struct rf_subos *subos, const struct rf_start *args)
{
	int rc;

	if (READ_ONCE(subos->state) != RF_STATE_LOADED)
		return -EBUSY;
	rc = rf_subos_check_start(subos, args);
	if (!rc)
		rc = rf_step("start");
	if (!rc)
		rc = rf_start_prepare(subos);
	if (rc)
		return rc;

	rf_subos_moment(subos, RF_MOMENT_START);
	rc = rf_start_result(subos, rf_trampoline_run(subos, args));
	rf_publish();
	rf_watch_kick();
	return rc;
}

/**
 * rf_subos_start() - start the boot core of a loaded subOS
 * @subos: the subOS
 * @args: see RF_IOC_START
 *
 * Context: Process context, may sleep.
 * Return: 0, or an error as documented for RF_IOC_START.
 */
int rf_subos_start(struct rf_subos *subos, const struct rf_start *args)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_start_locked(subos, args);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* State lock held, as below. */
static void rf_status_life(const struct rf_subos *subos, struct rf_status *status)
{
	status->id = subos->id;
	memcpy(status->name, subos->name, sizeof(status->name));
	status->state = subos->state;
	status->cause = subos->cause;
	status->stage = subos->stage;
	status->cpus_online = subos->cpus_online;
	memcpy(status->reason, subos->reason, sizeof(status->reason));
	status->vmcoreinfo = subos->vmcoreinfo;
	status->vmcoreinfo_size = subos->vmcoreinfo_size;
	memcpy(status->moments, subos->moments, sizeof(status->moments));
	status->starts = subos->starts;
	status->restarts_left = subos->restarts_left;
	status->on_crash = subos->policies.on_crash;
	status->on_reboot = subos->policies.on_reboot;
	status->hang_timeout_ms = subos->policies.hang_timeout_ms;
}

static void rf_status_owned(const struct rf_subos *subos, struct rf_status *status)
{
	u32 i;

	status->low_slice = subos->low_slice;
	status->member = subos->member;
	status->nr_cpus = subos->nr_cpus;
	memcpy(status->cpus, subos->cpus, subos->nr_cpus * sizeof(subos->cpus[0]));
	memcpy(status->apic_ids, subos->apic_ids, subos->nr_cpus * sizeof(subos->apic_ids[0]));
	status->nr_ranges = subos->nr_ranges;
	memcpy(status->ranges, subos->ranges, subos->nr_ranges * sizeof(subos->ranges[0]));
	for (i = 0; i < status->nr_ranges; i++)
		status->memory += status->ranges[i].size;
}

static void rf_status_agent(const struct rf_subos *subos, struct rf_status *status)
{
	status->capabilities = subos->capabilities;
	status->block_size = subos->block_size;
	if (subos->beat_at && rf_state_live(subos->state))
		status->beat_age_ns = ktime_get_ns() - subos->beat_at;
}

/**
 * rf_subos_status() - one consistent snapshot
 * @subos: the subOS
 * @status: all zeros; filled, but for its size
 * @generation: what poll() compares with
 *
 * Context: Any.
 * Return: 0, or -ENOENT if it was destroyed.
 */
int rf_subos_status(struct rf_subos *subos, struct rf_status *status, u32 *generation)
{
	unsigned long flags;
	int rc = -ENOENT;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (!subos->gone) {
		rf_status_life(subos, status);
		rf_status_owned(subos, status);
		rf_status_agent(subos, status);
		rf_pci_status(subos, status);
		*generation = subos->generation;
		rc = 0;
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!rc)
		status->console_viewers = rf_console_viewers(subos);
	return rc;
}
