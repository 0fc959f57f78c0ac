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

/* arena.c: shared memory, carved from the pool while there are subOSes */
int rf_arena_attach(struct rf_subos *subos);	/* ledger lock; member number, home segment */
void rf_arena_detach(struct rf_subos *subos);	/* ledger lock; safe to repeat */
u64 rf_arena_size(void);			/* ledger lock */
u64 rf_arena_need(void);			/* ledger lock; what another subOS would take */
int rf_arena_clear(struct rf_subos *subos);	/* ledger lock; home as new, before a start */
void rf_arena_segments(struct rf_arena_segment *segments);	/* ledger lock */
void rf_arena_describe(void);			/* ledger lock; machine page, ledger's copy */
void rf_arena_restore(void);			/* any context: the machine page, if need be */
void *rf_arena_home(const struct rf_subos *subos); /* kernel address of its home segment */

/* grant.c: what each kernel may believe; the grant page of every subOS, and our own */
extern struct rf_grant rf_own_grant;
void rf_grant_update(void);			/* ledger lock; all pages, from the ledger */
void rf_grant_prepare(struct rf_subos *subos);	/* ledger lock; before a start: new kernel id */
void rf_grant_init(void);
void rf_grant_exit(void);

/* supcon.c: requests to the agents, HELLO from them */
int rf_supcon_open(void);			/* after the first rf_ficm_join() */
void rf_supcon_close(void);			/* before rf_ficm_leave() */
/*
 * Ask the agent of a subOS and wait. @progress (may be NULL) is called for each
 * PROGRESS in process context, with none of our locks held. On a time-out or a
 * signal the request is cancelled and the agent's last word is waited for (at most
 * RF_CANCEL_MS); an answer that comes even later is handed to @progress's owner by
 * rf_resize_late(). 0 (DONE, args in @args); the agent's errno (FAILED);
 * -ETIMEDOUT, -EINTR (cancelled); -EPIPE (the subOS ended), -ENOTCONN, -EOPNOTSUPP.
 */
typedef void (*rf_supcon_progress)(struct rf_subos *subos, const s64 *args, void *data);
int rf_supcon_request(struct rf_subos *subos, enum rf_op op, s64 args[RF_CONTROL_ARGS],
		      u32 timeout_ms, rf_supcon_progress progress, void *data);
void rf_supcon_init(void);
void rf_supcon_exit(void);

/* resize.c, resize_cores.c, resize_memory.c, resize_pci.c, resize_settle.c */
void rf_resize_init(void);
void rf_resize_exit(void);
/* A function was unplugged, or given up late: the rest of its way. Any context. */
void rf_resize_pci_settle(struct rf_subos *subos);
int rf_subos_resize(struct rf_subos *subos, struct rf_resize *args, const u32 *units,
		    struct rf_subos *to);
void rf_loans_settle(struct rf_subos *subos);	/* destroy: borrowed cores go home. Ledger lock. */

/* console.c: drains console rings into scroll-backs, descriptors of consoles */
int rf_console_init(void);			/* after the first rf_ficm_join() */
void rf_console_exit(void);			/* before rf_ficm_leave() */
int rf_console_add(struct rf_subos *subos);	/* at create, before the arena is needed */
void rf_console_start(struct rf_subos *subos);	/* before a start: rings empty, log kept */
void rf_console_stop(struct rf_subos *subos);	/* reset: take what is left in the rings */
void rf_console_end(struct rf_subos *subos);	/* destroyed: readers see the end */
void rf_console_free(struct rf_subos *subos);	/* with the last reference */
void rf_console_poll(struct rf_subos *subos);	/* state lock: look at its rings soon */
int rf_console_fd(struct rf_subos *subos, u32 flags, struct file **filp);
u32 rf_console_viewers(const struct rf_subos *subos);

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
