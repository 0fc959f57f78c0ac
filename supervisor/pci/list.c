// SPDX-License-Identifier: GPL-2.0
/*
 * How the ownership of PCI functions is reported: grant pages, status, and the list of all
 * functions of the machine.
 */
#include <linux/acpi.h>
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

/* Functions of the machine, each with a reference. */
struct rf_found {
	struct pci_dev **pdevs;
	u32 count, room;
};

static void rf_found_put(struct rf_found *found)
{
	while (found->count)
		pci_dev_put(found->pdevs[--found->count]);
	kvfree(found->pdevs);
}

/* Return: 0 or -ENOMEM. */
static int rf_found_add(struct rf_found *found, struct pci_dev *pdev)
{
	u32 room = found->room ? 2 * found->room : 64;
	struct pci_dev **pdevs;

	if (found->count == found->room) {
		pdevs = kvmalloc_array(room, sizeof(*pdevs), GFP_KERNEL);
		if (!pdevs)
			return -ENOMEM;
		if (found->count)
			memcpy(pdevs, found->pdevs, found->count * sizeof(*pdevs));
		kvfree(found->pdevs);
		found->pdevs = pdevs;
		found->room = room;
	}
	found->pdevs[found->count++] = pci_dev_get(pdev);
	return 0;
}

static int rf_pci_find_all(struct rf_found *found)
{
	struct pci_dev *pdev = NULL;
	int rc = 0;

	for_each_pci_dev(pdev) {
		if (pci_domain_nr(pdev->bus) > U16_MAX)
			continue;	/* synthetic domain: reachable through its driver only */
		rc = rf_found_add(found, pdev);
		if (rc) {
			pci_dev_put(pdev);
			break;
		}
	}
	return rc;
}

/* Fill in all that are still there. Return: how many; -EINTR. */
static int rf_pci_describe_all(const struct rf_found *found, struct rf_function_info *infos)
{
	/* One at a time stands in the queue for the ledger lock, before whoever changes something. */
	static DEFINE_MUTEX(turn);
	struct acpi_table_header *mcfg;
	bool mapped;
	int count = 0;
	u32 i;

	if (mutex_lock_interruptible(&turn))
		return -EINTR;
	/* It is asked about each function, and would be mapped for each. */
	mapped = ACPI_SUCCESS(acpi_get_table(ACPI_SIG_MCFG, 0, &mcfg));
	if (mutex_lock_interruptible(&rf_ledger_lock)) {
		count = -EINTR;
		goto put_table;
	}
	for (i = 0; i < found->count; i++)
		if (device_is_registered(&found->pdevs[i]->dev))
			rf_pci_info(found->pdevs[i], &infos[count++]);
	mutex_unlock(&rf_ledger_lock);
put_table:
	if (mapped)
		acpi_put_table(mcfg);
	mutex_unlock(&turn);
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
	struct rf_found found = {};
	struct rf_function_info *infos;
	int rc;

	if (args->reserved)
		return -EINVAL;
	rc = rf_pci_find_all(&found);
	infos = rc ? NULL : kvcalloc(max(found.count, 1u), sizeof(*infos), GFP_KERNEL);
	if (infos)
		rc = rf_pci_describe_all(&found, infos);
	else
		rc = -ENOMEM;
	rf_found_put(&found);
	if (rc >= 0) {
		args->count = rc;
		sort(infos, args->count, sizeof(*infos), rf_info_compare, NULL);
		rc = copy_to_user(u64_to_user_ptr(args->functions), infos,
				  min(args->capacity, args->count) * sizeof(*infos)) ? -EFAULT : 0;
	}
	kvfree(infos);
	return rc;
}
