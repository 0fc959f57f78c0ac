// SPDX-License-Identifier: GPL-2.0
/*
 * Moves functions between their drivers and ours, by `driver_override`, and keeps drivers from
 * what appears at the address of a function that was unplugged while it was lent.
 *
 * Unbinding and binding take as long as the other driver likes, and the device lock may be held
 * by others as long: never under the ledger lock.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pci/internal.h"

/*
 * Move a function from its current driver to ours; perhaps the driver core binds ours before we
 * do. The device lock is taken once more, because such a probe() may still be under way.
 */
static int rf_pci_bind(struct rf_lent *lent)
{
	struct device *dev = &lent->pdev->dev;
	bool bound;
	int rc;

	WRITE_ONCE(lent->hand, RF_HAND_BIND);
	device_release_driver(dev);
	rc = device_driver_attach(&rf_pci_driver.driver, dev);
	WRITE_ONCE(lent->hand, RF_HAND_NONE);
	device_lock(dev);
	bound = dev->driver == &rf_pci_driver.driver && dev_get_drvdata(dev) == lent;
	device_unlock(dev);
	if (bound)
		return 0;
	pci_warn(lent->pdev, "cannot be taken from its driver: error %d\n", rc);
	return -ENODEV;
}

static void rf_pci_release(struct rf_lent *lent)
{
	WRITE_ONCE(lent->hand, RF_HAND_RELEASE);
	device_release_driver(&lent->pdev->dev);
	WRITE_ONCE(lent->hand, RF_HAND_NONE);
}

/* Remember the driver to return to; a module reference keeps that driver loaded. */
static int rf_pci_remember(struct rf_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	unsigned long flags;
	int rc = 0;

	device_lock(&pdev->dev);
	if (pdev->driver_override) {
		lent->override = kstrdup(pdev->driver_override, GFP_KERNEL);
		rc = lent->override ? 0 : -ENOMEM;
	}
	if (!rc && pdev->dev.driver && try_module_get(pdev->dev.driver->owner)) {
		lent->home = pdev->dev.driver;
		spin_lock_irqsave(&rf_state_lock, flags);
		strscpy(lent->driver, lent->home->name, sizeof(lent->driver));
		spin_unlock_irqrestore(&rf_state_lock, flags);
	}
	device_unlock(&pdev->dev);
	return rc;
}

static void rf_pci_set_away(struct rf_lent *lent, bool away)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	lent->away = away;
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static int rf_pci_override(struct pci_dev *pdev, const char *name)
{
	return driver_set_override(&pdev->dev, &pdev->driver_override, name, strlen(name));
}

/*
 * A function that appeared at the address of an unplugged one was kept from all drivers, see
 * rf_pci_notify(). Now a driver may bind to it.
 */
static void rf_pci_found_again(u32 bdf)
{
	struct pci_dev *pdev;
	bool kept;

	pdev = rf_pci_get(bdf);
	if (!pdev)
		return;
	device_lock(&pdev->dev);
	kept = pdev->driver_override && !strcmp(pdev->driver_override, RF_PCI_DRIVER);
	device_unlock(&pdev->dev);
	if (kept) {
		rf_pci_override(pdev, "");
		if (!rf_pci_stuck(pdev) && device_attach(&pdev->dev) < 0)
			pci_warn(pdev, "no driver could be bound\n");
	}
	pci_dev_put(pdev);
}

/**
 * rf_pci_bind_ours() - move a function from its driver to ours
 * @lent: the function, TAKING. If anything was changed, @lent->away is set: then
 *        rf_pci_bind_home() is due, also on an error.
 *
 * Afterwards it decodes its memory BARs, is not a bus master, and its state is saved.
 *
 * Context: Process context, may sleep for as long as its driver does. Ledger lock not held.
 * Return: 0, -ENOMEM, -ENODEV: our driver could not be bound.
 */
int rf_pci_bind_ours(struct rf_lent *lent)
{
	int rc;

	lockdep_assert_not_held(&rf_ledger_lock);
	rc = rf_pci_remember(lent);
	if (!rc)
		rc = rf_pci_override(lent->pdev, RF_PCI_DRIVER);
	if (rc)
		return rc;
	rf_pci_set_away(lent, true);
	return rf_pci_bind(lent);
}

/**
 * rf_pci_bind_home() - move a function from our driver back to its old one
 * @lent: the function, quiet; still in the ledger, so that nobody takes it meanwhile
 * @used: a subOS could use it: then its driver is only bound if its reset worked
 *
 * If the old driver refuses the function, that is logged but is no error: there is nobody
 * else to give the function to.
 *
 * Context: Process context, may sleep for as long as its driver does. Ledger lock not held.
 */
void rf_pci_bind_home(struct rf_lent *lent, bool used)
{
	struct pci_dev *pdev = lent->pdev;
	int rc = 0;

	lockdep_assert_not_held(&rf_ledger_lock);
	rf_pci_set_away(lent, false);	/* first: lets a replacement get a driver */
	rf_pci_release(lent);
	if (rf_pci_gone(lent)) {
		rf_pci_found_again(lent->entry.bdf);
		return;
	}
	rf_pci_override(pdev, lent->override ?: "");
	if (used && rf_pci_stuck(pdev))
		pci_warn(pdev, "left without a driver: it could not be reset\n");
	else if (lent->home)
		rc = device_driver_attach(lent->home, &pdev->dev);
	if (rc && !READ_ONCE(pdev->dev.driver))
		pci_warn(pdev, "driver %s did not take it back: error %d\n", lent->driver, rc);
}

/* ---- functions that replace unplugged ones ---- */

/* Is a function that used to be at this address still away? */
static bool rf_pci_taken_place(struct pci_dev *pdev)
{
	struct rf_lent *lent;
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_pci_lent(rf_pci_address(pdev));
	taken = lent && lent->away && lent->pdev != pdev;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return taken;
}

/*
 * A function was added, perhaps the very one that a subOS still holds: then no driver may
 * bind here, because its DMA may still be directed by the subOS. It is silenced before the
 * IOMMU driver, which listens as well, attaches it to the supervisor's own DMA domain.
 */
static int rf_pci_notify(struct notifier_block *block, unsigned long action, void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (action != BUS_NOTIFY_ADD_DEVICE || !rf_pci_taken_place(pdev))
		return NOTIFY_DONE;
	rf_pci_silence(pdev);
	if (rf_pci_override(pdev, RF_PCI_DRIVER))
		pci_err(pdev, "cannot keep a driver from binding\n");
	if (!rf_pci_taken_place(pdev))
		rf_pci_override(pdev, "");	/* given back meanwhile */
	return NOTIFY_OK;
}

struct notifier_block rf_pci_block = {
	.notifier_call = rf_pci_notify,
	.priority = INT_MAX,		/* before the IOMMU driver */
};
