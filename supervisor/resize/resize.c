// SPDX-License-Identifier: GPL-2.0
/*
 * RF_IOC_RESIZE: cores, memory and PCI functions change hands while a subOS runs.
 * This file only dispatches; for the owner at each step see cores.c, move.c, growth.c,
 * shrinkage.c and functions.c. The order is the same for all:
 *
 *   giving   the ledger and the grant page first, then the agent is asked
 *   taking   the agent is asked, and for each unit that it gave up: the grant
 *            page, then the ledger
 *
 * So a subOS only ever uses what it owns. If the agent does not answer, the units that
 * it was asked for stay with its subOS, and a late answer is reconciled when it arrives.
 */
#include <linux/string.h>

#include "pci/pci.h"
#include "resize/internal.h"

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
 * @subos: the subOS; for MOVE and BORROW, the giver
 * @args: see RF_IOC_RESIZE; results are filled in also on an error
 * @units: kernel copy of the list of cores, or of functions
 * @to: the receiver of a MOVE or BORROW, else NULL
 *
 * Context: Process context, may sleep, interruptible. Takes `adjusting` of all subOSes
 *          involved, and the ledger lock.
 * Return: 0, or an error as documented for RF_IOC_RESIZE.
 */
int rf_subos_resize(struct rf_subos *subos, struct rf_resize *args, const u32 *units,
		    struct rf_subos *to)
{
	int rc;

	args->cpus_done = args->culprit = 0;
	args->memory_done = 0;
	args->available = U64_MAX;
	args->error = 0;
	args->functions_done = args->culprit_function = args->problem = args->drivers = 0;
	rf_supcon_probe(subos);
	if (!mutex_trylock(&subos->adjusting))
		return -EBUSY;
	rc = rf_resize_locked(subos, args, units, to);
	mutex_unlock(&subos->adjusting);
	return rc;
}

static const struct rf_pci_ops rf_resize_pci_ops = { .unplugged = rf_functions_settle_soon };

int rf_resize_init(void)
{
	int rc = rf_settle_init();

	if (!rc)
		rf_pci_set_ops(&rf_resize_pci_ops);
	return rc;
}

void rf_resize_exit(void)
{
	rf_pci_set_ops(NULL);
	rf_settle_exit();
}
