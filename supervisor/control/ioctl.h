/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of calls for each kind of descriptor, and what dispatches them by size. Compiles in user
 * space, too: unit tests put rfm in front of it.
 */
#ifndef RF_CONTROL_IOCTL_H
#define RF_CONTROL_IOCTL_H

#include <linux/stddef.h>
#include <linux/types.h>

struct file;

/* One handler per ioctl; `arg` is a zero-extended kernel copy, written back afterwards. */
struct rf_ioctl {
	unsigned int cmd;
	__u32 size;			/* of the struct, 0: no argument */
	__u32 min_size;			/* what each caller passes at least */
	int (*handler)(struct file *file, void *arg);
};

/*
 * @_last: the last field that the struct had in its first version. It stays when the struct grows,
 * so that a caller that was built before is still served.
 */
#define RF_IOCTL(_cmd, _type, _last, _handler) \
	{ _cmd, sizeof(struct _type), offsetofend(struct _type, _last), _handler }

long rf_ioctl_dispatch(const struct rf_ioctl *table, size_t count, struct file *file,
		       unsigned int cmd, unsigned long arg);

#endif /* RF_CONTROL_IOCTL_H */
