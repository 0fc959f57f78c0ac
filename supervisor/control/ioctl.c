// SPDX-License-Identifier: GPL-2.0
/* Dispatches ioctls, for both kinds of descriptors. */
#include <linux/capability.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "control/ioctl.h"
#include "uapi/rainforest.h"

/* Calls that only look, and cost little, are for whoever may open the device. */
static bool rf_ioctl_looks(unsigned int cmd)
{
	switch (cmd) {
	case RF_IOC_INFO:
	case RF_IOC_LIST:
	case RF_IOC_OPEN:
	case RF_IOC_CORES:
	case RF_IOC_EVENTS:
	case RF_IOC_FUNCTIONS:
	case RF_IOC_STATUS:
	case RF_IOC_STATISTICS:
		return true;
	default:
		return false;
	}
}

/**
 * rf_ioctl_dispatch() - find the handler, copy the struct in, call, copy the struct back
 * @table: the handlers
 * @count: number of handlers
 * @file: for the handler
 * @cmd: ioctl number
 * @arg: user address of a size-first struct
 *
 * The struct is copied back also if the handler fails: it says what was wrong. What the caller may
 * is judged here, at each call: a descriptor can be passed on.
 *
 * Context: Process context.
 * Return: what the handler returned, or an error common to all calls.
 */
long rf_ioctl_dispatch(const struct rf_ioctl *table, size_t count, struct file *file,
		       unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	u32 size;
	void *copy;
	size_t i;
	long rc;

	for (i = 0; i < count && table[i].cmd != cmd; i++)
		;
	if (i == count)
		return -ENOTTY;
	if (!rf_ioctl_looks(cmd) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!table[i].size)
		return table[i].handler(file, NULL);
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < table[i].min_size)
		return -EINVAL;
	copy = kzalloc(table[i].size, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	rc = copy_struct_from_user(copy, table[i].size, user, size);
	if (!rc) {
		rc = table[i].handler(file, copy);
		*(u32 *)copy = size;
		if (copy_to_user(user, copy, min(size, table[i].size)))
			rc = -EFAULT;
	}
	kfree(copy);
	return rc;
}
