/* SPDX-License-Identifier: GPL-2.0 */
/* The only place where kernel versions are told apart. */
#ifndef RF_COMPAT_KERNEL_H
#define RF_COMPAT_KERNEL_H

#include <linux/version.h>
#include <linux/utsname.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "rainforest supports Linux 6.1 and later"
#endif

/* The newest series that this source compiles for; which ones tests run on: docs/kernel-support.md. */
#define RF_KERNEL_NEWEST	KERNEL_VERSION(6, 12, 255)

static inline bool rf_kernel_supported(void)
{
	return LINUX_VERSION_CODE <= RF_KERNEL_NEWEST;
}

#endif /* RF_COMPAT_KERNEL_H */
