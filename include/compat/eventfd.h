/* SPDX-License-Identifier: GPL-2.0 */
/* eventfd_signal() lost its second argument, which everybody set to 1, in 6.8. */
#ifndef RF_COMPAT_EVENTFD_H
#define RF_COMPAT_EVENTFD_H

#include <linux/eventfd.h>
#include <linux/version.h>

static inline void rf_eventfd_signal(struct eventfd_ctx *eventfd)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(eventfd);
#else
	eventfd_signal(eventfd, 1);
#endif
}

#endif /* RF_COMPAT_EVENTFD_H */
