// SPDX-License-Identifier: GPL-2.0
/*
 * Returns PCI functions from a subOS: quiesced, before anything else changes hands; detached
 * from the subOS's DMA domain; bound to their old drivers. The opposite of take.c.
 *
 * A function that an IOMMU can cut off from memory need not be proven quiet before that
 * memory changes hands; every other one must be. But behind an IOMMU a function whose reset
 * failed does not come home: it stays with its subOS, out of reach of any memory once this has
 * ended, until a later destroy has reset it.
 */
#include <linux/ktime.h>
#include <linux/pci.h>
#include <linux/string.h>

#include "pci/internal.h"

/*
 * Will an IOMMU block all DMA of the function once it is detached? Not if it was unplugged:
 * if it is rescanned, the IOMMU takes it for a new function.
 */
static bool rf_pci_confined(const struct rf_lent *lent)
{
	return lent->dma_group && !rf_pci_gone(lent);
}

/* Is a function of @lent's IOMMU group not reset, so that the group must not be released? */
static bool rf_pci_held_back(const struct rf_lent *lent)
{
	struct rf_lent *other;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each(other, lent->subos)
		if (lent->dma_group && other->dma_group == lent->dma_group &&
		    !rf_pci_gone(other) && rf_pci_stuck(other->pdev))
			return true;
	return false;
}

/* Nothing is left to do for it but to bind its driver. A group that is still claimed waits. */
static bool rf_pci_is_done(const struct rf_lent *lent)
{
	return lent->entry.state == RF_PCI_QUIET && !lent->dma_group;
}

/* Say why a subOS does not get rid of a function: in the log, as an event, as its reason. */
static void rf_pci_report(const struct rf_lent *lent, const char *why)
{
	struct rf_subos *subos = lent->subos;
	char reason[RF_REASON_MAX], text[RF_PCI_TEXT];
	unsigned long flags;

	rf_pci_text(lent->entry.bdf, text, sizeof(text));
	scnprintf(reason, sizeof(reason), "PCI function %s: %s", text, why);
	pci_err(lent->pdev, "%s: subOS %s keeps it\n", why, subos->name);
	rf_pci_note(subos, lent->entry.bdf, RF_EVENT_PCI_ERROR, 0, why);
	spin_lock_irqsave(&rf_state_lock, flags);
	strscpy(subos->reason, reason, sizeof(subos->reason));
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

/* Would resetting @lent also reset a function that its subOS still has? */
static bool rf_pci_waits(struct rf_lent *lent)
{
	struct rf_lent *other;

	if (rf_pci_gone(lent) || rf_pci_reset_way(lent->pdev) != RF_RESET_BUS)
		return false;
	rf_pci_for_each_unlocked(other, lent->subos)
		if (other != lent && !rf_pci_gone(other) && other->pdev->bus == lent->pdev->bus)
			return true;
	return false;
}

/* Is @lent the last function of its subOS on its bus? */
static bool rf_pci_last_on_bus(const struct rf_lent *lent)
{
	struct rf_lent *other;

	rf_pci_for_each_unlocked(other, lent->subos)
		if (other != lent && other->pdev->bus == lent->pdev->bus)
			return false;
	return true;
}

/*
 * The next function that waits for a reset of @bus, because @subos still had others there that
 * would have been reset with it. It is silent, and bound to our driver. No other subOS has one
 * that waits for this bus: all that share its reset change hands together, and it stays in the
 * ledger, so that rf_pci_fit() refuses the rest of the bus to others.
 */
static struct rf_lent *rf_pci_next_parked(const struct rf_subos *subos, const struct pci_bus *bus,
					  struct rf_lent *lent)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	do
		lent = rf_pci_next_of_all(lent);
	while (lent && (lent->entry.state != RF_PCI_PARKED || lent->subos != subos ||
			lent->pdev->bus != bus));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return lent;
}

/* Last it leaves the ledger: until its driver has it, nobody else may take it. */
static void rf_pci_go_home(struct rf_lent *lent)
{
	rf_pci_bind_home(lent, true);
	rf_pci_become(lent, RF_PCI_HOME);
	rf_pci_note(lent->subos, lent->entry.bdf, RF_EVENT_PCI_REMOVED,
		    lent->leaving_since ? ktime_get_ns() - lent->leaving_since : 0, NULL);
	rf_pci_free(lent);
}

/* Return a QUIET, detached function, and the PARKED ones that waited for it. */
static void rf_pci_give(struct rf_lent *lent)
{
	struct pci_dev *pdev = pci_dev_get(lent->pdev);		/* keeps its bus, too */
	const struct rf_subos *subos = lent->subos;
	bool last = rf_pci_last_on_bus(lent);
	struct rf_lent *parked = NULL;

	/* Quiesce all before the first is bound. On failure a function is marked as stuck. */
	while (last && (parked = rf_pci_next_parked(subos, pdev->bus, parked)))
		rf_pci_quiesce(parked);
	rf_pci_go_home(lent);
	while (last && (parked = rf_pci_next_parked(subos, pdev->bus, NULL)))
		rf_pci_go_home(parked);
	pci_dev_put(pdev);
}

/* Quiesce a function, or only drain it if it is to wait for a reset of its bus. */
static int rf_pci_return_quiet(struct rf_lent *lent, bool waits)
{
	if (waits)
		return rf_pci_drain(lent->pdev) ? 0 : -EIO;
	return rf_pci_quiesce(lent);
}

/* Take a quiet function off the DMA domain. -EBUSY: one of its group has to stay there. */
static int rf_pci_return_detach(struct rf_lent *lent, bool waits)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (rf_pci_held_back(lent))
		return -EBUSY;
	rf_dma_detach(lent);
	rf_pci_move(lent, RF_PCI_QUIET);
	if (waits)
		rf_pci_move(lent, RF_PCI_PARKED);
	return 0;
}

/**
 * rf_pci_return() - give one function back to the supervisor
 * @lent: the function; the subOS no longer uses it, or must not according to its grant page.
 *        Freed when it is home.
 *
 * A function that can only be reset together with others is PARKED, silent and unused, until
 * the subOS has given up the last of them; then all are bound to their drivers. No driver can
 * be bound before the whole IOMMU group is detached: call rf_dma_detach() for all first.
 *
 * Context: Process context, may sleep for long. Ledger lock not held; rf_pci_assert_sole().
 * Return: 0, or an error if it cannot be proven quiet, or not be reset and is in a DMA domain;
 *         then the subOS still has it.
 */
int rf_pci_return(struct rf_lent *lent)
{
	bool waits;
	int rc;

	rf_pci_assert_sole(lent->subos);
	lockdep_assert_not_held(&rf_ledger_lock);
	rc = rf_step("pci-return");
	if (rc)
		return rc;
	waits = rf_pci_waits(lent);
	rc = rf_pci_return_quiet(lent, waits);
	if (!rc) {
		mutex_lock(&rf_ledger_lock);
		rc = rf_pci_return_detach(lent, waits);
		mutex_unlock(&rf_ledger_lock);
	}
	if (rc) {
		pci_err(lent->pdev, "cannot be proven quiet: subOS %s keeps it\n",
			lent->subos->name);
		return rc;
	}
	if (!waits)
		rf_pci_give(lent);
	return 0;
}

/*
 * Quiesce one function. Memory of its subOS may change hands afterwards, unless -EIO is
 * returned: it is idle, or the IOMMU will block it (@detach), or it reaches no more than the
 * next kernel of the same subOS has.
 */
static int rf_pci_quiesce_one(struct rf_lent *lent, bool detach)
{
	int rc;

	rc = rf_step("pci-quiet");
	if (rc)
		return rc;
	rc = rf_pci_quiesce(lent);
	if (rc == -EBUSY || (detach && rf_pci_confined(lent)))
		rc = 0;
	if (rc && detach)
		rf_pci_report(lent, "cannot be proven quiet");
	else if (rc)
		pci_err(lent->pdev, "cannot be proven quiet: subOS %s is not started again\n",
			lent->subos->name);
	else if (detach && lent->entry.state != RF_PCI_QUIET)
		rf_pci_become(lent, RF_PCI_QUIET);
	return rc;
}

/* All functions are QUIET: take them off the DMA domain, and release what was reset. */
static void rf_pci_detach_all(struct rf_subos *subos)
{
	struct rf_lent *lent;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		rf_dma_block(lent);
	rf_pci_for_each(lent, subos)
		if (!rf_pci_held_back(lent))
			rf_dma_detach(lent);
}

/**
 * rf_pci_quiesce_all() - make all functions of a subOS idle
 * @subos: the subOS; none of its cores executes
 * @detach: the subOS will not be started again: detach them from the DMA domain as well;
 *          the group of a function that could not be reset stays claimed, all its DMA blocked
 *
 * Context: Process context, may sleep for long. Ledger lock not held; rf_pci_assert_sole().
 * Return: 0, or -EIO if a function cannot be proven quiet: then no memory may change hands,
 *         and the call may be retried.
 */
int rf_pci_quiesce_all(struct rf_subos *subos, bool detach)
{
	struct rf_lent *lent;
	int rc = 0;

	rf_pci_assert_sole(subos);
	lockdep_assert_not_held(&rf_ledger_lock);
	rf_pci_for_each_unlocked(lent, subos)
		if (!rf_pci_is_done(lent) && !rf_pci_gone(lent))
			rf_pci_silence(lent->pdev);	/* the others are restored already */
	rf_pci_for_each_unlocked(lent, subos)
		if (!rf_pci_is_done(lent) && rf_pci_quiesce_one(lent, detach))
			rc = -EIO;
	if (detach && !rc) {
		mutex_lock(&rf_ledger_lock);
		rf_pci_detach_all(subos);
		mutex_unlock(&rf_ledger_lock);
	}
	return rc;
}

/* Groups are detached as a whole before the first function is returned. */
static void rf_pci_detach_taken(struct rf_subos *subos)
{
	struct rf_lent *lent;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		if (rf_pci_taken(lent) && !rf_pci_held_back(lent))
			rf_dma_detach(lent);
}

/**
 * rf_pci_return_taken() - return the functions that were unplugged or taken by force
 * @subos: the subOS, which has ended; rf_pci_quiesce_all() was successful
 *
 * One that could not be reset stays, unused and in the subOS's DMA domain, until a destroy.
 *
 * Context: Process context, may sleep for long. Ledger lock not held; rf_pci_assert_sole().
 * Return: 0, -EIO.
 */
int rf_pci_return_taken(struct rf_subos *subos)
{
	struct rf_lent *lent, *next;
	int rc;

	mutex_lock(&rf_ledger_lock);
	rf_pci_detach_taken(subos);
	mutex_unlock(&rf_ledger_lock);
	rf_pci_for_each_unlocked_safe(lent, next, subos) {
		if (!rf_pci_taken(lent))
			continue;
		rc = rf_pci_return(lent);
		if (rc && rc != -EBUSY)
			return rc;
		if (!rc)
			continue;
		mutex_lock(&rf_ledger_lock);
		rf_pci_keep(lent);
		mutex_unlock(&rf_ledger_lock);
	}
	return 0;
}

/**
 * rf_pci_return_all() - return all functions of a subOS to their drivers
 * @subos: the subOS; rf_pci_quiesce_all() was successful, with @detach
 *
 * Context: Process context, may sleep for long. Ledger lock not held; rf_pci_assert_sole().
 * Return: 0; -EIO: some are still claimed, because they could not be reset. Both calls may be
 *         retried.
 */
int rf_pci_return_all(struct rf_subos *subos)
{
	struct rf_lent *lent, *next;
	int rc = 0, step;

	rf_pci_assert_sole(subos);
	lockdep_assert_not_held(&rf_ledger_lock);
	rf_pci_for_each_unlocked_safe(lent, next, subos) {
		if (!rf_pci_is_done(lent)) {
			rf_pci_report(lent, "could not be reset");
			rc = -EIO;
			continue;
		}
		step = rf_step("pci-give");
		if (step)
			return step;
		rf_pci_give(lent);
	}
	return rc;
}
