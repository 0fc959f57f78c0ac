// SPDX-License-Identifier: GPL-2.0
/*
 * RF_IOC_RESIZE: cores, memory and PCI functions change hands while a subOS runs.
 * What all kinds of it have in common is here; who owns what at each step stands in
 * resize_cores.c, resize_move.c, resize_memory.c and resize_pci.c. The rule is the
 * same for all:
 *
 *   giving   the ledger and the grant page first, then the agent is asked
 *   taking   the agent is asked, and for each unit that it gave up: the grant
 *            page, then the ledger
 *
 * So what a subOS uses is always its own. If an agent does not even answer that it
 * gave up, what it was asked about stays with its subOS, and a late answer is put
 * right when it comes.
 */
#include <linux/string.h>

#include "resize.h"

/**
 * rf_resize_alive() - may a kernel be running in a subOS?
 * @subos: the subOS
 *
 * If not, all its cores are held: a panicked kernel still prints for a while.
 *
 * Context: Any.
 */
bool rf_resize_alive(struct rf_subos *subos)
{
	unsigned long flags;
	bool alive;

	spin_lock_irqsave(&rf_state_lock, flags);
	alive = !subos->destroying && (rf_state_live(subos->state) || subos->hold_at);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return alive;
}

/**
 * rf_resize_runs() - may this very kernel be running in a subOS?
 * @subos: the subOS
 * @kernel_id: of the kernel
 *
 * The next one was told what it owns by its hand-off: what its predecessor said or was
 * promised means nothing to it.
 *
 * Context: Process context, `adjusting` held, so that the answer stays true or becomes
 *          false once.
 */
bool rf_resize_runs(struct rf_subos *subos, u32 kernel_id)
{
	return READ_ONCE(subos->kernel_id) == kernel_id && rf_resize_alive(subos);
}

/**
 * rf_resize_ready() - can a subOS be resized now?
 * @subos: the subOS
 * @capability: what its agent needs, enum rf_capability
 *
 * Context: Any.
 * Return: 0, -ENOENT, -EBUSY, -EOPNOTSUPP.
 */
int rf_resize_ready(struct rf_subos *subos, u32 capability)
{
	unsigned long flags;
	int rc = 0;

	spin_lock_irqsave(&rf_state_lock, flags);
	if (subos->gone)
		rc = -ENOENT;
	else if (subos->destroying || subos->state != RF_STATE_RUNNING)
		rc = -EBUSY;
	else if (!(subos->capabilities & capability))
		rc = -EOPNOTSUPP;
	else if (rf_supcon_owed(subos))
		rc = -EBUSY;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/* Tell everybody what the ledger says now. Context: process, ledger lock held. */
void rf_resize_publish(void)
{
	rf_grant_update();
	rf_arena_describe();
}

/**
 * rf_resize_result() - what an answer means for who asked for the resize
 * @args: gets the errno of the other side
 * @ask: the request
 * @rc: what rf_supcon_ask() returned
 *
 * Return: an error as documented for RF_IOC_RESIZE, or 0.
 */
int rf_resize_result(struct rf_resize *args, const struct rf_ask *ask, int rc)
{
	if (ask->error) {
		args->error = args->error ?: -ask->error;
		return -EIO;
	}
	if (rc == -ENOTCONN)
		return -EPIPE;		/* there is nobody to be asked any more */
	if (rc == -ENOBUFS)
		return -ETIMEDOUT;	/* nobody takes our messages */
	return rc;
}

static int rf_resize_locked(struct rf_subos *subos, struct rf_resize *args, const u32 *units,
			    struct rf_subos *to)
{
	switch (args->op) {
	case RF_RESIZE_CORES_ADD:
	case RF_RESIZE_CORES_REMOVE:
		return rf_resize_cores(subos, args, units);
	case RF_RESIZE_MEMORY_ADD:
		return rf_resize_memory_add(subos, args);
	case RF_RESIZE_MEMORY_REMOVE:
		return rf_resize_memory_remove(subos, args);
	case RF_RESIZE_MOVE:
	case RF_RESIZE_BORROW:
		return to ? rf_resize_move(subos, args, units, to) : -EINVAL;
	case RF_RESIZE_RETURN:
		return rf_resize_return(subos, args, units);
	case RF_RESIZE_PCI_ADD:
		return rf_resize_pci_add(subos, args, units);
	case RF_RESIZE_PCI_REMOVE:
		return rf_resize_pci_remove(subos, args, units);
	default:
		return -EINVAL;
	}
}

/**
 * rf_subos_resize() - move cores, memory or functions while a subOS runs
 * @subos: the subOS; of a MOVE, the giver
 * @args: see RF_IOC_RESIZE; results are filled also on an error
 * @units: kernel copy of the list of cores, or of functions
 * @to: the receiver of a MOVE or BORROW, else NULL
 *
 * Context: Process context, may sleep, interruptible. Takes `adjusting` of all that
 *          take part, and the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_RESIZE.
 */
int rf_subos_resize(struct rf_subos *subos, struct rf_resize *args, const u32 *units,
		    struct rf_subos *to)
{
	int rc;

	args->cpus_done = args->culprit = 0;
	args->memory_done = args->available = 0;
	args->error = 0;
	args->functions_done = args->culprit_function = args->problem = args->drivers = 0;
	rf_supcon_settle(subos);
	if (!mutex_trylock(&subos->adjusting))
		return -EBUSY;
	rc = rf_resize_locked(subos, args, units, to);
	mutex_unlock(&subos->adjusting);
	return rc;
}

/**
 * rf_resize_late() - a request that nobody waits for any more got its last word
 * @subos: the subOS
 * @late: the request and all its answers
 *
 * What the subOS does not use, though it owns it, is offered again or taken back.
 *
 * Context: Process context, may sleep for long. `adjusting` held.
 */
void rf_resize_late(struct rf_subos *subos, const struct rf_late *late)
{
	const u64 event[4] = { late->op };

	if (!rf_resize_runs(subos, late->kernel_id))
		return;
	rf_event(subos, RF_EVENT_LATE, 0, RF_CAUSE_OPERATOR, 0, event, NULL);
	if (late->op == RF_OP_CORES_REMOVE)
		rf_cores_remove_late(subos, late);
	else if (late->op == RF_OP_MEMORY_REMOVE)
		rf_memory_remove_late(subos, late);
	else if (late->op == RF_OP_PCI_ADD || late->op == RF_OP_PCI_REMOVE)
		rf_pci_late(subos, late);
	else if (late->lost)
		return;		/* it may be using what it was given */
	else if (late->op == RF_OP_CORES_ADD)
		rf_cores_add_late(subos, late);
	else if (late->op == RF_OP_MEMORY_ADD)
		rf_memory_add_late(subos, late);
}

static const struct rf_pci_ops rf_resize_pci_ops = { .unplugged = rf_resize_pci_settle };

void rf_resize_init(void)
{
	rf_pci_set_ops(&rf_resize_pci_ops);
}

void rf_resize_exit(void)
{
	rf_pci_set_ops(NULL);
}
