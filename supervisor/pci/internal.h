/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of pci/ share among themselves. */
#ifndef RF_PCI_INTERNAL_H
#define RF_PCI_INTERNAL_H

#include <linux/pci.h>

#include "memory/memory.h"
#include "pci/pci.h"

#define RF_PCI_DRIVER	KBUILD_MODNAME

/* What we are doing with a function. Written by the task that rf_pci_assert_sole() is for. */
enum rf_hand {
	RF_HAND_NONE,
	RF_HAND_BIND,			/* our driver may bind to it */
	RF_HAND_RELEASE,		/* our driver is unbound from it */
};

/* driver.c */
extern struct pci_driver rf_pci_driver;

/* bind.c. Ledger lock not held */
extern struct notifier_block rf_pci_block;		/* of the PCI bus */
int rf_pci_bind_ours(struct rf_lent *lent);
void rf_pci_bind_home(struct rf_lent *lent, bool used);

/* As rf_pci_for_each(), without a lock. Context: rf_pci_assert_sole(). */
#define rf_pci_for_each_unlocked(lent, subos)					\
	for (lent = rf_pci_next_unlocked(subos, NULL); lent;			\
	     lent = rf_pci_next_unlocked(subos, lent))

/* take.c. @lent is HOME */
void rf_pci_free(struct rf_lent *lent);

/* check.c. Ledger lock */
int rf_pci_fit(struct rf_subos *subos, const u32 *bdfs, u32 count, struct rf_refusal *refusal);
enum rf_problem rf_pci_problem(struct pci_dev *pdev);	/* its own, without force */
u64 rf_pci_config(struct pci_dev *pdev);		/* physical address, 0: not in MCFG */
bool rf_pci_caches(const struct pci_dev *pdev);		/* ATS is on */

/* reset.c. Process context */
enum rf_reset_way rf_pci_reset_way(struct pci_dev *pdev);
int rf_pci_reset(struct pci_dev *pdev, enum rf_reset_way way);
bool rf_pci_resets(void);				/* is it us who reset functions? */

/* quiesce.c */
bool rf_pci_stuck(struct pci_dev *pdev);		/* its last reset failed */
void rf_pci_silence(struct pci_dev *pdev);
bool rf_pci_drain(struct pci_dev *pdev);
void rf_pci_restore(struct rf_lent *lent);
void rf_pci_quiet_exit(void);

/* function.c. Ledger lock */
struct rf_lent *rf_pci_next_of_all(const struct rf_lent *lent);
void rf_pci_move(struct rf_lent *lent, enum rf_function_state state);
void rf_pci_become(struct rf_lent *lent, enum rf_function_state state);	/* takes the lock */

/* dma.c. Process context; ledger lock held if a domain is used */
struct rf_dma {
	struct list_head node;		/* in rf_dmas */
	struct iommu_domain *domain;
	struct list_head groups;	/* struct rf_dma_group */
};

struct rf_dma_group {
	struct list_head node;
	struct iommu_group *group;	/* with a reference */
	u32 users;			/* functions */
};

extern struct list_head rf_dmas;	/* ledger lock */

bool rf_dma_translates(struct pci_dev *pdev);
void rf_dma_block(struct rf_lent *lent);		/* reaches nothing, for good. Idempotent. */
int rf_dma_populate(struct rf_subos *subos);
bool rf_dma_conflicts(struct rf_subos *subos, struct rf_dma_group *group);

/* dma_faults.c: DMA that was blocked */
int rf_dma_faults_init(void);
void rf_dma_faults_exit(void);
void rf_dma_faults_flush(void);			/* process context, state lock not held */
int rf_dma_fault_told(struct iommu_domain *domain, struct device *dev, unsigned long iova,
		      int flags, void *token);

static inline u32 rf_pci_address(const struct pci_dev *pdev)
{
	return RF_BDF(pci_domain_nr(pdev->bus), pdev->bus->number, pdev->devfn);
}

static inline struct pci_dev *rf_pci_get(u32 bdf)
{
	return pci_get_domain_bus_and_slot(RF_BDF_DOMAIN(bdf), RF_BDF_BUS(bdf),
					   RF_BDF_DEVFN(bdf));
}

#endif /* RF_PCI_INTERNAL_H */
