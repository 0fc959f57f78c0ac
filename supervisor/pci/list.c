// SPDX-License-Identifier: GPL-2.0
/*
 * How the ownership of PCI functions is reported: grant pages, status, and the list of all
 * functions of the machine.
 */
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "pci/internal.h"

/* RF_FUNCTION_*. Context: any in which @lent cannot be freed. */
static u32 rf_pci_flags(const struct rf_lent *lent)
{
	return (lent->pdev->is_virtfn ? RF_FUNCTION_VF : 0) |
	       (rf_pci_taken(lent) ? RF_FUNCTION_TAKEN : 0);
}

static void rf_pci_describe(const struct rf_lent *lent, struct rf_function *function)
{
	struct pci_dev *pdev = lent->pdev;
	int i;

	function->bdf = lent->entry.bdf;
	function->vendor = pdev->vendor;
	function->device = pdev->device;
	function->flags = rf_pci_flags(lent);
	function->generation = lent->generation;
	function->config = lent->config;
	for (i = 0; i < RF_BARS; i++) {
		const struct resource *bar = &pdev->resource[i];

		if (!(bar->flags & IORESOURCE_MEM) || !pci_resource_len(pdev, i))
			continue;
		function->bars[i].start = bar->start;
		function->bars[i].size = resource_size(bar);
		if (bar->flags & IORESOURCE_MEM_64)
			function->bar_types[i] |= RF_BAR_64;
		if (bar->flags & IORESOURCE_PREFETCH)
			function->bar_types[i] |= RF_BAR_PREFETCH;
	}
}

/*
 * Fill in the functions of a subOS's grant page; not those that its kernel has given up.
 * Context: ledger lock held.
 */
void rf_pci_grant(const struct rf_subos *subos, struct rf_grant *draft)
{
	const struct rf_lent *lent;
	u32 i = 0;

	lockdep_assert_held(&rf_ledger_lock);
	memset(draft->functions, 0, sizeof(draft->functions));
	rf_pci_for_each(lent, subos)
		if (rf_ledger_function_granted(&lent->entry))
			rf_pci_describe(lent, &draft->functions[i++]);
	draft->nr_functions = i;
}

/* Context: state lock held. */
void rf_pci_status(const struct rf_subos *subos, struct rf_status *status)
{
	const struct rf_lent *lent;
	u32 i = 0, confined = 0;

	lockdep_assert_held(&rf_state_lock);
	status->dma_faults = subos->dma_faults;
	rf_pci_for_each(lent, subos) {
		if (!rf_ledger_function_listed(&lent->entry))
			continue;
		status->functions[i] = lent->entry.bdf;
		status->function_flags[i++] = rf_pci_flags(lent);
		confined += READ_ONCE(lent->dma_group) != NULL;
	}
	status->nr_functions = i;
	status->dma_isolated = i && confined == i;
}

static void rf_pci_owned(struct rf_function_info *info)
{
	struct rf_lent *lent;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_pci_lent(info->bdf);
	if (lent) {
		info->owner = lent->subos->id;
		info->flags = rf_pci_flags(lent);
		info->faults = atomic64_read(&lent->faults);
		memcpy(info->driver, lent->driver, sizeof(info->driver));
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static void rf_pci_info(struct pci_dev *pdev, struct rf_function_info *info)
{
	info->bdf = rf_pci_address(pdev);
	info->flags = pdev->is_virtfn ? RF_FUNCTION_VF : 0;
	info->problem = rf_pci_problem(pdev);
	info->group = rf_pci_group(pdev);
	info->iommu = rf_dma_translates(pdev);
	if (info->problem != RF_PROBLEM_BRIDGE)
		info->reset = rf_pci_reset_way(pdev);
	rf_pci_owned(info);
}

static int rf_info_compare(const void *a, const void *b)
{
	const struct rf_function_info *one = a, *other = b;

	return one->bdf < other->bdf ? -1 : one->bdf > other->bdf;
}

/* Functions come and go: if more exist now than were counted, the surplus is left out. */
static u32 rf_pci_collect(struct rf_function_info *infos, u32 room)
{
	struct pci_dev *pdev = NULL;
	u32 count = 0;

	for_each_pci_dev(pdev) {
		if (pci_domain_nr(pdev->bus) > U16_MAX)
			continue;	/* synthetic domain: reachable through its driver only */
		if (infos && count == room) {
			pci_dev_put(pdev);
			break;
		}
		if (infos)
			rf_pci_info(pdev, &infos[count]);
		count++;
	}
	return count;
}

/**
 * rf_pci_list() - copy the list of all functions to user space
 * @args: see RF_IOC_FUNCTIONS
 *
 * Context: Process context, interruptible. Takes the ledger lock.
 * Return: 0, -EINVAL, -EINTR, -ENOMEM, -EFAULT.
 */
int rf_pci_list(struct rf_functions *args)
{
	/* One at a time stands in the queue for the ledger lock, before whoever changes something. */
	static DEFINE_MUTEX(turn);
	struct rf_function_info *infos;
	int rc = 0;
	u32 room;

	if (args->reserved)
		return -EINVAL;
	room = rf_pci_collect(NULL, 0);
	infos = kvcalloc(max(room, 1u), sizeof(*infos), GFP_KERNEL);
	if (!infos)
		return -ENOMEM;
	if (mutex_lock_interruptible(&turn)) {
		kvfree(infos);
		return -EINTR;
	}
	if (mutex_lock_interruptible(&rf_ledger_lock)) {
		mutex_unlock(&turn);
		kvfree(infos);
		return -EINTR;
	}
	args->count = rf_pci_collect(infos, room);
	mutex_unlock(&rf_ledger_lock);
	mutex_unlock(&turn);
	sort(infos, args->count, sizeof(*infos), rf_info_compare, NULL);
	if (copy_to_user(u64_to_user_ptr(args->functions), infos,
			 min(args->capacity, args->count) * sizeof(*infos)))
		rc = -EFAULT;
	kvfree(infos);
	return rc;
}
