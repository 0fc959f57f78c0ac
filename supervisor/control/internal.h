/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of control/ share. */
#ifndef RF_CONTROL_INTERNAL_H
#define RF_CONTROL_INTERNAL_H

#include <linux/mutex.h>

#include "subos/subos.h"

struct device;
struct file;

/* ioctl.c: one handler per ioctl; `arg` is a zero-extended kernel copy, written back afterwards. */
struct rf_ioctl {
	unsigned int cmd;
	u32 size;			/* of the struct, 0: no argument */
	u32 min_size;
	int (*handler)(struct file *file, void *arg);
};
long rf_ioctl_dispatch(const struct rf_ioctl *table, size_t count, struct file *file,
		       unsigned int cmd, unsigned long arg);

/* The construction, if any, that closing a partition descriptor undoes. */
enum rf_building {
	RF_BUILDING_NOTHING,
	RF_BUILDING_NEW,		/* since CREATE; undone by destroying the subOS */
	RF_BUILDING_AGAIN,		/* since RESET; undone by leaving the subOS stopped */
};

struct rf_partition {
	struct rf_subos *subos;		/* with a reference */
	u32 seen;			/* generation at the last STATUS */
	struct mutex lock;		/* of building */
	enum rf_building building;
};

/* partition.c */
struct rf_subos *rf_subos_of_fd(int fd);
int rf_partition_fd(struct rf_subos *subos, bool builder, struct file **filp);

/* partition_ioctl.c */
long rf_partition_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* sysfs.c */
int rf_sysfs_init(struct device *dev);
void rf_sysfs_exit(void);

/* debugfs.c */
void rf_debugfs_init(void);
void rf_debugfs_exit(void);

#endif /* RF_CONTROL_INTERNAL_H */
