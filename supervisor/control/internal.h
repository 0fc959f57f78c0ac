/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of control/ share. */
#ifndef RF_CONTROL_INTERNAL_H
#define RF_CONTROL_INTERNAL_H

#include <linux/mutex.h>

#include "control/ioctl.h"
#include "subos/subos.h"

struct device;
struct file;

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

/* members.c */
struct rf_looker {
	bool member;
};

int rf_ledger_look(struct rf_looker *looker);
void rf_ledger_look_end(const struct rf_looker *looker);
bool rf_caller_is_admin(void);
bool rf_may_read_memory(const struct file *file);
void rf_status_hide(struct rf_status *status);
int rf_members_ask(struct rf_subos *subos, int (*ask)(struct rf_subos *subos, bool insist));

/* partition_ioctl.c */
long rf_partition_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* sysfs.c */
int rf_sysfs_init(struct device *dev);
void rf_sysfs_exit(void);

/* debugfs.c */
void rf_debugfs_init(void);
void rf_debugfs_exit(void);

#endif /* RF_CONTROL_INTERNAL_H */
