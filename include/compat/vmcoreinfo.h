/* SPDX-License-Identifier: GPL-2.0 */
/*
 * paddr_vmcoreinfo_note() and VMCOREINFO_NOTE_SIZE moved from
 * <linux/crash_core.h> to a header of their own in 6.9.
 */
#ifndef RF_COMPAT_VMCOREINFO_H
#define RF_COMPAT_VMCOREINFO_H

#include <linux/version.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#include <linux/vmcore_info.h>
#else
#include <linux/crash_core.h>
#endif

#endif /* RF_COMPAT_VMCOREINFO_H */
