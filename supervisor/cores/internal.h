/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of cores/ share. */
#ifndef RF_CORES_INTERNAL_H
#define RF_CORES_INTERNAL_H

#include "cores/cores.h"

/* cores.c. Ledger lock */
int rf_core_add(u32 cpu);
void rf_cores_look(void);
void rf_core_parts(u32 cpu);
void rf_core_comes(u32 cpu);
int rf_core_move(u32 cpu, u32 from, u32 to, enum rf_core_state state);

/* hold.c */
int rf_core_await(struct rf_subos *subos, u32 cpu);

/* take.c */
void rf_core_stays_offline(u32 cpu);	/* says so. Any context */

/* plug.c. Turn to hotplug, not the ledger lock */
int rf_core_unplug(struct rf_subos *subos, u32 cpu, unsigned long deadline);
int rf_core_replug(struct rf_subos *subos, u32 cpu, unsigned long deadline);

/* lowmem.c */
int rf_lowmem_init(void);
void rf_lowmem_exit(void);

/* x86/wakeup.c */
void rf_core_init_ipi(u32 apic_id);
void rf_core_sipi(u32 apic_id, u64 entry);
void rf_core_nmi(u32 apic_id);
void rf_core_init_delay(void);

/* x86/siblings.c */
u32 rf_smt_shift(void);

/* x86/mp_table.c */
void rf_mp_init(void);

/* x86/park.c */
int rf_park_init(void);
void rf_park_exit(void);
int rf_park_save(u32 cpu, u32 apic_id);
void rf_park_call(u32 apic_id);
void rf_park_begin(u32 apic_id);
void rf_park_sipi(u32 apic_id);
void rf_park_leave(u32 apic_id);
bool rf_park_held(u32 apic_id);
void rf_park_ask(u32 apic_id);
bool rf_park_answers(u32 apic_id);
void rf_park_close(void);

/* x86/trampoline.c */
int rf_trampoline_init(void);

/* hold.c */
#define RF_PARK_TIMEOUT_MS	1000	/* 45 ms were seen on a loaded host, under emulation */

struct rf_park_wait {
	unsigned long end, next;	/* jiffies */
	enum rf_recall recall;		/* for those that have not come */
	u32 recalls;
	bool last;			/* the last look */
};

void rf_core_not_held(struct rf_subos *subos, u32 cpu);	/* no lock */
void rf_park_send(u32 apic_id);				/* state lock */
struct rf_park_wait rf_park_wait_begin(u32 timeout_ms);	/* no lock */
bool rf_park_wait_on(struct rf_park_wait *wait);	/* sleeps */
void rf_cores_leave(struct rf_subos *subos);		/* state lock, as below */
bool rf_cores_callable(const struct rf_subos *subos);
bool rf_cores_parkable(void);		/* may one still be sent to the park? */

#endif /* RF_CORES_INTERNAL_H */
