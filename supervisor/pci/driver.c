// SPDX-License-Identifier: GPL-2.0
/*
 * Our driver for PCI functions that are lent. As long as it is bound to a function, the PCI
 * core keeps the path to the function powered, no other driver can bind, and we are notified
 * of errors and of unplugging.
 *
 * probe() and remove() run with the function's device lock held, which nests inside the
 * ledger lock: they must never take the ledger lock.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pci/internal.h"

#define RF_PCI_DRIVER	KBUILD_MODNAME

/* The function that is being bound to our driver, or released from it. */
static struct rf_lent *rf_pci_hand;	/* ledger lock to write */
/* Set before the first subOS exists, and until no subOS can exist any more. */
static const struct rf_pci_ops *rf_pci_ops;

/* ---- the driver ---- */

static int rf_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct rf_lent *lent = READ_ONCE(rf_pci_hand);
	int rc;

	if (!lent || lent->pdev != pdev)
		return -ENODEV;		/* user space wrote our name to its driver_override */
	rc = pci_enable_device_mem(pdev);	/* and all bridges on the way to it */
	if (rc)
		return rc;
	/* Nobody else maps them, be it through /dev/mem or sysfs; and /proc/iomem says so. */
	rc = pci_request_mem_regions(pdev, RF_PCI_DRIVER);
	if (rc)
		goto disable;
	pci_clear_master(pdev);
	pci_intx(pdev, 0);
	pci_save_state(pdev);
	lent->state = pci_store_saved_state(pdev);
	if (!lent->state) {
		rc = -ENOMEM;
		goto release;
	}
	pci_set_drvdata(pdev, lent);
	pci_set_dev_assigned(pdev);	/* lets a physical function's driver keep this one */
	return 0;

release:
	pci_release_mem_regions(pdev);
disable:
	pci_disable_device(pdev);
	return rc;
}

/* Released by us; or unplugged: then the unplugged() callback queues the rest as work. */
static void rf_pci_remove(struct pci_dev *pdev)
{
	struct rf_lent *lent = pci_get_drvdata(pdev);
	unsigned long flags;

	pci_clear_dev_assigned(pdev);
	pci_release_mem_regions(pdev);
	pci_disable_device(pdev);
	if (READ_ONCE(rf_pci_hand) == lent)
		return;
	rf_pci_silence(pdev);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_ledger_function_mark_unplugged(&lent->entry);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	pci_warn(pdev, "unplugged while subOS %s has it\n", lent->subos->name);
	rf_pci_note(lent->subos, lent->entry.bdf, RF_EVENT_PCI_ERROR, 0, "unplugged");
	if (rf_pci_ops)
		rf_pci_ops->unplugged(lent->subos);
}

/* The supervisor goes down, and may kexec another kernel. */
static void rf_pci_shutdown(struct pci_dev *pdev)
{
	rf_pci_silence(pdev);
}

static void rf_pci_error(struct pci_dev *pdev, const char *what)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);
	struct rf_lent *lent = pci_get_drvdata(pdev);

	if (!__ratelimit(&limit))
		return;
	pci_warn(pdev, "%s; lent to subOS %s\n", what, lent->subos->name);
	rf_pci_note(lent->subos, lent->entry.bdf, RF_EVENT_PCI_ERROR, 0, what);
}

/* The subOS's own driver is not notified: it sees the error in the device, unfiltered. */
static pci_ers_result_t rf_pci_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	switch (state) {
	case pci_channel_io_normal:
		rf_pci_error(pdev, "an uncorrected error was reported");
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_perm_failure:
		rf_pci_error(pdev, "permanent failure");
		return PCI_ERS_RESULT_DISCONNECT;
	default:
		rf_pci_error(pdev, "a fatal error was reported: its link is reset");
		return PCI_ERS_RESULT_NEED_RESET;
	}
}

static pci_ers_result_t rf_pci_mmio_enabled(struct pci_dev *pdev)
{
	return PCI_ERS_RESULT_RECOVERED;
}

/* Restore the state it had when taken. Its driver in the subOS has to reinitialise it. */
static pci_ers_result_t rf_pci_slot_reset(struct pci_dev *pdev)
{
	struct rf_lent *lent = pci_get_drvdata(pdev);

	if (pci_load_saved_state(pdev, lent->state))
		return PCI_ERS_RESULT_DISCONNECT;
	pci_restore_state(pdev);
	return PCI_ERS_RESULT_RECOVERED;
}

/*
 * Somebody resets the function through sysfs. That cannot be refused, and does no harm but to
 * its driver in the subOS: the PCI core has silenced it, and restores what it saves now.
 */
static void rf_pci_reset_done(struct pci_dev *pdev)
{
	if (!rf_pci_resets())
		rf_pci_error(pdev, "reset through sysfs");
}

static const struct pci_error_handlers rf_pci_errors = {
	.reset_done = rf_pci_reset_done,
	.error_detected = rf_pci_error_detected,
	.mmio_enabled = rf_pci_mmio_enabled,
	.slot_reset = rf_pci_slot_reset,
};

static struct pci_driver rf_pci_driver = {
	.name = RF_PCI_DRIVER,
	.probe = rf_pci_probe,
	.remove = rf_pci_remove,
	.shutdown = rf_pci_shutdown,
	.err_handler = &rf_pci_errors,
	.driver_managed_dma = true,
	.driver.suppress_bind_attrs = true,
};

/* ---- binding ---- */

/* Unbind a function from its current driver and, if @ours, bind it to our driver. */
static int rf_pci_bind(struct rf_lent *lent, bool ours)
{
	struct device *dev = &lent->pdev->dev;
	int rc = 0;

	WRITE_ONCE(rf_pci_hand, lent);
	device_release_driver(dev);
	if (ours)
		rc = device_driver_attach(&rf_pci_driver.driver, dev);
	WRITE_ONCE(rf_pci_hand, NULL);
	return rc;
}

/* Remember the driver to return to; a module reference keeps that driver loaded. */
static int rf_pci_remember(struct rf_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	int rc = 0;

	device_lock(&pdev->dev);
	if (pdev->driver_override) {
		lent->override = kstrdup(pdev->driver_override, GFP_KERNEL);
		rc = lent->override ? 0 : -ENOMEM;
	}
	if (!rc && pdev->dev.driver && try_module_get(pdev->dev.driver->owner)) {
		lent->home = pdev->dev.driver;
		strscpy(lent->driver, lent->home->name, sizeof(lent->driver));
	}
	device_unlock(&pdev->dev);
	return rc;
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
 * @lent: the function
 * @begun: set if anything was changed; then rf_pci_bind_home() is due, also on an error
 *
 * Afterwards it decodes its memory BARs, is not a bus master, and its state is saved.
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, -ENOMEM, -ENODEV: our driver could not be bound.
 */
int rf_pci_bind_ours(struct rf_lent *lent, bool *begun)
{
	struct pci_dev *pdev = lent->pdev;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	*begun = false;
	rc = rf_pci_remember(lent);
	if (!rc)
		rc = rf_pci_override(pdev, RF_PCI_DRIVER);
	if (rc)
		return rc;
	*begun = true;
	rc = rf_pci_bind(lent, true);
	if (READ_ONCE(pdev->dev.driver) == &rf_pci_driver.driver)
		return 0;	/* perhaps bound by the driver core before we tried */
	pci_warn(pdev, "cannot be taken from its driver: error %d\n", rc);
	return -ENODEV;
}

/**
 * rf_pci_bind_home() - move a function from our driver back to its old one
 * @lent: the function, quiet
 * @used: a subOS could use it: then its driver is only bound if its reset worked
 *
 * If the old driver refuses the function, that is logged but is no error: there is nobody
 * else to give the function to.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_pci_bind_home(struct rf_lent *lent, bool used)
{
	struct pci_dev *pdev = lent->pdev;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_bind(lent, false);
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

/* Does a subOS still hold a function that used to be at this address? */
static bool rf_pci_taken_place(struct pci_dev *pdev)
{
	struct rf_lent *lent;
	unsigned long flags;
	bool taken;

	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_pci_lent(rf_pci_address(pdev));
	taken = lent && lent->pdev != pdev;
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

/* Set the callbacks for events of lent functions; NULL: none. Context: process. */
void rf_pci_set_ops(const struct rf_pci_ops *ops)
{
	rf_pci_ops = ops;
}

static struct notifier_block rf_pci_block = {
	.notifier_call = rf_pci_notify,
	.priority = INT_MAX,		/* before the IOMMU driver */
};

int rf_pci_init(void)
{
	int rc;

	rf_ledger_function_init(&rf_books.functions);
	rc = rf_dma_faults_init();
	if (rc)
		return rc;
	rc = bus_register_notifier(&pci_bus_type, &rf_pci_block);
	if (rc)
		goto exit_faults;
	rc = pci_register_driver(&rf_pci_driver);
	if (rc)
		goto unregister;
	return 0;

unregister:
	bus_unregister_notifier(&pci_bus_type, &rf_pci_block);
exit_faults:
	rf_dma_faults_exit();
	return rc;
}

void rf_pci_exit(void)
{
	pci_unregister_driver(&rf_pci_driver);
	bus_unregister_notifier(&pci_bus_type, &rf_pci_block);
	rf_pci_quiet_exit();
	rf_dma_faults_exit();
}
