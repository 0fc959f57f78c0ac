/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Changes who owns which core and which slice of low memory; stops a core with INIT and starts one
 * through the trampolines. Guarantees that the supervisor's kernel never starts a core that
 * it lent, and that a core is held from the moment it leaves one kernel until the next
 * owner starts it. Ledger lock, unless a function says otherwise.
 *
 * What hotplugs is called with the turn for that, and without the ledger lock. It may return
 * -EINPROGRESS: then a thread was left behind, which has the turn (base/hotplug.c).
 */
#ifndef RF_CORES_H
#define RF_CORES_H

#include "subos/subos.h"
#include "wire/arena.h"

/* cores.c */
int rf_cores_init(void);
void rf_cores_exit(void);
void rf_core_attach(struct rf_subos *subos, u32 cpu);
void rf_core_detach(struct rf_subos *subos, u32 cpu);
void rf_core_hand_over(struct rf_subos *from, struct rf_subos *to, u32 cpu, u32 lender);
void rf_core_end_loan(u32 cpu);
void rf_cores_forget_lender(u32 id);

/* take.c: out of our kernel and into it. Turn to hotplug, not the ledger lock */
int rf_core_take(struct rf_subos *subos, u32 cpu, unsigned long deadline);
int rf_cores_take(struct rf_subos *subos, const u32 *cpus, u32 count, unsigned long deadline,
		  u32 *culprit);
int rf_core_return(struct rf_subos *subos, u32 cpu);
int rf_cores_return(struct rf_subos *subos, u32 *returned, u32 *culprit);

/* hold.c */
enum rf_recall { RF_RECALL_NONE, RF_RECALL_SIPI, RF_RECALL_INIT };

void rf_core_call(struct rf_subos *subos, u32 cpu);
void rf_cores_await(struct rf_subos *subos, const u32 *cpus, bool *missing, u32 count);	/* see there */
void rf_cores_hold(struct rf_subos *subos);			/* state lock */
void rf_cores_freeze(bool kexec);				/* state lock */
bool rf_cores_startable(void);			/* state lock: may one still be started? */
int rf_cores_recall(struct rf_subos *subos, enum rf_recall recall);	/* state lock */

/* prove.c */
int rf_cores_prove(struct rf_subos *subos, u32 *culprit);	/* no lock; sleeps for seconds at most */

/* list.c */
int rf_cores_check(const u32 *cpus, u32 count, u32 *culprit);
int rf_cores_together(const u32 *cpus, u32 count, u32 from, u32 to, u32 *culprit);
void rf_cores_text(const u32 *cpus, u32 count, char *text, size_t size);
void rf_cores_list(struct rf_core *cores, u32 capacity, u32 *count);
void rf_cores_own(u32 id, u8 member, u8 owner[RF_APIC_IDS]);

/* lowmem.c: slices, by their physical addresses */
u64 rf_lowmem_alloc(u32 owner);
void rf_lowmem_free(u32 owner);
u64 rf_lowmem_of(u32 owner);				/* 0: none. Ledger lock or state lock */
void rf_lowmem_figures(u32 *total, u32 *free);

/* x86/mp_table.c */
void rf_mp_exit(void);

/* x86/trampoline.c */
int rf_trampoline_run(struct rf_subos *subos, const struct rf_start *args);

#endif /* RF_CORES_H */
