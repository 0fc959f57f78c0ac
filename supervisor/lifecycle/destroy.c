// SPDX-License-Identifier: GPL-2.0
/*
 * Destroys a subOS: every core is held, every PCI function quiesced, then memory is cleared
 * and returned, then the cores come online again in the supervisor, and the functions go
 * back to their drivers. Runs in a workqueue, because it must not depend on the calling
 * task: an ioctl, the exit of a killed tool, or a policy.
 */
#include <linux/completion.h>
#include <linux/io.h>
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

static struct workqueue_struct *rf_destroy_queue;

/*
 * Call all cores to the park; rf_destroy_work() sees whether they come. From now on the watch
 * ignores it, and requests to its agent fail, so that an adjustment that is under way ends soon.
 */
static void rf_destroy_begin(struct rf_subos *subos)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (rf_phase_transition(subos->life.phase, RF_PHASE_DESTROYING)) {
		rf_cores_hold(subos);
		rf_subos_enter(subos, RF_PHASE_DESTROYING, RF_CAUSE_OPERATOR);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/*
 * Stop all DMA of its functions before any memory changes hands. Afterwards nobody uses its
 * home segment.
 */
static int rf_destroy_quiet(struct rf_subos *subos)
{
	int rc;

	rc = rf_step("hold");
	if (rc)
		return rc;
	rc = rf_pci_quiesce_all(subos, true);
	if (rc)
		return rc;
	rf_console_end(subos);
	rf_loans_end(subos);
	down_write(&subos->memory_sem);
	rf_link_detach(subos);
	up_write(&subos->memory_sem);
	return 0;
}

static int rf_destroy_memory(struct rf_subos *subos, u64 *returned)
{
	int rc;

	down_write(&subos->memory_sem);
	if (subos->boot_area)
		memunmap(subos->boot_area);
	subos->boot_area = NULL;
	rc = rf_pool_take_back(subos, returned);
	up_write(&subos->memory_sem);
	if (rc)
		return rc;
	rf_lowmem_free(subos->id);
	return 0;
}

static void rf_destroy_done(struct rf_subos *subos, const struct rf_destroy *args)
{
	const u64 event[4] = { args->memory_returned };
	unsigned long flags;

	WARN_ON_ONCE(rf_ledger_owns(&rf_books, subos->id));
	rf_event(subos, RF_EVENT_DESTROYED, 0, RF_CAUSE_OPERATOR, 0, event, NULL);
	spin_lock_irqsave(&rf_state_lock, flags);
	list_del_init(&subos->node);
	rf_subos_enter(subos, RF_PHASE_GONE, RF_CAUSE_OPERATOR);
	rf_subos_changed(subos);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	rf_publish();
	if (subos->kobj.state_in_sysfs)
		kobject_del(&subos->kobj);
	kobject_put(&subos->kobj);
	module_put(THIS_MODULE);
}

/* First its memory gets free: nothing executes, and no device writes any more. */
static int rf_destroy_free(struct rf_subos *subos, struct rf_destroy *args, int *rc_memory)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (!rf_phase_destroyable(subos->life.phase))
		return -ENOENT;
	if (rf_destroy_quiet(subos))
		return -EIO;
	*rc_memory = rf_destroy_memory(subos, &args->memory_returned);
	rf_publish();
	return 0;
}

/*
 * Then all else returns. The list's reference is dropped when all is back; @rc_memory: is its
 * memory? After an error the subOS can be destroyed again, and continues with what is left.
 */
static int rf_destroy_rest(struct rf_subos *subos, struct rf_destroy *args, int rc_memory)
{
	int rc_cores, rc_functions;

	lockdep_assert_held(&subos->adjusting);
	lockdep_assert_held(&rf_ledger_lock);
	rc_cores = rf_cores_return(subos, &args->cpus_returned, &args->culprit);
	rc_functions = rf_pci_return_all(subos);
	if (rc_memory || rc_cores || rc_functions) {
		rf_publish();
		pr_err("subOS %s: not everything came back; destroy it again\n", subos->name);
		return -EIO;
	}
	rf_destroy_done(subos, args);
	return 0;
}

/* Hotplug is blocked: no core can come back, and the probe of a driver might wait for it, too. */
static int rf_destroy_wait(struct rf_subos *subos)
{
	rf_publish();
	pr_err("subOS %s: its cores cannot come back now; destroy it again\n", subos->name);
	return -EIO;
}

struct rf_destroy_request {
	struct work_struct work;
	struct rf_subos *subos;
	struct rf_destroy *args;
	struct task_struct *caller;
	bool turn;			/* the caller's turn to hotplug is ours */
	int rc;
};

/*
 * Blocks in which nobody owns anything return to the kernel, not under the ledger lock; then we
 * need the turn for the cores. With that of a create, which holds blocks, this is for later.
 */
static int rf_destroy_blocks(struct rf_destroy_request *request)
{
	int rc;

	if (request->turn)
		return 0;
	rc = rf_blocks_give_back(request->caller);
	request->turn = !rf_hotplug_begin_return(jiffies + RF_HOTPLUG_RETURN);
	return rc;
}

static int rf_destroy_all(struct rf_destroy_request *request)
{
	struct rf_subos *subos = request->subos;
	int rc, rc_memory = 0;

	lockdep_assert_held(&subos->adjusting);
	mutex_lock(&rf_ledger_lock);
	rf_step_caller(request->caller);
	rc = rf_destroy_free(subos, request->args, &rc_memory);
	rf_step_caller(NULL);
	mutex_unlock(&rf_ledger_lock);
	if (rc)
		return rc;
	rc = rf_destroy_blocks(request);
	rc_memory = rc_memory ?: rc;
	mutex_lock(&rf_ledger_lock);
	rf_step_caller(request->caller);
	rc = request->turn ? rf_destroy_rest(subos, request->args, rc_memory) :
			     rf_destroy_wait(subos);
	rf_step_caller(NULL);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}

static void rf_destroy_work(struct work_struct *work)
{
	struct rf_destroy_request *request = container_of(work, struct rf_destroy_request, work);
	struct mutex *adjusting = &request->subos->adjusting;
	const bool undo = request->turn;

	/* `adjusting` comes before the turn. Who has it now destroys it, and may need the turn. */
	if (request->turn && !mutex_trylock(adjusting)) {
		rf_hotplug_end();
		request->turn = false;
	}
	if (!request->turn)
		mutex_lock(adjusting);
	/* Also cores that an adjustment added meanwhile. Nobody starts it in this phase. */
	request->rc = rf_cores_prove(request->subos, &request->args->culprit);
	if (!request->rc)
		request->rc = rf_destroy_all(request);
	if (request->turn)
		rf_hotplug_end();
	/* What it had of a block that others have left since. */
	if (undo)
		rf_blocks_later();
	mutex_unlock(adjusting);
}

static int rf_destroy_run(struct rf_destroy_request *request)
{
	request->caller = current;
	rf_destroy_begin(request->subos);
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

	return rf_destroy_run(&request);
}

/**
 * rf_subos_undo() - a create failed: return everything that it took
 * @subos: the subOS; the caller has a reference
 *
 * Needs no other turn to hotplug, which might not come.
 *
 * Context: as above. The caller has the turn to hotplug; it is over then.
 */
void rf_subos_undo(struct rf_subos *subos)
{
	struct rf_destroy unused = {};
	struct rf_destroy_request request = { .subos = subos, .args = &unused, .turn = true };

	rf_destroy_run(&request);
}

int rf_destroy_init(void)
{
	rf_destroy_queue = alloc_workqueue("rainforest", WQ_UNBOUND, 0);
	return rf_destroy_queue ? 0 : -ENOMEM;
}

void rf_destroy_exit(void)
{
	destroy_workqueue(rf_destroy_queue);
}
