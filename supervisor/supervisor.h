/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf_supervisor: what its files share.
 */
#ifndef RF_SUPERVISOR_H
#define RF_SUPERVISOR_H

#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "base/base.h"
#include "subos/subos.h"
#include "cores/cores.h"
#include "memory/memory.h"
#include "pci/pci.h"
#include "shared/shared.h"
#include "agent/agent.h"
#include "resize/resize.h"
#include "kernel/ficm.h"
#include "uapi/rainforest.h"
#include "wire/control.h"

#define RF_VERSION		"0.1.0"

struct device;

/* subos.c: life of a subOS */
int rf_subos_create(struct rf_create *args, const u32 *cpus, const u32 *functions,
		    struct rf_subos **out);
int rf_subos_publish(struct rf_subos *subos);
int rf_subos_start(struct rf_subos *subos, const struct rf_start *args);
int rf_subos_status(struct rf_subos *subos, struct rf_status *status, u32 *generation);
pid_t rf_subos_builder(void);
pid_t rf_subos_builder_take(void);	/* become the builder: 0, or the pid of who is */
void rf_subos_builder_done(void);

/* release.c: the way back */
int rf_subos_destroy(struct rf_subos *subos, struct rf_destroy *args);
int rf_release_init(void);
void rf_release_exit(void);

/* restart.c: stop, reset, and what policies do about an end */
int rf_subos_stop(struct rf_subos *subos, u32 flags);
int rf_subos_reset(struct rf_subos *subos, u32 flags);
void rf_subos_reset_undo(struct rf_subos *subos);	/* the builder went away before START */
void rf_policy_setup(struct rf_subos *subos);	/* of a new subOS: defaults, work item */
int rf_policy_check(const struct rf_policies *policies);
enum rf_policy rf_policy_on_crash(const struct rf_subos *subos);	/* state lock */
void rf_policy_ended(struct rf_subos *subos);	/* state lock: it ended, its cores are held */
void rf_policy_off(void);			/* any context: the supervisor goes down */
int rf_policy_init(void);
void rf_policy_exit(void);

/* load.c: what user space puts into a partition */
int rf_subos_load(struct rf_subos *subos, const struct rf_segment *segments, u32 count,
		  u32 *culprit);
int rf_subos_check_start(struct rf_subos *subos, const struct rf_start *args);
ssize_t rf_subos_read(struct rf_subos *subos, char __user *buf, size_t len, u64 phys);

/* watch.c: polls mailboxes and heartbeats */
void rf_watch_init(void);
void rf_watch_exit(void);
void rf_watch_kick(void);

/* device.c, partition.c, sysfs.c, power.c */
int rf_device_init(void);
void rf_device_exit(void);
int rf_partition_fd(struct rf_subos *subos, bool builder, struct file **filp);
int rf_sysfs_init(struct device *dev);
void rf_sysfs_exit(void);
int rf_sysfs_add(struct rf_subos *subos);
extern const struct kobj_type rf_subos_ktype;
int rf_power_init(void);
void rf_power_exit(void);

/* One handler per ioctl; `arg` is a zero-extended kernel copy, written back afterwards. */
struct rf_ioctl {
	unsigned int cmd;
	u32 size;			/* of the struct, 0: no argument */
	u32 min_size;
	int (*handler)(struct file *file, void *arg);
};
long rf_ioctl_dispatch(const struct rf_ioctl *table, size_t count, struct file *file,
		       unsigned int cmd, unsigned long arg);

/* debugfs.c */
void rf_debugfs_init(void);
void rf_debugfs_exit(void);

#endif /* RF_SUPERVISOR_H */
