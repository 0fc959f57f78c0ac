// SPDX-License-Identifier: GPL-2.0
/*
 * Lends PCI functions to a subOS: the driver of each is unbound and remembered, ours bound;
 * the function is quiesced, confined to its subOS's memory where an IOMMU translates, and
 * granted. return.c is the way back.
 */
#include <linux/io.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "pci/internal.h"

static u32 rf_pci_generation;		/* ledger lock */

/* Is the function's configuration space really mapped where MCFG says? */
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

/* @lent is in no table: it is HOME, or was never added. Context: process, any lock. */
void rf_pci_free(struct rf_lent *lent)
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
	lent->generation = ++rf_pci_generation;
	lent->config = rf_pci_config(lent->pdev);
	return lent;
}

static int rf_pci_add(struct rf_lent *lent, u32 bdf)
{
	unsigned long flags;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rc = rf_ledger_function_add(&rf_books.functions, &lent->entry, bdf, lent->subos->id);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return rc;
}

/*
 * Check all functions, and note them as TAKING, in one critical section: of two tasks that want
 * the same function, or functions of the same group, one is refused. Nothing of them has changed.
 */
static int rf_pci_reserve(struct rf_subos *subos, const u32 *bdfs, u32 count, u32 flags,
			  struct rf_refusal *refusal)
{
	struct rf_lent *lent;
	int rc;
	u32 i;

	lockdep_assert_held(&rf_ledger_lock);
	rc = rf_pci_check(bdfs, count, flags, refusal);
	if (!rc)
		rc = rf_pci_fit(subos, bdfs, count, refusal);
	for (i = 0; !rc && i < count; i++) {
		refusal->culprit = bdfs[i];
		lent = rf_pci_alloc(subos, bdfs[i]);
		if (!lent)
			return -ENOMEM;
		rc = rf_pci_add(lent, bdfs[i]);
		if (rf_expect(rc))	/* they were checked */
			rf_pci_free(lent);
	}
	return rc;
}

/* Return a TAKING function, which may still be with its driver. */
static void rf_pci_take_back(struct rf_lent *lent)
{
	if (lent->away)
		rf_pci_bind_home(lent, false);
	rf_pci_become(lent, RF_PCI_HOME);
	rf_pci_free(lent);
}

/* On success the function is bound to our driver. */
static int rf_pci_take_bind(struct rf_lent *lent, u32 *problem)
{
	int rc;

	rc = rf_step("pci-bind");
	if (!rc)
		rc = rf_pci_bind_ours(lent);
	if (!rc && rf_pci_config_valid(lent))
		return 0;
	if (!lent->away)
		return rc;
	*problem = rc ? RF_PROBLEM_DRIVER : RF_PROBLEM_NO_ECAM;
	return -ENXIO;
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
	mutex_lock(&rf_ledger_lock);
	rc = rf_dma_attach(lent);
	mutex_unlock(&rf_ledger_lock);
	if (rc == -ENOMEM || rc == -EADDRNOTAVAIL)
		return rc;
	if (rc) {		/* -EBUSY: a group member does DMA for the supervisor */
		*problem = rc == -EBUSY ? RF_PROBLEM_GROUP : RF_PROBLEM_DRIVER;
		pci_warn(lent->pdev, "its DMA cannot be confined: error %d\n", rc);
		return -ENXIO;
	}
	if (rf_pci_gone(lent) || rf_pci_caches(lent->pdev)) {	/* attaching may enable ATS */
		*problem = rf_pci_gone(lent) ? RF_PROBLEM_ABSENT : RF_PROBLEM_ATS;
		return -ENXIO;
	}
	return 0;
}

static struct rf_lent *rf_pci_next_taking(struct rf_subos *subos, struct rf_lent *lent)
{
	do
		lent = rf_pci_next_unlocked(subos, lent);
	while (lent && lent->entry.state != RF_PCI_TAKING);
	return lent;
}

static struct rf_lent *rf_pci_last_taking(struct rf_subos *subos)
{
	struct rf_lent *lent = NULL, *last = NULL;

	while ((lent = rf_pci_next_taking(subos, lent)))
		last = lent;
	return last;
}

/*
 * The subOS never had access to these functions: there is nothing to quiesce. No driver can
 * be bound before the whole IOMMU group is detached from the domain.
 */
static void rf_pci_take_undo(struct rf_subos *subos)
{
	struct rf_lent *lent = NULL;

	mutex_lock(&rf_ledger_lock);
	while ((lent = rf_pci_next_taking(subos, lent)))
		rf_dma_detach(lent);
	mutex_unlock(&rf_ledger_lock);
	while ((lent = rf_pci_last_taking(subos)))
		rf_pci_take_back(lent);
}

/* Bind all to our driver before the first is reset: a bus reset hits the others, too. */
static int rf_pci_take_all(struct rf_subos *subos, u32 flags, struct rf_refusal *refusal)
{
	struct rf_lent *lent = NULL;
	int rc;

	while ((lent = rf_pci_next_taking(subos, lent))) {
		refusal->culprit = lent->entry.bdf;
		rc = rf_pci_take_bind(lent, &refusal->problem);
		if (rc)
			return rc;
	}
	while ((lent = rf_pci_next_taking(subos, lent))) {
		refusal->culprit = lent->entry.bdf;
		rc = rf_pci_take_quiet(lent, flags, &refusal->problem);
		if (rc)
			return rc;
	}
	while ((lent = rf_pci_next_taking(subos, lent))) {
		refusal->culprit = lent->entry.bdf;
		rc = rf_pci_take_dma(lent, &refusal->problem);
		if (rc)
			return rc;
	}
	refusal->culprit = 0;
	return 0;
}

/* All in one critical section, so that readers under the state lock see all or none. */
static void rf_pci_take_done(struct rf_subos *subos)
{
	struct rf_lent *lent;
	unsigned long flags;

	mutex_lock(&rf_ledger_lock);
	spin_lock_irqsave(&rf_state_lock, flags);
	rf_pci_for_each(lent, subos)
		if (lent->entry.state == RF_PCI_TAKING)
			rf_expect(rf_ledger_function_move(&rf_books.functions, &lent->entry,
							  RF_PCI_GRANTED));
	spin_unlock_irqrestore(&rf_state_lock, flags);
	mutex_unlock(&rf_ledger_lock);
}

/**
 * rf_pci_take() - take functions from the supervisor for a subOS, all or none
 * @subos: their new owner
 * @bdfs: RF_BDF() of each
 * @count: how many
 * @flags: RF_PCI_*
 * @refusal: says which function cannot be taken, and why
 *
 * On success they are quiet and, where an IOMMU translates, confined to what the subOS may
 * reach. They appear in the grant page with the next rf_grant_update().
 *
 * Context: Process context, may sleep for long. Ledger lock not held; rf_pci_assert_sole().
 * Return: 0, or an error; then nothing has been taken.
 */
int rf_pci_take(struct rf_subos *subos, const u32 *bdfs, u32 count, u32 flags,
		struct rf_refusal *refusal)
{
	int rc;

	rf_pci_assert_sole(subos);
	lockdep_assert_not_held(&rf_ledger_lock);
	if (!count)
		return 0;
	mutex_lock(&rf_ledger_lock);
	rc = rf_pci_reserve(subos, bdfs, count, flags, refusal);
	mutex_unlock(&rf_ledger_lock);
	if (!rc)
		rc = rf_pci_take_all(subos, flags, refusal);
	if (rc)
		rf_pci_take_undo(subos);
	else
		rf_pci_take_done(subos);
	return rc;
}
