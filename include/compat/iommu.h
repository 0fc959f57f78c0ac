/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A domain is allocated for a device, no longer for a bus, since 6.11; iommu_map() is told
 * how to allocate since 6.3.
 */
#ifndef RF_COMPAT_IOMMU_H
#define RF_COMPAT_IOMMU_H

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/version.h>

/* An empty domain for @pdev and others, or an error pointer. */
static inline struct iommu_domain *rf_iommu_domain_alloc(struct pci_dev *pdev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
	return iommu_paging_domain_alloc(&pdev->dev);
#else
	return iommu_domain_alloc(pdev->dev.bus) ?: ERR_PTR(-ENOMEM);
#endif
}

static inline int rf_iommu_map(struct iommu_domain *domain, unsigned long iova,
			       phys_addr_t start, size_t size, int prot)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	return iommu_map(domain, iova, start, size, prot, GFP_KERNEL);
#else
	return iommu_map(domain, iova, start, size, prot);
#endif
}

#endif /* RF_COMPAT_IOMMU_H */
