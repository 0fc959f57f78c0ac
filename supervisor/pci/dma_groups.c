// SPDX-License-Identifier: GPL-2.0
/*
 * Which functions are confined to the domain of their subOS (dma.c). An IOMMU group is
 * attached as a whole, with its first function. It stays claimed until its last function is
 * detached, so that nobody else can use it: DMA outside a domain of ours is blocked. So is all
 * DMA of a group that rf_dma_block() took out of the domain, because one of its functions could
 * not be reset: it waits for that without reaching any memory.
 */
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "compat/iommu.h"
#include "pci/internal.h"

static struct rf_dma *rf_dma_create(struct pci_dev *pdev)
{
	struct rf_dma *dma = kzalloc(sizeof(*dma), GFP_KERNEL);
	struct iommu_domain *domain;

	if (!dma)
		return ERR_PTR(-ENOMEM);
	domain = rf_iommu_domain_alloc(pdev);
	if (IS_ERR(domain)) {
		kfree(dma);
		return ERR_CAST(domain);
	}
	dma->domain = domain;
	INIT_LIST_HEAD(&dma->groups);
	list_add_tail(&dma->node, &rf_dmas);
	iommu_set_fault_handler(domain, rf_dma_fault_told, NULL);
	return dma;
}

/* Free the domain of a subOS unless a group is still attached to it. */
static void rf_dma_destroy(struct rf_subos *subos)
{
	struct rf_dma *dma = subos->dma;

	if (!dma || !list_empty(&dma->groups))
		return;
	subos->dma = NULL;
	list_del(&dma->node);
	iommu_domain_free(dma->domain);
	kfree(dma);
}

/* Takes over the reference to @iommu_group, also on an error. */
static struct rf_dma_group *rf_dma_group_attach(struct rf_dma *dma,
						struct iommu_group *iommu_group)
{
	struct rf_dma_group *group = kzalloc(sizeof(*group), GFP_KERNEL);
	int rc = -ENOMEM;

	if (!group)
		goto put_group;
	rc = iommu_group_claim_dma_owner(iommu_group, group);
	if (rc == -EPERM)
		rc = -EBUSY;		/* another driver uses it; our -EPERM means never */
	if (rc)
		goto free_group;
	rc = iommu_attach_group(dma->domain, iommu_group);
	if (rc)
		goto release_group;
	group->group = iommu_group;
	list_add_tail(&group->node, &dma->groups);
	return group;

release_group:
	iommu_group_release_dma_owner(iommu_group);
free_group:
	kfree(group);
put_group:
	iommu_group_put(iommu_group);
	return ERR_PTR(rc);
}

/* Claimed as it is, the group then has a domain without any memory. Idempotent. */
static void rf_dma_group_block(struct rf_dma *dma, struct rf_dma_group *group)
{
	if (list_empty(&group->node))
		return;
	list_del_init(&group->node);
	iommu_detach_group(dma->domain, group->group);
}

static void rf_dma_group_detach(struct rf_dma *dma, struct rf_dma_group *group)
{
	rf_dma_group_block(dma, group);
	iommu_group_release_dma_owner(group->group);
	iommu_group_put(group->group);
	kfree(group);
}

/* A function's group in the subOS's domain; attached if it is not yet. */
static struct rf_dma_group *rf_dma_group_of(struct rf_subos *subos, struct pci_dev *pdev)
{
	struct iommu_group *iommu_group = iommu_group_get(&pdev->dev);
	struct rf_dma_group *group;
	bool first;
	int rc = 0;

	if (!iommu_group)
		return ERR_PTR(-ENODEV);
	list_for_each_entry(group, &subos->dma->groups, node)
		if (group->group == iommu_group) {
			iommu_group_put(iommu_group);
			return group;
		}
	first = list_empty(&subos->dma->groups);
	group = rf_dma_group_attach(subos->dma, iommu_group);
	if (IS_ERR(group))
		return group;
	if (rf_dma_conflicts(subos, group))
		rc = -EADDRNOTAVAIL;
	else if (first)		/* page sizes are only known once a device is attached */
		rc = rf_dma_populate(subos);
	if (!rc)
		return group;
	rf_dma_group_detach(subos->dma, group);
	return ERR_PTR(rc);
}

/**
 * rf_dma_attach() - confine a function's DMA to its subOS's domain. Idempotent.
 * @lent: the function; it and its whole IOMMU group are quiet and bound to our driver
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0, also if no IOMMU translates; then @lent->dma_group is NULL. An error, with
 *         nothing changed: -EBUSY if something in its group does DMA for the supervisor.
 */
int rf_dma_attach(struct rf_lent *lent)
{
	struct rf_subos *subos = lent->subos;
	struct rf_dma_group *group;
	struct rf_dma *dma;

	lockdep_assert_held(&rf_ledger_lock);
	if (lent->dma_group || !rf_dma_translates(lent->pdev))
		return 0;
	if (!subos->dma) {
		dma = rf_dma_create(lent->pdev);
		if (IS_ERR(dma))
			return PTR_ERR(dma);
		subos->dma = dma;
	}
	group = rf_dma_group_of(subos, lent->pdev);
	if (IS_ERR(group)) {
		rf_dma_destroy(subos);
		return PTR_ERR(group);
	}
	group->users++;
	WRITE_ONCE(lent->dma_group, group);
	return 0;
}

/**
 * rf_dma_block() - block all DMA of a function's group, for good; it stays claimed. Idempotent.
 * @lent: the function; its subOS will never run again
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_dma_block(struct rf_lent *lent)
{
	lockdep_assert_held(&rf_ledger_lock);
	if (!lent->dma_group)
		return;
	rf_dma_faults_flush();		/* while they can still be attributed */
	rf_dma_group_block(lent->subos->dma, lent->dma_group);
	rf_dma_destroy(lent->subos);
}

/**
 * rf_dma_detach() - remove a function from its subOS's domain. Idempotent.
 * @lent: the function, which is quiet and was reset; it need not be attached
 *
 * The last function of an IOMMU group gives the group back to the supervisor: only then can
 * a driver be bound to any function of the group.
 *
 * Context: Process context, may sleep. Ledger lock held.
 */
void rf_dma_detach(struct rf_lent *lent)
{
	struct rf_dma_group *group = lent->dma_group;

	lockdep_assert_held(&rf_ledger_lock);
	if (!group)
		return;
	rf_dma_faults_flush();		/* while they can still be attributed */
	WRITE_ONCE(lent->dma_group, NULL);
	if (!--group->users)
		rf_dma_group_detach(lent->subos->dma, group);
	rf_dma_destroy(lent->subos);
}
