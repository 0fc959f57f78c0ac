/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What all other rooms of the module build on: the two locks and their order, one work
 * queue, steps at which tests inject faults, and what the kernel offers to a module only
 * through files. Calls no other room.
 *
 * Locks, outermost first:
 *   rf_subos.adjusting   one adjustment (resize, move, start, reset, destroy) of a subOS at a
 *                        time; that of a second subOS only by trylock
 *   turn to hotplug      rf_hotplug_begin(): memory and cores of this kernel come and go, one
 *                        block or a few cores at a time; waited for in order, and
 *                        with a deadline
 *   rf_ledger_lock       who owns which core, memory, low slice and function; also
 *                        serialises the use of the common trampoline. Never held while anything
 *                        is hotplugged or takes long to clear, nor while a PCI function is bound,
 *                        unbound, drained or reset (pci/pci.h).
 *   rf_subos.memory_sem  keeps a subOS's memory from changing hands under a reader
 *   rf_state_lock        list of subOSes, their states, what they own; taken with
 *                        interrupts off
 *
 * Device locks of PCI functions are taken inside `adjusting` and the turn to hotplug, but never
 * inside rf_ledger_lock. The kernel holds one when it calls our PCI driver, which therefore takes
 * no lock of these but rf_state_lock.
 *
 * What a subOS owns is written under the ledger lock and the state lock, and may be read
 * under either.
 */
#ifndef RF_BASE_H
#define RF_BASE_H

#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/completion.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct rf_books;
struct task_struct;

/* For what cannot fail unless there is a bug: warns if @rc is an error. */
#define rf_expect(rc) WARN_ON_ONCE(rc)

/* lock.c */
extern struct mutex rf_ledger_lock;
extern spinlock_t rf_state_lock;

/* What a subOS owns may be read. */
#define rf_assert_readable()                                                                 \
	lockdep_assert(lockdep_is_held(&rf_ledger_lock) || lockdep_is_held(&rf_state_lock))

/* base.c */
int rf_base_init(void);
void rf_base_exit(void);

/* books.c: who owns what (ledger/ledger.h) */
extern struct rf_books rf_books;

/* work.c */
bool rf_work_queue(struct work_struct *work);
void rf_work_run(struct work_struct *work);
void rf_work_flush(void);

/* step.c: test-only faults. Set by control/debugfs.c. */
struct rf_steps {
	u32 count;			/* steps since a test set it to 0 */
	u32 fail_nth;			/* fail the Nth step from now, 0: off */
	u32 kill_nth;			/* kill the caller there, 0: off */
	u32 fail_resets;		/* so many resets of PCI functions fail */
	/* Threads first hang so many seconds, 0: off. */
	u32 stall_blocks;		/* those that take memory blocks or return them */
	u32 stall_cores;		/* those that take cores offline or bring them online */
	u32 stall_pass;			/* those that pass through the kernel's lock */
	u32 stall_reset;		/* those that reset a PCI function */
};

extern struct rf_steps rf_steps;

int rf_step(const char *what);
int rf_step_reset(void);
void rf_step_caller(struct task_struct *task);

/* files.c */
int rf_file_write(const char *path, const char *text);

/* hotplug.c: hotplug of this kernel, one at a time and with an end */
struct rf_hotplug_job {
	u64 subject;			/* what it is about: address of a memory block, or below */
	bool can_stop;			/* on a signal, without harm */
	bool interruptible;		/* who waits for it */
	int (*work)(struct rf_hotplug_job *job);
	/* In its thread, if nobody waits any more: records the result, and frees the job. */
	void (*settle)(struct rf_hotplug_job *job, int rc);
	struct completion done;
	bool left;
};

#define RF_HOTPLUG_CORE		BIT_ULL(63)	/* instead of a block: with a CPU number */
#define RF_HOTPLUG_FOREIGN	U64_MAX	/* another task hotplugs */

/* For who gives back: longer than anybody has the turn, but on the largest machines. */
#define RF_HOTPLUG_RETURN	(600 * HZ)

u64 rf_hotplug_blocked(void);
bool rf_hotplug_left(void);
int rf_hotplug_begin(unsigned long deadline);
int rf_hotplug_begin_return(unsigned long deadline);
void rf_hotplug_adopt(void);
void rf_hotplug_end(void);
int rf_hotplug_run(struct rf_hotplug_job *job, unsigned long deadline);

#endif /* RF_BASE_H */
