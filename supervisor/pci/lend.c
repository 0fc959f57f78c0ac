// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions change hands.
 *
 *   taking     its driver is released and remembered, ours bound; it is quiesced, confined
 *              to its subOS's memory where an IOMMU translates, and granted
 *   returning  quiesced, before anything else changes hands; out of the subOS's DMA
 *              domain; its old driver bound
 *
 * What an IOMMU keeps from memory need not be proven quiet before that memory changes
 * hands; for all others there is no way around it.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "pci/internal.h"

static u32 rf_pci_generation;		/* ledger lock */

/* ---- taking ---- */

/* Does memory have the function's configuration space where ACPI says? */
static bool rf_pci_config_valid(struct rf_lent *lent)
{
	void __iomem *config = ioremap(lent->config, sizeof(u32));
	u32 there, known;

	if (!config)
		return false;
	there = ioread32(config);
	iounmap(config);
	pci_read_config_dword(lent->pdev, PCI_VENDOR_ID, &known);
	return there == known;
}

static void rf_pci_free(struct rf_lent *lent)
{
	if (lent->home)
		module_put(lent->home->owner);
	kfree(lent->override);
	kfree(lent->state);
	pci_dev_put(lent->pdev);
	kfree(lent);
}

static struct rf_lent *rf_pci_alloc(struct rf_subos *subos, u32 bdf)
{
	struct rf_lent *lent = kzalloc(sizeof(*lent), GFP_KERNEL);

	if (!lent)
		return NULL;
	lent->pdev = rf_pci_get(bdf);
	if (!lent->pdev) {
		kfree(lent);
		return NULL;
	}
	lent->subos = subos;
	lent->bdf = bdf;
	lent->flags = lent->pdev->is_virtfn ? RF_FUNCTION_VF : 0;
	lent->generation = ++rf_pci_generation;
	lent->config = rf_pci_config(lent->pdev);
	return lent;
}

/* On success @lent is in @taken, bound to our driver; else it is as it was. */
static int rf_pci_take_one(struct rf_subos *subos, u32 bdf, struct list_head *taken,
			   u32 *problem)
{
	struct rf_lent *lent;
	bool begun;
	int rc;

	rc = rf_step("pci-bind");
	if (rc)
		return rc;
	lent = rf_pci_alloc(subos, bdf);
	if (!lent)
		return -ENOMEM;
	rc = rf_pci_bind_ours(lent, &begun);
	if (!rc && rf_pci_config_valid(lent)) {
		list_add_tail(&lent->node, taken);
		return 0;
	}
	if (begun) {
		*problem = rc ? RF_PROBLEM_DRIVER : RF_PROBLEM_NO_ECAM;
		rc = -ENXIO;
		rf_pci_bind_home(lent, false);
	}
	rf_pci_free(lent);
	return rc;
}

static int rf_pci_take_quiet(struct rf_lent *lent, u32 flags, u32 *problem)
{
	int rc;

	rc = rf_step("pci-quiesce");
	if (rc)
		return rc;
	rc = rf_pci_quiesce(lent);
	if (!(flags & RF_PCI_FORCE) && (rc || rf_pci_stuck(lent->pdev))) {
		*problem = RF_PROBLEM_STUCK;
		return -ENXIO;
	}
	return 0;
}

static int rf_pci_take_dma(struct rf_lent *lent, u32 *problem)
{
	int rc;

	rc = rf_step("pci-dma");
	if (rc)
		return rc;
	rc = rf_dma_attach(lent);
	if (rc == -ENOMEM || rc == -EADDRNOTAVAIL)
		return rc;
	if (rc) {		/* busy: something in its group does DMA for the supervisor */
		*problem = rc == -EBUSY ? RF_PROBLEM_GROUP : RF_PROBLEM_DRIVER;
		pci_warn(lent->pdev, "its DMA cannot be confined: error %d\n", rc);
		return -ENXIO;
	}
	if (READ_ONCE(lent->gone)) {
		*problem = RF_PROBLEM_ABSENT;
		return -ENXIO;
	}
	return 0;
}

/*
 * They never were in reach of the subOS: there is nothing to quiesce. No driver can be bound
 * to one before all of its IOMMU group have left the domain.
 */
static void rf_pci_take_undo(struct list_head *taken)
{
	struct rf_lent *lent, *next;

	list_for_each_entry(lent, taken, node)
		rf_dma_detach(lent);
	list_for_each_entry_safe_reverse(lent, next, taken, node) {
		list_del(&lent->node);
		rf_pci_bind_home(lent, false);
		rf_pci_free(lent);
	}
}

/* All are bound to our driver before the first is reset: others may be reset with it. */
static int rf_pci_take_all(struct rf_subos *subos, const u32 *bdfs, u32 count, u32 flags,
			   struct list_head *taken, struct rf_refusal *refusal)
{
	struct rf_lent *lent;
	int rc = 0;
	u32 i;

	for (i = 0; !rc && i < count; i++) {
		refusal->culprit = bdfs[i];
		rc = rf_pci_take_one(subos, bdfs[i], taken, &refusal->problem);
	}
	if (rc)
		return rc;
	list_for_each_entry(lent, taken, node) {
		refusal->culprit = lent->bdf;
		rc = rf_pci_take_quiet(lent, flags, &refusal->problem);
		if (rc)
			return rc;
	}
	list_for_each_entry(lent, taken, node) {
		refusal->culprit = lent->bdf;
		rc = rf_pci_take_dma(lent, &refusal->problem);
		if (rc)
			return rc;
	}
	refusal->culprit = 0;
	return 0;
}

/**
 * rf_pci_take() - take functions from the supervisor for a subOS, all or none
 * @subos: their new owner
 * @bdfs: RF_BDF() of each
 * @count: how many
 * @flags: RF_PCI_*
 * @refusal: says which function cannot be taken, and why
 *
 * They are quiet, and confined to what the subOS may reach where an IOMMU translates. They
 * stand in the grant page with the next rf_grant_update().
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, or an error; then all is as it was.
 */
int rf_pci_take(struct rf_subos *subos, const u32 *bdfs, u32 count, u32 flags,
		struct rf_refusal *refusal)
{
	LIST_HEAD(taken);
	unsigned long irq;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (!count)
		return 0;
	rc = rf_pci_check(bdfs, count, flags, refusal);
	if (!rc)
		rc = rf_pci_fit(subos, bdfs, count, refusal);
	if (rc)
		return rc;
	rc = rf_pci_take_all(subos, bdfs, count, flags, &taken, refusal);
	if (rc) {
		rf_pci_take_undo(&taken);
		return rc;
	}
	spin_lock_irqsave(&rf_state_lock, irq);
	list_splice_tail(&taken, &subos->functions);
	subos->nr_functions += count;
	spin_unlock_irqrestore(&rf_state_lock, irq);
	return 0;
}

/* ---- returning ---- */

static void rf_pci_unlist(struct rf_lent *lent, struct list_head *to)
{
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	list_move_tail(&lent->node, to);
	lent->subos->nr_functions--;
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static bool rf_pci_same_bus(const struct rf_lent *lent, const struct rf_lent *other)
{
	return lent->pdev->bus == other->pdev->bus;
}

/*
 * Does an IOMMU let nothing through once it has left the domain? Not if it was unplugged, for
 * what is found again at its place is a new function to the IOMMU.
 */
static bool rf_pci_confined(const struct rf_lent *lent)
{
	return lent->attached && !READ_ONCE(lent->gone);
}

/* Would its reset hit a function that its subOS still has? */
static bool rf_pci_waits(struct rf_lent *lent)
{
	struct rf_lent *other;

	if (READ_ONCE(lent->gone) || rf_pci_reset_way(lent->pdev) != RF_RESET_BUS)
		return false;
	list_for_each_entry(other, &lent->subos->functions, node)
		if (other != lent && !READ_ONCE(other->gone) && rf_pci_same_bus(lent, other))
			return true;
	return false;
}

/* Those that waited for the reset of a bus that nothing of their subOS is on any more. */
static void rf_pci_unpark(struct rf_lent *last, struct list_head *to)
{
	struct rf_lent *lent, *next;
	unsigned long flags;

	list_for_each_entry(lent, &last->subos->functions, node)
		if (rf_pci_same_bus(lent, last))
			return;
	list_for_each_entry_safe(lent, next, &rf_pci_parked, node)
		if (rf_pci_same_bus(lent, last)) {
			rf_pci_quiesce(lent);	/* if not, it is marked as stuck */
			spin_lock_irqsave(&rf_state_lock, flags);
			list_move_tail(&lent->node, to);
			spin_unlock_irqrestore(&rf_state_lock, flags);
		}
}

/* A quiet function, off its DMA domain, goes home, and with it those that waited for it. */
static void rf_pci_give(struct rf_lent *lent)
{
	struct rf_lent *next;
	LIST_HEAD(going);

	rf_pci_unlist(lent, &going);
	rf_pci_unpark(lent, &going);
	list_for_each_entry_safe(lent, next, &going, node) {
		list_del(&lent->node);
		rf_pci_bind_home(lent, true);
		rf_pci_note(lent->subos, lent->bdf, RF_EVENT_PCI_REMOVED,
			    lent->leaving_since ? ktime_get_ns() - lent->leaving_since : 0, NULL);
		rf_pci_free(lent);
	}
}

/**
 * rf_pci_return() - one function goes back to the supervisor
 * @lent: the subOS does not use it any more, or must not: its grant page says so. Freed on
 *        success.
 *
 * One that can only be reset together with others is bound to its driver when the subOS
 * has given up the last of them; until then it is silent, and nobody's to use. No driver can
 * be bound to one of an IOMMU group before all of it was detached: rf_dma_detach() first.
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, or -EIO if it cannot be proven quiet; then the subOS still has it.
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
	if (rc && !rf_pci_confined(lent)) {
		pci_err(lent->pdev, "cannot be proven quiet: subOS %s keeps it\n",
			lent->subos->name);
		return rc;
	}
	rf_dma_detach(lent);
	if (waits)
		rf_pci_unlist(lent, &rf_pci_parked);
	else
		rf_pci_give(lent);
	return 0;
}

/**
 * rf_pci_quiesce_all() - no function of a subOS does anything any more
 * @subos: nothing executes in it
 * @detach: it is not going to be started again: off the DMA domain as well
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, or -EIO if one of them cannot be proven quiet: no memory may change hands
 *         then. It can be tried again.
 */
int rf_pci_quiesce_all(struct rf_subos *subos, bool detach)
{
	struct rf_lent *lent;
	int rc = 0;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry(lent, &subos->functions, node)
		if (!lent->quiet && !READ_ONCE(lent->gone))
			rf_pci_silence(lent->pdev);	/* what is quiet has its state back */
	list_for_each_entry(lent, &subos->functions, node) {
		if (lent->quiet)
			continue;
		if (rf_step("pci-quiet")) {
			rc = -EIO;
		} else if (!rf_pci_quiesce(lent)) {
			lent->quiet = detach;
		} else if (detach && rf_pci_confined(lent)) {
			lent->quiet = true;
		} else {
			pci_err(lent->pdev, "cannot be proven quiet: subOS %s keeps its memory\n",
				subos->name);
			rc = -EIO;
		}
	}
	if (!detach || rc)
		return rc;
	list_for_each_entry(lent, &subos->functions, node)
		rf_dma_detach(lent);
	return 0;
}

/**
 * rf_pci_return_taken() - what was taken by force or unplugged leaves a subOS that ended
 * @subos: rf_pci_quiesce_all() was successful
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, -EIO.
 */
int rf_pci_return_taken(struct rf_subos *subos)
{
	struct rf_lent *lent, *next;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry(lent, &subos->functions, node)
		if (READ_ONCE(lent->flags) & RF_FUNCTION_TAKEN)
			rf_dma_detach(lent);
	list_for_each_entry_safe(lent, next, &subos->functions, node) {
		if (!(READ_ONCE(lent->flags) & RF_FUNCTION_TAKEN))
			continue;
		rc = rf_pci_return(lent);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * rf_pci_return_all() - all functions of a subOS go back to their drivers
 * @subos: rf_pci_quiesce_all() was successful, with detach
 *
 * Context: Process context, may sleep for long. Ledger lock held.
 * Return: 0, -EIO; it can be tried again.
 */
int rf_pci_return_all(struct rf_subos *subos)
{
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	while (!list_empty(&subos->functions)) {
		rc = rf_step("pci-give");
		if (rc)
			return rc;
		rf_pci_give(list_first_entry(&subos->functions, struct rf_lent, node));
	}
	return 0;
}

/**
 * rf_pci_cut() - silence a function by force, while its subOS's kernel may run
 * @lent: the function
 *
 * That kernel could switch it on again, until it has seen its grant page: the function is
 * nobody else's before rf_pci_return().
 *
 * Context: Process context. Ledger lock held.
 */
void rf_pci_cut(struct rf_lent *lent)
{
	unsigned long flags;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	lent->flags |= RF_FUNCTION_TAKEN;
	spin_unlock_irqrestore(&rf_state_lock, flags);
	if (!READ_ONCE(lent->gone))
		rf_pci_silence(lent->pdev);
}
