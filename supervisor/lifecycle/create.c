// SPDX-License-Identifier: GPL-2.0
/*
 * Creates a subOS: checks the requested resources, then takes all of them, or none. destroy.c
 * is the way back.
 */
#include <linux/ctype.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/nodemask.h>
#include <linux/sched/signal.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "shared/shared.h"

/* For each block of the supervisor's kernel, and for the turn to hotplug. */
#define RF_CREATE_MS	60000

static u32 rf_last_id;			/* ledger lock */
static LIST_HEAD(rf_unfinished);	/* subOSes that nobody else knows yet; ledger lock */

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

/* Has a subOS this name, or one that somebody is making? Ledger lock held. */
static bool rf_name_used(const char *name)
{
	struct rf_subos *subos = rf_subos_find(name);

	lockdep_assert_held(&rf_ledger_lock);
	if (subos) {
		kobject_put(&subos->kobj);
		return true;
	}
	list_for_each_entry(subos, &rf_unfinished, node)
		if (!strcmp(subos->name, name))
			return true;
	return false;
}

/* Every check that is possible before anything is changed. Ledger lock held. */
static int rf_create_check(struct rf_create *args, const u32 *cpus, const u32 *functions)
{
	struct rf_refusal refusal = {};
	u64 need;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (args->flags & ~RF_SPLIT_SIBLINGS || args->reserved || !rf_name_valid(args->name) ||
	    !args->memory || !IS_ALIGNED(args->memory, RF_EXTENT_SIZE))
		return -EINVAL;
	if (args->node < -1 || args->node >= MAX_NUMNODES ||
	    (args->node >= 0 && !node_online(args->node)))
		return -EINVAL;
	if (rf_name_used(args->name))
		return -EEXIST;
	rc = rf_cores_check(cpus, args->nr_cpus, &args->culprit);
	/* To the id that it is going to have: nobody has it. */
	if (!rc && !(args->flags & RF_SPLIT_SIBLINGS))
		rc = rf_cores_together(cpus, args->nr_cpus, RF_OWNER_SUPERVISOR, rf_last_id + 1,
				       &args->culprit);
	if (!rc)
		rc = rf_pci_check(functions, args->nr_functions, args->function_flags, &refusal);
	args->culprit_function = refusal.culprit;
	args->problem = refusal.problem;
	if (rc)
		return rc;
	need = rf_arena_need();
	if (args->memory <= U64_MAX - need &&
	    rf_pool_could_take(args->memory + need, 0, args->node, &args->available))
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
	mutex_init(&subos->members_lock);
	init_rwsem(&subos->memory_sem);
	init_waitqueue_head(&subos->wait);
	INIT_LIST_HEAD(&subos->node);
	INIT_LIST_HEAD(&subos->requests);
	subos->kernel_id = RF_KERNEL_NONE;
	rf_policy_setup(subos);
	rf_destroy_setup(subos);
	subos->moments[RF_MOMENT_CREATE] = ktime_get_ns();
	return subos;
}

/* All that is needed of it before it can own anything else. Ledger lock held. */
static int rf_create_found(struct rf_subos *subos)
{
	int rc;

	rc = rf_step("console");
	if (!rc)
		rc = rf_console_add(subos);
	if (!rc)
		rc = rf_step("low-slice");
	if (!rc && !rf_lowmem_alloc(subos->id))
		rc = -ENOSPC;
	return rc;
}

/*
 * Check again, now that the turn to hotplug is ours, and no core comes or goes. -EAGAIN: the memory
 * that was provided went to somebody else. On an error *@out is to be undone, if it is set.
 */
static int rf_create_begin(struct rf_create *args, const u32 *cpus, const u32 *functions,
			   struct rf_subos **out)
{
	struct rf_subos *subos;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_create_check(args, cpus, functions);
	if (rc)
		return rc;
	if (rf_pool_missing(args->memory + rf_arena_need(), 0, args->node, false,
			    &args->available))
		return -EAGAIN;
	subos = rf_subos_alloc(args->name);
	if (!subos)
		return -ENOMEM;
	subos->id = ++rf_last_id;
	args->id = subos->id;
	kobject_get(&subos->kobj);	/* one reference for the list, one for the caller */
	__module_get(THIS_MODULE);	/* until rf_destroy_done() */
	list_add_tail(&subos->node, &rf_unfinished);
	rf_expect(!mutex_trylock(&subos->adjusting));	/* nobody else knows it */
	*out = subos;
	return rf_create_found(subos);
}

static int rf_create_cores(struct rf_subos *subos, struct rf_create *args, const u32 *cpus,
			   unsigned long deadline)
{
	int rc = rf_cores_take(subos, cpus, args->nr_cpus, deadline, &args->culprit);

	if (rc == -EINPROGRESS)
		return signal_pending(current) ? -EINTR : -EALREADY;
	rf_subos_moment(subos, RF_MOMENT_CPUS);
	rf_publish_now();
	return rc;
}

/* To map the arena is hotplug of memory to the kernel: we have the turn. */
static int rf_create_join(struct rf_subos *subos)
{
	int rc;

	mutex_lock(&rf_ledger_lock);
	rc = rf_step("arena");
	if (!rc)
		rc = rf_link_attach(subos);
	if (rc) {
		rf_link_detach(subos);
		rf_link_close();
	}
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* The same, if it is not a member yet. We do not have the turn. */
static int rf_create_join_later(struct rf_subos *subos, unsigned long deadline)
{
	int rc;

	if (subos->member)
		return 0;
	rc = rf_hotplug_begin(deadline);
	if (rc)
		return rc;
	rc = rf_create_join(subos);
	rf_hotplug_end();
	return rc;
}

/* How much it still needs, with its home in the arena; and how much of that is @missing. */
static u64 rf_create_needs(const struct rf_subos *subos, const struct rf_create *args, u64 *missing)
{
	u64 needs, unused;

	mutex_lock(&rf_ledger_lock);
	needs = args->memory - rf_ledger_memory_owned(&rf_books.memory, subos->id);
	*missing = needs + (subos->member ? 0 : rf_arena_need());
	*missing = rf_pool_missing(*missing, 0, args->node, false, &unused);
	mutex_unlock(&rf_ledger_lock);
	return needs;
}

/*
 * What was provided may have gone to others since: then more is, and it keeps what it has. @rc:
 * how it became a member.
 */
static int rf_create_pool(struct rf_subos *subos, const struct rf_create *args,
			  struct rf_provision *provision, int rc)
{
	u32 lacked = 0;
	u64 missing;

	for (;;) {
		if (!rc)
			rc = rf_pool_take(subos, rf_create_needs(subos, args, &missing), args->node);
		if (rc != -ENOMEM || time_after(jiffies, provision->deadline))
			return rc;
		provision->size = rf_create_needs(subos, args, &missing);
		/* Not of the pool's: of our kernel's own. Or others have given theirs back. */
		if (!missing && (lacked++ || !subos->member))
			return rc;
		rc = missing ? rf_pool_provide(provision) : 0;
		if (rc)
			return rc;
		rc = rf_create_join_later(subos, provision->deadline);
	}
}

static int rf_create_memory(struct rf_subos *subos, const struct rf_create *args,
			    struct rf_provision *provision, int joined)
{
	int rc = rf_create_pool(subos, args, provision, joined);

	if (rc)
		return rc;
	rf_publish_now();
	mutex_lock(&rf_ledger_lock);
	subos->boot_area = memremap(rf_ledger_memory_boot(&rf_books.memory, subos->id),
				    RF_BOOT_AREA_SIZE, MEMREMAP_WB);
	mutex_unlock(&rf_ledger_lock);
	if (!subos->boot_area)
		return -ENOMEM;
	rf_subos_moment(subos, RF_MOMENT_MEMORY);
	return 0;
}

static int rf_create_functions(struct rf_subos *subos, struct rf_create *args,
			       const u32 *functions)
{
	struct rf_refusal refusal = {};
	int rc;

	rc = rf_pci_take(subos, functions, args->nr_functions, args->function_flags, &refusal);
	args->culprit_function = refusal.culprit;
	args->problem = refusal.problem;
	return rc;
}

/*
 * Make it visible; after a failure, too, as a subOS that is being destroyed, because it still owns
 * whatever may fail to come back.
 */
static int rf_create_end(struct rf_subos *subos, int rc)
{
	unsigned long flags;

	mutex_lock(&rf_ledger_lock);
	if (!rc)
		rc = rf_step("sysfs");
	if (!rc)
		rc = rf_attributes_add(subos);
	spin_lock_irqsave(&rf_state_lock, flags);
	if (rc)
		rf_subos_enter(subos, RF_PHASE_DESTROYING, RF_CAUSE_OPERATOR);
	list_move_tail(&subos->node, &rf_subos_list);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!rc)
		rf_publish();
	mutex_unlock(&rf_ledger_lock);
	mutex_unlock(&subos->adjusting);
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

/* Everything that is possible before anything gets an owner: checks, then memory. */
static int rf_create_provide(struct rf_create *args, const u32 *cpus, const u32 *functions,
			     struct rf_provision *provision)
{
	u64 need;
	int rc;

	if (mutex_lock_interruptible(&rf_ledger_lock))
		return -EINTR;
	rc = rf_create_check(args, cpus, functions);
	need = rf_arena_need();
	mutex_unlock(&rf_ledger_lock);
	if (rc)
		return rc;
	provision->size = args->memory + need;
	provision->node = args->node;
	rc = rf_pool_provide(provision);
	args->available = provision->available - min(provision->available, need);
	return rc;
}

/*
 * Take the requested resources: functions last, because the memory that they may reach must be
 * known. We have its `adjusting`, so the ledger lock is only held to record each step; and
 * the turn to hotplug, which ends when it is a member of the arena.
 */
static int rf_create_take(struct rf_subos *subos, struct rf_create *args, const u32 *cpus,
			  const u32 *functions, struct rf_provision *provision)
{
	int rc, joined = 0;

	rc = rf_create_cores(subos, args, cpus, provision->deadline);
	if (!rc)
		joined = rf_create_join(subos);
	rf_hotplug_end();
	if (!rc)
		rc = rf_create_memory(subos, args, provision, joined);
	if (!rc)
		rc = rf_create_functions(subos, args, functions);
	return rc == -EAGAIN ? -ENOMEM : rc;	/* the kernel's: for a thread */
}

/* Take it all, or nothing. Return: as rf_create_begin(). */
static int rf_create_all(struct rf_create *args, const u32 *cpus, const u32 *functions,
			 struct rf_provision *provision, struct rf_subos **out)
{
	int rc = rf_hotplug_begin(provision->deadline);

	if (rc)
		return rc;
	rc = mutex_lock_interruptible(&rf_ledger_lock);
	if (!rc) {
		rc = rf_create_begin(args, cpus, functions, out);
		mutex_unlock(&rf_ledger_lock);
	}
	if (rc)
		rf_hotplug_end();
	else
		rc = rf_create_take(*out, args, cpus, functions, provision);
	if (!*out)
		return rc;
	rc = rf_create_end(*out, rc);
	if (!rc)
		return 0;
	rf_subos_undo(*out);
	kobject_put(&(*out)->kobj);
	*out = NULL;
	return rc;
}

/* Provide and take, again if others were faster. Return: as rf_create_begin(). */
static int rf_create_build(struct rf_create *args, const u32 *cpus, const u32 *functions,
			   struct rf_provision *provision, struct rf_subos **out)
{
	int rc;

	do {
		rc = rf_create_provide(args, cpus, functions, provision);
		if (!rc)
			rc = rf_create_all(args, cpus, functions, provision, out);
	} while (rc == -EAGAIN && time_before(jiffies, provision->deadline));
	return rc == -EAGAIN ? -ENOMEM : rc;
}

/**
 * rf_subos_create() - take cores, memory, a low slice and PCI functions for a new subOS
 * @args: see RF_IOC_CREATE
 * @cpus: kernel copy of the list of cores
 * @functions: kernel copy of the list of PCI functions
 * @out: the subOS, in state defined, with a reference for the caller
 *
 * On success the caller is a builder: it must start, publish or destroy the subOS.
 *
 * Context: Process context, may sleep, interruptible.
 * Return: 0, or an error as documented for RF_IOC_CREATE; then nothing has changed.
 */
int rf_subos_create(struct rf_create *args, const u32 *cpus, const u32 *functions,
		    struct rf_subos **out)
{
	struct rf_provision provision;
	int rc;

	*out = NULL;
	rc = security_locked_down(LOCKDOWN_KEXEC);
	if (rc)
		return rc;
	if (!args->nr_cpus || args->nr_cpus > RF_CPUS_MAX)
		return -EINVAL;
	rc = rf_subos_builder_take();
	if (rc)
		return rc;
	rf_provision_init(&provision, RF_CREATE_MS);
	provision.patience = msecs_to_jiffies(RF_CREATE_MS);
	rc = rf_create_build(args, cpus, functions, &provision, out);
	rf_pool_release(&provision);
	if (rc)
		rf_subos_builder_done();
	else
		rf_create_note(*out, args, cpus, functions);
	return rc;
}
