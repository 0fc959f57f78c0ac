/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subOS object: its fields, lookup, its life, and the event log. Guarantees that a subOS
 * that was looked up is not freed before the caller drops the reference, and that events,
 * poll() and notifiers report every change of a state. Calls no rooms but base/ and ledger/;
 * rooms above register for the changes that they need to act on.
 */
#ifndef RF_SUBOS_ROOM_H
#define RF_SUBOS_ROOM_H

#include <linux/kobject.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/rwsem.h>
#include <linux/wait.h>

#include "base/base.h"
#include "ledger/ledger.h"
#include "uapi/rainforest.h"
#include "wire/grant.h"
#include "wire/mailbox.h"

struct notifier_block;
struct rf_console_log;
struct rf_dma;

/* Who decides what becomes of a subOS when it ends. */
enum rf_answerable {
	RF_END_BY_POLICY,		/* its policies */
	RF_END_BY_OPERATOR,		/* the operator, who asked for the end or starts it again */
};

struct rf_subos {
	struct kobject kobj;		/* reference count, sysfs directory */
	u32 id;
	char name[RF_NAME_MAX];

	/* What it owns: ledger lock and state lock to change. Empty again once given back. */
	struct rf_dma *dma;		/* pci/dma.c: its domain; NULL: no IOMMU, or no function */
	u64 dma_faults;			/* state lock; since it was created */

	u32 member;			/* its number in the arena, 0: none */
	u32 kernel_id;			/* of the kernel that runs in it; new at every start */

	struct mutex adjusting;

	/* rf_requests_lock (agent/request.c). */
	struct list_head requests;	/* waiting for an answer */

	/* control/members.c */
	struct mutex members_lock;	/* of both */
	u64 members_again;		/* ktime_get_ns() from which its agent may be asked anew */
	int members_answer;		/* 0 or a negative errno */

	struct rf_console_log *console;	/* agent/console.c; lives as long as the subOS */
	char *definition;		/* ledger lock: RF_IOC_DEFINE, kvmalloc()ed, or NULL */
	u32 definition_length;

	struct rw_semaphore memory_sem;
	void *boot_area;		/* RF_BOOT_AREA_SIZE bytes, mapped write-back */

	/* State lock. */
	struct list_head node;		/* in rf_subos_list */
	struct rf_life life;
	enum rf_answerable answerable;
	u64 dying_until;		/* DYING: ktime_get_ns() at which its cores are held */
	enum rf_stage stage;
	u32 cpus_online;
	u32 not_held;			/* a core that did not react to INIT, 0: none */
	u64 vmcoreinfo;
	u64 vmcoreinfo_size;
	char reason[RF_REASON_MAX];
	u64 moments[RF_MOMENT_NR];	/* ktime_get_ns() */
	u32 capabilities;		/* enum rf_capability, as its agent reported in HELLO */
	u64 block_size;			/* of its kernel's memory hotplug, bytes; 0: unknown */
	u64 beat;			/* last value seen */
	u64 beat_at;			/* ktime_get_ns() when it changed, 0: never */
	struct rf_policies policies;
	u32 starts;
	u32 crashes;
	bool entering;			/* START has its boot core on the way into a kernel */
	bool established;		/* it was started or published: it outlives its builder */
	u32 load_ticket;		/* of the newest image on its way in; ledger lock */
	u32 restarts_left;
	bool destroy_again;		/* not all came back, but may later; `adjusting` */
	u32 destroy_failures;		/* in a row, of those by itself; `adjusting` */
	unsigned long destroy_at;	/* jiffies: not tried again before; `adjusting` */
	bool closes;			/* it was the last member, the link is to be closed; `adjusting` */
	struct work_struct destroying;	/* lifecycle/destroy.c: then it is tried again */
	struct work_struct ending;	/* lifecycle/policy.c: what is done after its end */
	u32 generation;			/* counts changes, for poll() */
	u64 settle_at;			/* ktime_get_ns() at which functions that are to leave it
					 * are checked again, 0: none are; no lock needed */
	wait_queue_head_t wait;
};

extern struct list_head rf_subos_list;

/* subos.c */
struct rf_subos *rf_subos_find(const char *name);
struct rf_subos *rf_subos_of_id(u32 id);
void rf_subos_changed(struct rf_subos *subos);
void rf_subos_moment(struct rf_subos *subos, enum rf_moment moment);

/* state.c */
void rf_subos_enter(struct rf_subos *subos, enum rf_phase phase, enum rf_cause cause);
enum rf_phase rf_subos_phase(const struct rf_subos *subos);	/* any context */
enum rf_state rf_subos_state(const struct rf_subos *subos);	/* state lock */
int rf_state_notify(struct notifier_block *block);
void rf_state_ignore(struct notifier_block *block);

/* events.c */
void rf_event(struct rf_subos *subos, enum rf_event_type type, int result, enum rf_cause cause,
	      u64 duration_ns, const u64 args[4], const char *detail);
int rf_events_read(struct rf_events *args, bool hide);
void rf_hide_addresses(char *text);
u64 rf_events_last(void);
extern wait_queue_head_t rf_events_wait;

#endif /* RF_SUBOS_ROOM_H */
