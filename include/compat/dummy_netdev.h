/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A network device that does nothing but carry a NAPI context. Allocating it became
 * the kernel's business in 6.10.
 */
#ifndef RF_COMPAT_DUMMY_NETDEV_H
#define RF_COMPAT_DUMMY_NETDEV_H

#include <linux/netdevice.h>
#include <linux/slab.h>
#include <linux/version.h>

static inline struct net_device *rf_dummy_netdev_alloc(void)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	return alloc_netdev_dummy(0);
#else
	struct net_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	if (dev)
		init_dummy_netdev(dev);
	return dev;
#endif
}

static inline void rf_dummy_netdev_free(struct net_device *dev)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
	free_netdev(dev);
#else
	kfree(dev);
#endif
}

#endif /* RF_COMPAT_DUMMY_NETDEV_H */
