// SPDX-License-Identifier: GPL-2.0
/*
 * How a function is reset: by itself, with its bus, or by virtio's own way. What a reset is
 * needed for, and what it proves, is told in quiesce.c.
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/virtio_pci.h>

#include "compat/reset_methods.h"
#include "pci/internal.h"

#define RF_BUS_RESET_TRIES	50	/* while a device behind it is locked */
#define RF_BUS_RESET_PAUSE_MS	20
#define RF_VIRTIO_RESET_MS	5000
#define RF_VIRTIO_PAUSE_MS	2
#define RF_VIRTIO_FIRST		0x1000	/* PCI device ids (virtio 1.1, 4.1.2) */
#define RF_VIRTIO_LAST		0x107f

/* A task that resets a bus for us: there the PCI core calls handlers of our driver. */
struct rf_resetter {
	struct list_head node;
	const struct task_struct *task;
};

static DEFINE_SPINLOCK(rf_resetters_lock);
static LIST_HEAD(rf_resetters);

/* Address of a virtio function's device_status register; 0: not in a memory BAR. */
static phys_addr_t rf_reset_virtio_status(struct pci_dev *pdev)
{
	u8 type, bar, at;
	u32 offset;

	if (pdev->vendor != PCI_VENDOR_ID_REDHAT_QUMRANET || pdev->device < RF_VIRTIO_FIRST ||
	    pdev->device > RF_VIRTIO_LAST)
		return 0;
	for (at = pci_find_capability(pdev, PCI_CAP_ID_VNDR); at;
	     at = pci_find_next_capability(pdev, at, PCI_CAP_ID_VNDR)) {
		pci_read_config_byte(pdev, at + offsetof(struct virtio_pci_cap, cfg_type), &type);
		pci_read_config_byte(pdev, at + offsetof(struct virtio_pci_cap, bar), &bar);
		pci_read_config_dword(pdev, at + offsetof(struct virtio_pci_cap, offset), &offset);
		if (type != VIRTIO_PCI_CAP_COMMON_CFG || bar >= RF_BARS ||
		    !(pci_resource_flags(pdev, bar) & IORESOURCE_MEM) ||
		    (u64)offset + sizeof(struct virtio_pci_common_cfg) >
			    pci_resource_len(pdev, bar))
			continue;
		return pci_resource_start(pdev, bar) + offset +
		       offsetof(struct virtio_pci_common_cfg, device_status);
	}
	return 0;
}

/* Can the function's bus be reset, and does it have no subordinate bus? */
static bool rf_reset_has_bus(struct pci_dev *pdev)
{
	if (pdev->is_virtfn || pci_is_root_bus(pdev->bus) || !pdev->bus->self ||
	    !list_empty(&pdev->bus->children))
		return false;
	return !pci_probe_reset_slot(pdev->slot) || !pci_probe_reset_bus(pdev->bus);
}

/**
 * rf_pci_reset_way() - how a function is reset
 * @pdev: the function, not a bridge
 *
 * A bus reset is preferred to a virtio reset only if the function is alone on its bus: then
 * no other function has to change hands with it.
 *
 * Context: Process context.
 */
enum rf_reset_way rf_pci_reset_way(struct pci_dev *pdev)
{
	bool bus;

	if (rf_reset_is_function(pdev))
		return RF_RESET_FUNCTION;
	bus = rf_reset_has_bus(pdev);
	if (bus && list_is_singular(&pdev->bus->devices))
		return RF_RESET_BUS;
	if (rf_reset_virtio_status(pdev))
		return RF_RESET_VIRTIO;
	return bus ? RF_RESET_BUS : RF_RESET_NONE;
}

/* Are the handlers of our driver called because of a reset of our own? */
bool rf_pci_resets(void)
{
	struct rf_resetter *resetter;
	bool ours = false;

	spin_lock(&rf_resetters_lock);
	list_for_each_entry(resetter, &rf_resetters, node)
		ours |= resetter->task == current;
	spin_unlock(&rf_resetters_lock);
	return ours;
}

static int rf_reset_bus(struct pci_dev *pdev)
{
	struct rf_resetter resetter = { .task = current };
	int rc, tries = RF_BUS_RESET_TRIES;

	spin_lock(&rf_resetters_lock);
	list_add(&resetter.node, &rf_resetters);
	spin_unlock(&rf_resetters_lock);
	while ((rc = pci_reset_bus(pdev)) == -EAGAIN && --tries)
		msleep(RF_BUS_RESET_PAUSE_MS);
	spin_lock(&rf_resetters_lock);
	list_del(&resetter.node);
	spin_unlock(&rf_resetters_lock);
	return rc;
}

static int rf_reset_virtio(struct pci_dev *pdev)
{
	unsigned long until = jiffies + msecs_to_jiffies(RF_VIRTIO_RESET_MS);
	phys_addr_t at = rf_reset_virtio_status(pdev);
	void __iomem *status;
	int rc = 0;

	status = at ? ioremap(at, sizeof(u8)) : NULL;
	if (!status)
		return -ENOMEM;
	iowrite8(0, status);
	while (ioread8(status)) {	/* reads 0 once the reset is done (virtio 1.1, 4.1.4.3.2) */
		if (time_after(jiffies, until)) {
			rc = -ETIMEDOUT;
			break;
		}
		msleep(RF_VIRTIO_PAUSE_MS);
	}
	iounmap(status);
	return rc;
}

/**
 * rf_pci_reset() - reset a function
 * @pdev: the function. RF_RESET_VIRTIO: it decodes its BARs, at their original addresses.
 * @way: of rf_pci_reset_way()
 *
 * Its configuration space is not restored.
 *
 * Context: Process context, may sleep for long. Ledger lock not held.
 * Return: 0, or an error; always one for RF_RESET_NONE.
 */
int rf_pci_reset(struct pci_dev *pdev, enum rf_reset_way way)
{
	int rc;

	lockdep_assert_not_held(&rf_ledger_lock);
	rc = rf_step_reset();
	if (rc)
		return rc;
	rc = -ENOTTY;
	switch (way) {
	case RF_RESET_BUS:
		return rf_reset_bus(pdev);	/* locks all devices on the bus */
	case RF_RESET_VIRTIO:
		return rf_reset_virtio(pdev);
	case RF_RESET_FUNCTION:
		pci_dev_lock(pdev);
		rc = __pci_reset_function_locked(pdev);
		pci_dev_unlock(pdev);
		return rc;
	case RF_RESET_NONE:
		if (!rf_reset_is_power(pdev))
			return rc;
		pci_dev_lock(pdev);
		__pci_reset_function_locked(pdev);
		pci_dev_unlock(pdev);
		return rc;
	}
	return rc;
}
