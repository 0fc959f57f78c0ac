/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Are a device's message-signalled interrupts remapped? If not, the domain that they come
 * from is a child of the vector domain; since 6.2 each device has such a child of its own,
 * and what the device points to is the parent.
 */
#ifndef RF_COMPAT_MSI_REMAPPED_H
#define RF_COMPAT_MSI_REMAPPED_H

#include <linux/device.h>
#include <linux/irqdomain.h>
#include <linux/version.h>
#include <asm/irqdomain.h>

static inline bool rf_msi_remapped(const struct device *dev)
{
	const struct irq_domain *domain = dev_get_msi_domain(dev);

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
	if (domain)
		domain = domain->parent;
#endif
	return domain && domain != x86_vector_domain;
}

#endif /* RF_COMPAT_MSI_REMAPPED_H */
