// SPDX-License-Identifier: GPL-2.0
/*
 * Makes sure that a function is idle. DMA that a subOS started may still be in flight when
 * the subOS is gone, and memory must not change hands before it has completed:
 *
 *   1. bus mastering off: the function issues no new requests
 *   2. Transactions Pending clear: its non-posted requests have completed (PCI Express 5.0,
 *      7.5.3.5); and a read of its configuration space: the completion cannot pass
 *      the function's earlier posted writes, so those have arrived as well (2.4.1)
 *   3. a reset: clears the function's programming, because the next driver enables bus
 *      mastering before it does anything else
 *
 * A successful reset alone is proof: it does not complete before the function is idle. So
 * are 1 and 2, as far as memory is concerned; but a function that was not reset could resume
 * where it stopped, so one whose reset failed is marked as stuck: it is neither given back
 * to its driver nor lent again, unless the operator forces it; and it does not leave the DMA
 * domain of its subOS, if there is one, for that of the supervisor, where it could reach all
 * memory. A trip to D3hot and back clears a function's state, but waits for nothing: it is no
 * proof, only an addition. Nor is it that a function reads as all ones: it may listen again.
 *
 * Whatever was done to the bus, the power state and the BARs meanwhile does not matter:
 * in the end they are restored to what they were when the function was taken.
 */
#include <linux/delay.h>
#include <linux/pci.h>
#include <linux/xarray.h>

#include "compat/reset_methods.h"
#include "pci/internal.h"

/* By RF_BDF(): functions whose last reset failed. */
static DEFINE_XARRAY(rf_stuck);

/**
 * rf_pci_stuck() - did the last reset of a function fail?
 * @pdev: the function
 *
 * Context: Any.
 */
bool rf_pci_stuck(struct pci_dev *pdev)
{
	return xa_load(&rf_stuck, rf_pci_address(pdev));
}

static int rf_quiet_mark(struct pci_dev *pdev, void *data)
{
	const bool *stuck = data;

	if (!*stuck) {
		xa_erase(&rf_stuck, rf_pci_address(pdev));
		return 0;
	}
	/* Without memory for the mark, the function counts as never reset. */
	xa_store(&rf_stuck, rf_pci_address(pdev), xa_mk_value(1), GFP_KERNEL);
	pci_warn(pdev, "a reset failed: not handed out again without --force\n");
	return 0;
}

/* Record the result for every function that this reset covered. */
static void rf_quiet_note(struct pci_dev *pdev, enum rf_reset_way way, bool stuck)
{
	if (way == RF_RESET_BUS)
		pci_walk_bus(pdev->bus, rf_quiet_mark, &stuck);
	else
		rf_quiet_mark(pdev, &stuck);
}

/* The subOS may have put it into D3 behind our back: the PCI core still assumes D0. */
static void rf_quiet_wake(struct pci_dev *pdev)
{
	u16 control;

	if (!pdev->pm_cap)
		return;
	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &control);
	if (!(control & PCI_PM_CTRL_STATE_MASK) || PCI_POSSIBLE_ERROR(control))
		return;
	pci_write_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL,
			      control & ~PCI_PM_CTRL_STATE_MASK);
	msleep(max(pdev->d3hot_delay, 10u));
}

static void rf_quiet_mask(struct pci_dev *pdev, u8 cap, int flags_at, u16 enable)
{
	u16 flags;

	if (!cap)
		return;
	pci_read_config_word(pdev, cap + flags_at, &flags);
	if (flags & enable)
		pci_write_config_word(pdev, cap + flags_at, flags & ~enable);
}

/**
 * rf_pci_silence() - disable a function's bus mastering, decoding and INTx
 * @pdev: the function
 *
 * A kernel that still runs can undo this: it is the first step, not a proof of quiet.
 *
 * Context: Process context.
 */
void rf_pci_silence(struct pci_dev *pdev)
{
	pci_write_config_word(pdev, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
}

/**
 * rf_pci_restore() - restore the state that a function had when it was taken
 * @lent: the function
 *
 * It decodes its memory BARs, but is not a bus master, and its interrupts are disabled.
 *
 * Context: Process context, may sleep. Ledger lock not held.
 */
void rf_pci_restore(struct rf_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;

	lockdep_assert_not_held(&rf_ledger_lock);
	pci_dev_lock(pdev);
	rf_quiet_mask(pdev, pdev->msi_cap, PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE);
	rf_quiet_mask(pdev, pdev->msix_cap, PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE);
	if (!pci_load_saved_state(pdev, lent->state))
		pci_restore_state(pdev);
	pci_dev_unlock(pdev);
}

/**
 * rf_pci_drain() - silence a function and wait for its outstanding transactions
 * @pdev: the function
 *
 * Context: Process context, may sleep. Ledger lock not held.
 * Return: true if bus mastering is off and nothing is pending.
 */
bool rf_pci_drain(struct pci_dev *pdev)
{
	u16 command;
	bool done;

	lockdep_assert_not_held(&rf_ledger_lock);
	pci_dev_lock(pdev);
	rf_quiet_wake(pdev);
	rf_pci_silence(pdev);
	done = pci_wait_for_pending_transaction(pdev);
	pci_read_config_word(pdev, PCI_COMMAND, &command);
	pci_dev_unlock(pdev);
	return done && !(command & PCI_COMMAND_MASTER);	/* all ones are no proof */
}

/* Is the slot below a port empty, or without power? Hotplug removes power before a card. */
static bool rf_quiet_no_card(struct pci_dev *port)
{
	u16 flags, status, control;
	u32 can;

	pcie_capability_read_word(port, PCI_EXP_FLAGS, &flags);
	pcie_capability_read_dword(port, PCI_EXP_SLTCAP, &can);
	pcie_capability_read_word(port, PCI_EXP_SLTCTL, &control);
	pcie_capability_read_word(port, PCI_EXP_SLTSTA, &status);
	if (!(flags & PCI_EXP_FLAGS_SLOT) || PCI_POSSIBLE_ERROR(can))
		return false;
	return !(status & PCI_EXP_SLTSTA_PDS) ||
	       (can & PCI_EXP_SLTCAP_PCP && control & PCI_EXP_SLTCTL_PCC);
}

/*
 * Is a function gone from the link above it? What has no link sends nothing. A function that
 * just does not answer may do so for other reasons, and be a bus master all the while.
 */
static bool rf_quiet_no_link(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pdev);
	u16 link;
	u32 can;

	if (!port || !pci_is_pcie(port) || pci_device_is_present(pdev))
		return false;
	pcie_capability_read_dword(port, PCI_EXP_LNKCAP, &can);
	pcie_capability_read_word(port, PCI_EXP_LNKSTA, &link);
	if (PCI_POSSIBLE_ERROR(can))
		return false;
	return rf_quiet_no_card(port) ||
	       (can & PCI_EXP_LNKCAP_DLLLARC && !(link & PCI_EXP_LNKSTA_DLLLA));
}

/*
 * The function was unplugged, or only removed from the list of devices: then it is still
 * there and active, perhaps rescanned at the same address. Other functions are not touched,
 * and no bus is reset, because the bus may have been reconfigured since.
 */
static int rf_quiet_gone(struct pci_dev *pdev)
{
	u32 bdf = rf_pci_address(pdev);
	struct pci_dev *now;
	bool drained;
	int rc;

	if (pdev->is_virtfn)
		return 0;	/* removed by its physical function: it does not exist any more */
	now = rf_pci_get(bdf);
	if (!now)
		now = pci_dev_get(pdev);
	if (pci_device_is_present(now) && now->vendor == pdev->vendor &&
	    now->device == pdev->device) {
		drained = rf_pci_drain(now);
		pci_save_state(now);	/* a reset forgets BARs, which a new driver needs */
		rc = rf_reset_is_function(now) ? rf_pci_reset(now, RF_RESET_FUNCTION) : -ENOTTY;
		pci_restore_state(now);
	} else {
		drained = pci_device_is_present(now);	/* another card */
		rc = drained ? 0 : -EIO;
	}
	if (rc && rf_quiet_no_link(now))	/* perhaps only since a moment ago */
		rc = 0;
	rf_quiet_note(now, RF_RESET_FUNCTION, rc);
	pci_dev_put(now);
	return !rc || drained ? 0 : -EIO;
}

/**
 * rf_pci_quiesce() - make a function idle, and reset it if possible
 * @lent: the function; nobody uses it, or will before this returns
 *
 * Leaves the function in the state that rf_pci_restore() describes.
 *
 * Context: Process context, may sleep for long. Ledger lock not held.
 * Return: 0 if the function is proven idle, and may go wherever its subOS's functions may
 *         go; -EBUSY: idle, but its reset failed and it is in a DMA domain, where it has to
 *         stay; -EIO: not proven idle. See rf_pci_stuck() for the reset.
 */
int rf_pci_quiesce(struct rf_lent *lent)
{
	struct pci_dev *pdev = lent->pdev;
	enum rf_reset_way way;
	bool drained, stuck;
	int rc;

	rf_pci_assert_sole(lent->subos);
	lockdep_assert_not_held(&rf_ledger_lock);
	if (rf_pci_gone(lent))
		return rf_quiet_gone(pdev);
	if (!pci_device_is_present(pdev)) {
		rc = rf_quiet_no_link(pdev) ? 0 : -EIO;
		rf_quiet_note(pdev, RF_RESET_FUNCTION, rc);
		return rc;
	}
	drained = rf_pci_drain(pdev);
	way = rf_pci_reset_way(pdev);
	if (way == RF_RESET_VIRTIO)
		rf_pci_restore(lent);
	rc = rf_pci_reset(pdev, way);
	rf_pci_restore(lent);
	/* Without any way to reset it, the operator said that draining will do. */
	stuck = way == RF_RESET_NONE ? !drained : rc;
	rf_quiet_note(pdev, way, stuck);
	if (stuck && !drained)
		return -EIO;
	return stuck && lent->dma_group ? -EBUSY : 0;
}

void rf_pci_quiet_exit(void)
{
	xa_destroy(&rf_stuck);
}
