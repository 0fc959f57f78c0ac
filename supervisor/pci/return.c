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
	rf_pci_for_each(other, lent->subos)
		if (other != lent && !rf_pci_gone(other) && other->pdev->bus == lent->pdev->bus)
			return true;
	return false;
}

/* Is @lent the last function of its subOS on its bus? */
static bool rf_pci_last_on_bus(const struct rf_lent *lent)
{
	struct rf_lent *other;

	rf_pci_for_each(other, lent->subos)
		if (other != lent && other->pdev->bus == lent->pdev->bus)
			return false;
	return true;
}

/*
 * The next function that waits for a reset of @bus, because its subOS still had others there
 * that would have been reset with it. It is silent, and bound to our driver.
 */
static struct rf_lent *rf_pci_next_parked(const struct pci_bus *bus, struct rf_lent *lent)
{
	do
		lent = rf_pci_next_of_all(lent);
	while (lent && (lent->entry.state != RF_PCI_PARKED || lent->pdev->bus != bus));
	return lent;
}

static void rf_pci_go_home(struct rf_lent *lent)
{
	rf_pci_move(lent, RF_PCI_HOME);	/* first: lets a replacement get a driver */
	rf_pci_bind_home(lent, true);
	rf_pci_note(lent->subos, lent->entry.bdf, RF_EVENT_PCI_REMOVED,
		    lent->leaving_since ? ktime_get_ns() - lent->leaving_since : 0, NULL);
	rf_pci_free(lent);
}

/* Return a QUIET, detached function, and the PARKED ones that waited for it. */
static void rf_pci_give(struct rf_lent *lent)
{
	const struct pci_bus *bus = lent->pdev->bus;
	bool last = rf_pci_last_on_bus(lent);
	struct rf_lent *parked = NULL;

	/* Quiesce all before the first is bound. On failure a function is marked as stuck. */
	while (last && (parked = rf_pci_next_parked(bus, parked)))
		rf_pci_quiesce(parked);
	rf_pci_go_home(lent);
	while (last && (parked = rf_pci_next_parked(bus, NULL)))
		rf_pci_go_home(parked);
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
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, or an error if it cannot be proven quiet, or not be reset and is in a DMA domain;
 *         then the subOS still has it.
 */
int rf_pci_return(struct rf_lent *lent)
{
	bool waits;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_step("pci-return");
	if (rc)
		return rc;
	waits = rf_pci_waits(lent);
	if (waits)
		rc = rf_pci_drain(lent->pdev) ? 0 : -EIO;
	else
		rc = rf_pci_quiesce(lent);
	if (!rc && rf_pci_held_back(lent))
		rc = -EBUSY;		/* another one of its group */
	if (rc) {
		pci_err(lent->pdev, "cannot be proven quiet: subOS %s keeps it\n",
			lent->subos->name);
		return rc;
	}
	rf_dma_detach(lent);
	rf_pci_move(lent, RF_PCI_QUIET);
	if (waits)
		rf_pci_move(lent, RF_PCI_PARKED);
	else
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
		rf_pci_move(lent, RF_PCI_QUIET);
	return rc;
}

/* All functions are QUIET: take them off the DMA domain, and release what was reset. */
static void rf_pci_detach_all(struct rf_subos *subos)
{
	struct rf_lent *lent;

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
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, or -EIO if a function cannot be proven quiet: then no memory may change hands,
 *         and the call may be retried.
 */
int rf_pci_quiesce_all(struct rf_subos *subos, bool detach)
{
	struct rf_lent *lent;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		if (!rf_pci_is_done(lent) && !rf_pci_gone(lent))
			rf_pci_silence(lent->pdev);	/* the others are restored already */
	rf_pci_for_each(lent, subos)
		if (!rf_pci_is_done(lent) && rf_pci_quiesce_one(lent, detach))
			rc = -EIO;
	if (detach && !rc)
		rf_pci_detach_all(subos);
	return rc;
}

/**
 * rf_pci_return_taken() - return the functions that were unplugged or taken by force
 * @subos: the subOS, which has ended; rf_pci_quiesce_all() was successful
 *
 * One that could not be reset stays, unused and in the subOS's DMA domain, until a destroy.
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, -EIO.
 */
int rf_pci_return_taken(struct rf_subos *subos)
{
	struct rf_lent *lent, *next;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each(lent, subos)
		if (rf_pci_taken(lent) && !rf_pci_held_back(lent))
			rf_dma_detach(lent);
	rf_pci_for_each_safe(lent, next, subos) {
		if (!rf_pci_taken(lent))
			continue;
		rc = rf_pci_return(lent);
		if (rc == -EBUSY)
			rf_pci_keep(lent);
		else if (rc)
			return rc;
	}
	return 0;
}

/**
 * rf_pci_return_all() - return all functions of a subOS to their drivers
 * @subos: the subOS; rf_pci_quiesce_all() was successful, with @detach
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0; -EIO: some are still claimed, because they could not be reset. Both calls may be
 *         retried.
 */
int rf_pci_return_all(struct rf_subos *subos)
{
	struct rf_lent *lent, *next;
	int rc = 0, step;

	lockdep_assert_held(&rf_ledger_lock);
	rf_pci_for_each_safe(lent, next, subos) {
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
