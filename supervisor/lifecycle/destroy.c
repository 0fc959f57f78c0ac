// SPDX-License-Identifier: GPL-2.0
/*
 * Destroys a subOS: every core is held, every PCI function quiesced, then memory is cleared
 * and returned, then the cores come online again in the supervisor, and the functions go
 * back to their drivers. Runs in a workqueue, because it must not depend on the calling
 * task: an ioctl, the exit of a killed tool, or a policy. With `adjusting` held nobody else changes
 * what it owns, so the ledger lock is only held to record each step.
 */
#include <linux/completion.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "agent/agent.h"
#include "cores/cores.h"
#include "lifecycle/internal.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "resize/resize.h"
#include "shared/shared.h"

#define RF_SOON		(2 * HZ)	/* until those are tried again that wait for hotplug */
#define RF_LATER	(30 * HZ)	/* and those of which something failed; twice as long each time */
#define RF_LATER_TIMES	6		/* up to half an hour */
#define RF_UNDO		(30 * HZ)	/* for the turn to hotplug, if a create failed */

static struct workqueue_struct *rf_destroy_queue;

static void rf_destroy_again(struct work_struct *unused);

static DECLARE_DELAYED_WORK(rf_again, rf_destroy_again);

/* It is tried again by itself: who asked for it may be gone. */
static void rf_destroy_later(struct rf_subos *subos, unsigned long delay)
{
	lockdep_assert_held(&subos->adjusting);
	WRITE_ONCE(subos->destroy_at, jiffies + delay);
	WRITE_ONCE(subos->destroy_again, true);
	queue_delayed_work(rf_destroy_queue, &rf_again, RF_SOON);
}

/*
 * Call all cores to the park; rf_destroy_work() sees whether they come. From now on the watch
 * ignores it, and requests to its agent fail, so that an adjustment that is under way ends soon.
 */
static void rf_destroy_begin(struct rf_subos *subos)
{
	lockdep_assert_held(&rf_state_lock);
	if (rf_phase_transition(subos->life.phase, RF_PHASE_DESTROYING)) {
		rf_cores_hold(subos);
		rf_subos_enter(subos, RF_PHASE_DESTROYING, RF_CAUSE_OPERATOR);
	}
}

/* All DMA of its functions is stopped before any memory changes hands. */
static int rf_destroy_quiet(struct rf_subos *subos)
{
	int rc = rf_step("hold");

	if (!rc)
		rc = rf_pci_quiesce_all(subos, true);
	return rc ? -EIO : 0;
}

static int rf_destroy_memory(struct rf_subos *subos, u64 *returned)
{
	int rc = rf_pool_take_back(subos, returned);

	mutex_lock(&rf_ledger_lock);
	if (!rc)
		rf_lowmem_free(subos->id);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

/* The list's reference is dropped: all is back. */
static void rf_destroy_done(struct rf_subos *subos, const struct rf_destroy *args)
{
	const u64 event[4] = { args->memory_returned };
	char *definition = NULL;
	unsigned long flags;

	mutex_lock(&rf_ledger_lock);
	WARN_ON_ONCE(rf_ledger_owns(&rf_books, subos->id));
	rf_event(subos, RF_EVENT_DESTROYED, 0, RF_CAUSE_OPERATOR, 0, event, NULL);
	spin_lock_irqsave(&rf_state_lock, flags);
	list_del_init(&subos->node);
	rf_subos_enter(subos, RF_PHASE_GONE, RF_CAUSE_OPERATOR);
	rf_subos_changed(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	swap(subos->definition, definition);
	rf_publish();
	mutex_unlock(&rf_ledger_lock);
	/* Descriptors may keep the rest for long. */
	kvfree(definition);
	rf_console_drop(subos);
	if (subos->kobj.state_in_sysfs)
		kobject_del(&subos->kobj);
	kobject_put(&subos->kobj);
	module_put(THIS_MODULE);
}

struct rf_destroy_request {
	struct work_struct work;
	struct rf_subos *subos;
	struct rf_destroy *args;
	struct task_struct *caller;	/* whom a test may kill, or NULL */
	bool undo;			/* of a create, which has its own end */
	int rc;
};

/*
 * Wait for the turn to hotplug. Return: 0; or an error: hotplug is blocked, or may be soon, and a
 * create has no time for that.
 */
static int rf_destroy_hotplug(const struct rf_destroy_request *request)
{
	if (request->undo && rf_hotplug_left())
		return -EALREADY;
	return rf_hotplug_begin_return(jiffies + (request->undo ? RF_UNDO : RF_HOTPLUG_RETURN));
}

/* Nobody uses its boot area any more, and its home segment is for the next member. */
static void rf_destroy_leave(struct rf_subos *subos)
{
	const bool member = subos->member;

	mutex_lock(&rf_ledger_lock);
	rf_console_end(subos);
	rf_loans_end(subos);
	down_write(&subos->memory_sem);
	rf_link_detach(subos);
	subos->closes |= member && rf_link_is_idle();
	if (subos->boot_area)
		memunmap(subos->boot_area);
	subos->boot_area = NULL;
	up_write(&subos->memory_sem);
	mutex_unlock(&rf_ledger_lock);
}

/*
 * After the last member the arena goes; that is the affair of this one, not of others that end
 * meanwhile. Return: 0, or an error, as above.
 */
static int rf_destroy_close(const struct rf_destroy_request *request)
{
	struct rf_subos *subos = request->subos;
	int rc;

	mutex_lock(&rf_ledger_lock);
	subos->closes &= rf_link_is_idle();
	mutex_unlock(&rf_ledger_lock);
	if (!subos->closes)
		return 0;
	rc = rf_destroy_hotplug(request);
	if (rc)
		return rc;
	mutex_lock(&rf_ledger_lock);
	rf_link_close();
	mutex_unlock(&rf_ledger_lock);
	rf_hotplug_end();
	subos->closes = false;
	return 0;
}

/* Does it have what comes back only if hotplug works? See rf_destroy_wait(). */
static bool rf_destroy_hotplugs(const struct rf_subos *subos)
{
	bool any;

	mutex_lock(&rf_ledger_lock);
	any = rf_ledger_core_count(&rf_books.cores, subos->id) || rf_pci_next(subos, NULL);
	mutex_unlock(&rf_ledger_lock);
	return any;
}

/*
 * Blocks in which nobody owns anything return to the kernel. Then we need the turn for the cores.
 * Return: 0, then the turn is ours, if it is needed; or an error, as above.
 */
static int rf_destroy_turn(const struct rf_destroy_request *request, int *rc_memory)
{
	int rc = 0;

	/* What a create provided it gives back itself, but perhaps others left the rest of a block. */
	if (request->undo)
		rf_blocks_later();
	else
		rc = rf_blocks_give_back();
	/* Blocked: they go back later by themselves, also others' blocks. */
	if (rc != -EBUSY)
		*rc_memory = *rc_memory ?: rc;
	if (!rf_destroy_hotplugs(request->subos))
		return 0;
	return rf_destroy_hotplug(request);
}

/*
 * Something failed. By itself it is tried less often each time, unless some of it came back: what
 * will fail for ever is not to take the turn to hotplug for ever.
 */
static void rf_destroy_failed(const struct rf_destroy_request *request)
{
	const struct rf_destroy *args = request->args;
	struct rf_subos *subos = request->subos;

	if (request->caller || args->cpus_returned || args->memory_returned)
		subos->destroy_failures = 0;
	rf_destroy_later(subos, RF_LATER << min(subos->destroy_failures++, RF_LATER_TIMES));
}

/*
 * Hotplug is blocked: no core can come back, and the probe of a driver might wait for it, too. It
 * is destroyed when hotplug works again.
 */
static int rf_destroy_wait(const struct rf_destroy_request *request, int rc_memory)
{
	struct rf_subos *subos = request->subos;

	rf_publish_now();
	if (rc_memory) {
		rf_destroy_failed(request);
	} else {
		subos->destroy_failures = 0;
		rf_destroy_later(subos, RF_SOON);
	}
	pr_err("subOS %s: not everything can come back yet: hotplug is blocked\n", subos->name);
	return -EIO;
}

/*
 * Then all else returns. @rc_memory: is its memory back? After an error the subOS can be destroyed
 * again, and continues with what is left.
 */
static int rf_destroy_rest(const struct rf_destroy_request *request, int rc_memory)
{
	struct rf_subos *subos = request->subos;
	struct rf_destroy *args = request->args;
	int rc_cores, rc_functions;

	if (rf_destroy_close(request) || rf_destroy_turn(request, &rc_memory))
		return rf_destroy_wait(request, rc_memory);
	rc_cores = rf_cores_return(subos, &args->cpus_returned, &args->culprit);
	rf_hotplug_end();
	if (rc_cores == -EINPROGRESS || (rf_hotplug_left() && rf_destroy_hotplugs(subos)))
		return rf_destroy_wait(request, rc_memory);
	rc_functions = rf_pci_return_all(subos);
	if (rc_memory || rc_cores || rc_functions) {
		rf_publish_now();
		if (rc_memory || rc_cores)
			rf_destroy_failed(request);
		pr_err("subOS %s: not everything came back; destroy it again\n", subos->name);
		return -EIO;
	}
	rf_destroy_done(subos, args);
	return 0;
}

/* First its memory gets free: nothing executes, and no device writes any more. */
static int rf_destroy_all(const struct rf_destroy_request *request)
{
	struct rf_subos *subos = request->subos;
	int rc, rc_memory;

	lockdep_assert_held(&subos->adjusting);
	if (!rf_phase_destroyable(rf_subos_phase(subos)))
		return -ENOENT;
	rf_step_caller(request->caller);
	rc = rf_destroy_quiet(subos);
	if (!rc) {
		rf_destroy_leave(subos);
		rc_memory = rf_destroy_memory(subos, &request->args->memory_returned);
		/* Its cores are nobody's, and in the park. */
		rf_grant_await();
		rc = rf_destroy_rest(request, rc_memory);
	}
	rf_step_caller(NULL);
	return rc;
}

static void rf_destroy_adjusting(struct rf_destroy_request *request)
{
	struct rf_subos *subos = request->subos;
	const bool again = subos->destroy_again;

	lockdep_assert_held(&subos->adjusting);
	WRITE_ONCE(subos->destroy_again, false);
	/* Also cores that an adjustment added meanwhile. Nobody starts it in this phase. */
	request->rc = rf_cores_prove(subos, &request->args->culprit);
	if (!request->rc)
		request->rc = rf_destroy_all(request);
	/* What is tried by itself is tried until it is done. */
	if (again && request->rc && request->rc != -ENOENT && !subos->destroy_again)
		rf_destroy_failed(request);
}

static void rf_destroy_work(struct work_struct *work)
{
	struct rf_destroy_request *request = container_of(work, struct rf_destroy_request, work);

	mutex_lock(&request->subos->adjusting);
	rf_destroy_adjusting(request);
	mutex_unlock(&request->subos->adjusting);
}

/* Its destruction has begun. */
static int rf_destroy_run(struct rf_destroy_request *request)
{
	request->caller = current;
	INIT_WORK_ONSTACK(&request->work, rf_destroy_work);
	queue_work(rf_destroy_queue, &request->work);
	flush_work(&request->work);
	destroy_work_on_stack(&request->work);
	return request->rc;
}

/**
 * rf_subos_destroy() - hold every core of a subOS, clear and return everything it owns
 * @subos: the subOS; the caller has a reference
 * @args: see RF_IOC_DESTROY
 *
 * Context: Process context, sleeps until done. Takes `adjusting` and the ledger lock.
 * Return: 0 or an error as documented for RF_IOC_DESTROY.
 */
int rf_subos_destroy(struct rf_subos *subos, struct rf_destroy *args)
{
	struct rf_destroy_request request = { .subos = subos, .args = args };
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	rf_destroy_begin(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rf_destroy_run(&request);
}

/**
 * rf_subos_abandon() - its builder went away: destroy it, unless it was started or published
 * @subos: the subOS; the caller has a reference
 *
 * Context: as above, also at the exit of a task.
 */
void rf_subos_abandon(struct rf_subos *subos)
{
	struct rf_destroy unused = {};
	struct rf_destroy_request request = { .subos = subos, .args = &unused };
	unsigned long flags;
	bool established;

	spin_lock_irqsave(&rf_state_lock, flags);
	established = subos->established;
	if (!established)
		rf_destroy_begin(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!established)
		rf_destroy_run(&request);
}

/**
 * rf_subos_undo() - a create failed: return everything that it took
 * @subos: the subOS; the caller has a reference
 *
 * If hotplug is blocked, its cores return later, and the link is closed later.
 *
 * Context: as above.
 */
void rf_subos_undo(struct rf_subos *subos)
{
	struct rf_destroy unused = {};
	struct rf_destroy_request request = { .subos = subos, .args = &unused, .undo = true };

	rf_destroy_run(&request);
}

/* Not by itself once this kernel goes down: cores and memory stay where they are. */
static bool rf_destroy_allowed(void)
{
	unsigned long flags;
	bool allowed;

	spin_lock_irqsave(&rf_state_lock, flags);
	allowed = rf_cores_startable();
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return allowed;
}

static void rf_destroying_work(struct work_struct *work)
{
	struct rf_subos *subos = container_of(work, struct rf_subos, destroying);
	struct rf_destroy args = {};
	struct rf_destroy_request request = { .subos = subos, .args = &args };

	/* Whoever has it may be at that, too, and take his time. */
	if (mutex_trylock(&subos->adjusting)) {
		if (subos->destroy_again && rf_destroy_allowed())
			rf_destroy_adjusting(&request);
		mutex_unlock(&subos->adjusting);
	} else {
		queue_delayed_work(rf_destroy_queue, &rf_again, RF_SOON);
	}
	kobject_put(&subos->kobj);
}

/* Each by itself: the driver of a function may take its time. */
static void rf_destroy_again(struct work_struct *unused)
{
	const bool blocked = rf_hotplug_blocked();
	struct rf_subos *subos;
	unsigned long flags;
	bool any = false;

	if (!rf_destroy_allowed())
		return;
	spin_lock_irqsave(&rf_state_lock, flags);
	list_for_each_entry(subos, &rf_subos_list, node) {
		if (!READ_ONCE(subos->destroy_again))
			continue;
		if (blocked || time_before(jiffies, READ_ONCE(subos->destroy_at))) {
			any = true;
			continue;
		}
		kobject_get(&subos->kobj);
		if (!queue_work(rf_destroy_queue, &subos->destroying))
			kobject_put(&subos->kobj);	/* not the last: the list has one */
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (any)
		queue_delayed_work(rf_destroy_queue, &rf_again, RF_SOON);
}

/* For a new subOS, which nobody else knows yet. Context: any. */
void rf_destroy_setup(struct rf_subos *subos)
{
	INIT_WORK(&subos->destroying, rf_destroying_work);
}

int rf_destroy_init(void)
{
	rf_destroy_queue = alloc_workqueue("rainforest", WQ_UNBOUND, 0);
	return rf_destroy_queue ? 0 : -ENOMEM;
}

void rf_destroy_exit(void)
{
	flush_workqueue(rf_destroy_queue);	/* it may queue that */
	cancel_delayed_work_sync(&rf_again);
	destroy_workqueue(rf_destroy_queue);
}
