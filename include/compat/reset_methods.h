/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the PCI core resets a function: struct pci_dev's reset_methods[] holds indices into
 * a table of drivers/pci/pci.c that has no header. Up to 6.12 it begins with: nothing,
 * device-specific, ACPI, FLR, AF FLR, power management (D3hot and back), bus.
 */
#ifndef RF_COMPAT_RESET_METHODS_H
#define RF_COMPAT_RESET_METHODS_H

#include <linux/pci.h>

#define RF_RESET_METHOD_FIRST	1	/* device-specific */
#define RF_RESET_METHOD_AF_FLR	4	/* the last one that resets the function and no other */
#define RF_RESET_METHOD_PM	5

/* Does the core's first choice reset the whole function, and nothing but it? */
static inline bool rf_reset_is_function(const struct pci_dev *pdev)
{
	return pdev->reset_methods[0] >= RF_RESET_METHOD_FIRST &&
	       pdev->reset_methods[0] <= RF_RESET_METHOD_AF_FLR;
}

/* Is it only a change of power state? That makes a function forget, but not drain. */
static inline bool rf_reset_is_power(const struct pci_dev *pdev)
{
	return pdev->reset_methods[0] == RF_RESET_METHOD_PM;
}

#endif /* RF_COMPAT_RESET_METHODS_H */
