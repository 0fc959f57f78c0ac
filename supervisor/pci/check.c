// SPDX-License-Identifier: GPL-2.0
/*
 * Which PCI functions can be lent, and if not, why. Changes nothing. What only user space
 * knows, such as a mounted disk or an interface that is up, is checked by rfm.
 */
#include <linux/acpi.h>
#include <linux/iommu.h>
#include <linux/pci.h>

#include "compat/msi_remapped.h"
#include "pci/internal.h"

#define RF_CLASS_IOMMU		0x0806	/* base class and subclass (PCI Code and ID 1.11) */

/* Bridges and IOMMUs: other functions are reached through them, or isolated by them. */
static bool rf_pci_is_bridge(struct pci_dev *pdev)
{
	return pdev->hdr_type != PCI_HEADER_TYPE_NORMAL ||
	       pdev->class >> 16 == PCI_BASE_CLASS_BRIDGE || pdev->class >> 8 == RF_CLASS_IOMMU;
}

/**
 * rf_pci_config() - find a function's memory-mapped configuration space (ECAM)
 * @pdev: the function
 *
 * Context: Process context.
 * Return: physical address of RF_CONFIG_SIZE bytes, or 0 if no MCFG entry covers it.
 */
u64 rf_pci_config(struct pci_dev *pdev)
{
	struct acpi_mcfg_allocation *entry;
	struct acpi_table_header *table;
	u64 config = 0;
	void *end;

	if (acpi_get_table(ACPI_SIG_MCFG, 0, &table) != AE_OK)
		return 0;
	end = (void *)table + table->length;
	for (entry = (void *)table + sizeof(struct acpi_table_mcfg); (void *)(entry + 1) <= end;
	     entry++)
		if (entry->pci_segment == pci_domain_nr(pdev->bus) &&
		    pdev->bus->number >= entry->start_bus_number &&
		    pdev->bus->number <= entry->end_bus_number) {
			/* The base address is that of bus 0, even if the range starts later. */
			config = entry->address + ((u64)pdev->bus->number << 20) +
				 ((u64)pdev->devfn << 12);
			break;
		}
	acpi_put_table(table);
	return config;
}

/* ---- groups ---- */

struct rf_group {
	struct pci_dev *pdev;
	bool bus_reset;			/* of pdev */
	int (*member)(struct pci_dev *member, void *data);
	void *data;
	int rc;
};

static int rf_group_iommu(struct device *dev, void *data)
{
	struct rf_group *group = data;

	if (!dev_is_pci(dev) || rf_pci_is_bridge(to_pci_dev(dev)))
		return 0;
	group->rc = group->member(to_pci_dev(dev), group->data);
	return group->rc;
}

/*
 * Not by pci_walk_bus(): while a driver recovers from an error the bus is locked, for as long as
 * that takes, and the ledger lock that our callers hold would be held with it.
 */
static void rf_group_bus(struct rf_group *group)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev) {
		if (pdev->bus != group->pdev->bus || rf_pci_is_bridge(pdev) ||
		    (!group->bus_reset && rf_pci_reset_way(pdev) != RF_RESET_BUS))
			continue;
		group->rc = group->member(pdev, group->data);
		if (group->rc) {
			pci_dev_put(pdev);
			return;
		}
	}
}

/*
 * Call @member for each function that can only change hands together with @pdev: those in
 * its IOMMU group, and those that share its bus reset. If there is no other such function,
 * @member might not be called at all.
 */
static int rf_pci_group_walk(struct pci_dev *pdev,
			     int (*member)(struct pci_dev *member, void *data), void *data)
{
	struct rf_group group = { .pdev = pdev, .member = member, .data = data };
	struct iommu_group *iommu;

	iommu = rf_dma_translates(pdev) ? iommu_group_get(&pdev->dev) : NULL;
	if (iommu) {
		iommu_group_for_each_dev(iommu, &group, rf_group_iommu);
		iommu_group_put(iommu);
	}
	if (group.rc || pdev->is_virtfn || pci_is_root_bus(pdev->bus))
		return group.rc;
	group.bus_reset = rf_pci_reset_way(pdev) == RF_RESET_BUS;
	rf_group_bus(&group);
	return group.rc;
}

static int rf_group_lowest(struct pci_dev *member, void *data)
{
	u32 *lowest = data;

	*lowest = min(*lowest, rf_pci_address(member));
	return 0;
}

/**
 * rf_pci_group() - name of the group in which a function changes hands
 * @pdev: the function
 *
 * Context: Process context, may sleep.
 * Return: the lowest RF_BDF() of the group.
 */
u32 rf_pci_group(struct pci_dev *pdev)
{
	u32 lowest = rf_pci_address(pdev);

	if (!rf_pci_is_bridge(pdev))
		rf_pci_group_walk(pdev, rf_group_lowest, &lowest);
	return lowest;
}

/* ---- one function ---- */

static bool rf_bar_in_page(struct pci_dev *pdev, u64 first, u64 last)
{
	const struct resource *resource;
	int i;

	for (i = 0; i < PCI_NUM_RESOURCES; i++) {
		resource = &pdev->resource[i];
		if (resource->flags & IORESOURCE_MEM && resource_size(resource) &&
		    !(resource->flags & IORESOURCE_UNSET) && i < PCI_BRIDGE_RESOURCES &&
		    resource->start <= last && resource->end >= first)
			return true;
	}
	return false;
}

/* Would mapping the BAR expose a page that another function's BAR also occupies? */
static bool rf_bar_shares_page(struct pci_dev *pdev, const struct resource *bar)
{
	u64 first = ALIGN_DOWN(bar->start, PAGE_SIZE), last = bar->end | (PAGE_SIZE - 1);
	struct pci_dev *other = NULL;

	if (first == bar->start && last == bar->end)
		return false;
	for_each_pci_dev(other)
		if (other != pdev && rf_bar_in_page(other, first, last)) {
			pci_dev_put(other);
			return true;
		}
	return false;
}

static bool rf_bars_usable(struct pci_dev *pdev)
{
	const struct resource *bar;
	int i;

	for (i = 0; i < RF_BARS; i++) {
		bar = &pdev->resource[i];
		if (!(bar->flags & IORESOURCE_MEM) || !pci_resource_len(pdev, i))
			continue;
		if (bar->flags & IORESOURCE_UNSET || !bar->start || !bar->parent ||
		    !is_power_of_2(resource_size(bar)) || rf_bar_shares_page(pdev, bar))
			return false;
	}
	return true;
}

/*
 * Is the IOMMU driver to invalidate a cache of translations in the function itself? It waits
 * without bound, with interrupts off, for the answer; a function that its subOS resets meanwhile
 * gives none. Only the IOMMU driver can switch this off, and it does so at boot: pci=noats.
 */
bool rf_pci_caches(const struct pci_dev *pdev)
{
	return pdev->ats_enabled;
}

static bool rf_driver_stays(struct pci_dev *pdev)
{
	bool stays;

	if (!device_trylock(&pdev->dev))
		return false;	/* device lock is busy: rf_pci_take() will find out */
	stays = pdev->dev.driver && pdev->dev.driver->suppress_bind_attrs;
	device_unlock(&pdev->dev);
	return stays;
}

/**
 * rf_pci_problem() - why a function cannot be lent
 * @pdev: the function
 *
 * Problems that RF_PCI_FORCE overrides are checked last, so that they mask no other.
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: the function's own problem, regardless of its group and of RF_PCI_FORCE.
 */
enum rf_problem rf_pci_problem(struct pci_dev *pdev)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (rf_pci_is_bridge(pdev))
		return RF_PROBLEM_BRIDGE;
	if (rf_pci_lent(rf_pci_address(pdev)))
		return RF_PROBLEM_LENT;
	if (pci_num_vf(pdev))
		return RF_PROBLEM_VFS;
	if (!rf_pci_config(pdev))
		return RF_PROBLEM_NO_ECAM;
	if (!pdev->msi_cap && !pdev->msix_cap)
		return RF_PROBLEM_NO_MSI;
	if (rf_msi_remapped(&pdev->dev))
		return RF_PROBLEM_REMAPPED;
	if (rf_pci_caches(pdev))
		return RF_PROBLEM_ATS;
	if (!rf_bars_usable(pdev))
		return RF_PROBLEM_BARS;
	if (rf_driver_stays(pdev))
		return RF_PROBLEM_DRIVER;
	if (rf_pci_stuck(pdev))
		return RF_PROBLEM_STUCK;
	if (rf_pci_reset_way(pdev) == RF_RESET_NONE)
		return RF_PROBLEM_NO_RESET;
	return RF_PROBLEM_NONE;
}

/* ---- requested sets of functions ---- */

struct rf_wanted {
	const u32 *bdfs;
	u32 count;
};

static bool rf_wanted_has(const struct rf_wanted *wanted, u32 bdf)
{
	u32 i;

	for (i = 0; i < wanted->count; i++)
		if (wanted->bdfs[i] == bdf)
			return true;
	return false;
}

/* Members that are lent already do not count as missing here: rf_pci_fit() checks them. */
static int rf_wanted_member(struct pci_dev *member, void *data)
{
	u32 bdf = rf_pci_address(member);

	return !rf_wanted_has(data, bdf) && !rf_pci_lent(bdf);
}

static enum rf_problem rf_check_one(struct pci_dev *pdev, const struct rf_wanted *wanted,
				    u32 flags)
{
	enum rf_problem problem = rf_pci_problem(pdev);

	if (flags & RF_PCI_FORCE &&
	    (problem == RF_PROBLEM_STUCK || problem == RF_PROBLEM_NO_RESET))
		problem = RF_PROBLEM_NONE;
	if (problem)
		return problem;
	if (flags & RF_PCI_REQUIRE_IOMMU && !rf_dma_translates(pdev))
		return RF_PROBLEM_NO_IOMMU;
	if (rf_pci_group_walk(pdev, rf_wanted_member, (void *)wanted))
		return RF_PROBLEM_GROUP;
	return RF_PROBLEM_NONE;
}

/**
 * rf_pci_check() - can these functions be lent together?
 * @bdfs: RF_BDF() of each
 * @count: how many
 * @flags: RF_PCI_*
 * @refusal: filled in, also on success
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, -EINVAL for an unknown flag, -ENXIO: see @refusal.
 */
int rf_pci_check(const u32 *bdfs, u32 count, u32 flags, struct rf_refusal *refusal)
{
	const struct rf_wanted wanted = { bdfs, count };
	struct pci_dev *pdev;
	u32 i;

	lockdep_assert_held(&rf_ledger_lock);
	if (flags & ~(RF_PCI_FORCE | RF_PCI_REQUIRE_IOMMU))
		return -EINVAL;
	for (i = 0; i < count; i++) {
		const struct rf_wanted before = { bdfs, i };

		*refusal = (struct rf_refusal){ bdfs[i], RF_PROBLEM_MANY };
		if (i >= RF_FUNCTIONS_MAX || rf_wanted_has(&before, bdfs[i]))
			return -ENXIO;
		pdev = rf_pci_get(bdfs[i]);
		refusal->problem = pdev ? rf_check_one(pdev, &wanted, flags) : RF_PROBLEM_ABSENT;
		pci_dev_put(pdev);
		if (refusal->problem)
			return -ENXIO;
	}
	*refusal = (struct rf_refusal){};
	return 0;
}

static int rf_fit_member(struct pci_dev *member, void *data)
{
	struct rf_lent *lent = rf_pci_lent(rf_pci_address(member));

	return lent && lent->subos != data;
}

/**
 * rf_pci_fit() - can these functions be lent to this particular subOS?
 * @subos: the subOS
 * @bdfs: checked by rf_pci_check()
 * @count: how many
 * @refusal: filled in, also on success
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, -ENXIO: too many, or another subOS has functions of the same group.
 */
int rf_pci_fit(struct rf_subos *subos, const u32 *bdfs, u32 count, struct rf_refusal *refusal)
{
	u32 owned = rf_ledger_function_count(&rf_books.functions, subos->id), i;
	struct pci_dev *pdev;
	bool apart;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < count; i++) {
		*refusal = (struct rf_refusal){ bdfs[i], RF_PROBLEM_MANY };
		if (owned + i >= RF_FUNCTIONS_MAX)
			return -ENXIO;
		refusal->problem = RF_PROBLEM_GROUP;
		pdev = rf_pci_get(bdfs[i]);
		apart = pdev && rf_pci_group_walk(pdev, rf_fit_member, subos);
		pci_dev_put(pdev);
		if (apart)
			return -ENXIO;
	}
	*refusal = (struct rf_refusal){};
	return 0;
}
