// SPDX-License-Identifier: GPL-2.0
/*
 * Our driver for PCI functions that are lent. As long as it is bound to a function, the PCI
 * core keeps the path to the function powered, no other driver can bind, and we are notified
 * of errors and of unplugging.
 *
 * probe(), remove() and the error handlers run with the function's device lock held. They must
 * never take the ledger lock: a device lock is held for as long as a reset, or any other driver,
 * takes, and nobody may wait for that under the ledger lock.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/ratelimit.h>
#include <linux/slab.h>

#include "pci/internal.h"

/* Set before the first subOS exists, and until no subOS can exist any more. */
static const struct rf_pci_ops *rf_pci_ops;

/*
 * The function that is being bound to our driver. Valid until the device lock, which we hold, is
 * released: rf_pci_bind() takes it once more before it returns.
 */
static struct rf_lent *rf_pci_in_hand(struct pci_dev *pdev)
{
	struct rf_lent *lent;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_pci_lent(rf_pci_address(pdev));
	if (lent && (lent->pdev != pdev || READ_ONCE(lent->hand) != RF_HAND_BIND))
		lent = NULL;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return lent;
}

static int rf_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct rf_lent *lent = rf_pci_in_hand(pdev);
	int rc;

	if (!lent)
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
	if (READ_ONCE(lent->hand) != RF_HAND_NONE)
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

struct pci_driver rf_pci_driver = {
	.name = RF_PCI_DRIVER,
	.probe = rf_pci_probe,
	.remove = rf_pci_remove,
	.shutdown = rf_pci_shutdown,
	.err_handler = &rf_pci_errors,
	.driver_managed_dma = true,
	.driver.suppress_bind_attrs = true,
};

/* Set the callbacks for events of lent functions; NULL: none. Context: process. */
void rf_pci_set_ops(const struct rf_pci_ops *ops)
{
	rf_pci_ops = ops;
}

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
