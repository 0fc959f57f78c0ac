/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * PCI functions of a subOS, as its grant page lists them. The supervisor stays the
 * owner of every bridge on the way to them; the subOS reaches a function through its
 * own page of the enhanced configuration space (PCI Express Base Specification 5.0,
 * 7.2.2) and its memory BARs, and filters its own accesses (subos/pci_config.c).
 *
 * Changelog
 *   1.0  first
 */
#ifndef RF_WIRE_PCI_H
#define RF_WIRE_PCI_H

#include <linux/types.h>

#define RF_FUNCTIONS_MAX	16	/* PCI functions of one subOS */
#define RF_BARS			6
#define RF_CONFIG_SIZE		4096	/* bytes of a function's configuration space */

/* A function's address in one word: domain, bus, device and function. */
#define RF_BDF(domain, bus, devfn) \
	(((__u32)(domain) << 16) | ((__u32)(bus) << 8) | (__u32)(devfn))
#define RF_BDF_DOMAIN(bdf)	((bdf) >> 16)
#define RF_BDF_BUS(bdf)		(((bdf) >> 8) & 0xff)
#define RF_BDF_DEVFN(bdf)	((bdf) & 0xff)
#define RF_BDF_NONE		0xffffffffu

struct rf_bar {
	__u64	start;			/* physical address */
	__u64	size;			/* bytes, a power of 2; 0: no such BAR for the subOS */
};

/* bar_types[]: the low bits of a memory BAR (PCI Local Bus Specification 3.0, 6.2.5.1). */
#define RF_BAR_64		0x4	/* 64 bits wide: the next BAR is its upper half */
#define RF_BAR_PREFETCH		0x8

/* Flags of a function. */
#define RF_FUNCTION_VF		1	/* virtual: vendor, device and BARs do not stand in its
					 * configuration space (SR-IOV 1.1, 3.4.1) */
#define RF_FUNCTION_TAKEN	2	/* taken by force: it does not answer any more; to be
					 * removed like one that was pulled out */

struct rf_function {
	__u32	bdf;			/* RF_BDF(); the same on all sides */
	__u16	vendor;
	__u16	device;
	__u32	flags;			/* RF_FUNCTION_* */
	__u32	generation;		/* another one each time it is given */
	__u64	config;			/* physical address of its RF_CONFIG_SIZE bytes */
	struct rf_bar bars[RF_BARS];	/* memory only: I/O BARs do not exist in a subOS */
	__u8	bar_types[RF_BARS];
	__u8	pad[2];
};

#endif /* RF_WIRE_PCI_H */
