/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Cores, by logical CPU number. Each has exactly one owner at every moment, also in transit:
 *
 *   HOME ----> COMING ----> LENT <---> LEAVING <---> RETURNING ----> HOME
 *     ^           |                         (back:        ^
 *     +-----------+        (LENT: also to    it did not   |
 *   (still online)|         another owner)   come online) |
 *                 +---------------------------------------+  (not lent after all)
 *
 * The list of a subOS's cores is derived: those that are LENT to it, in the order in
 * which they were attached. The first one is its boot core.
 */
#ifndef RF_LEDGER_CORES_H
#define RF_LEDGER_CORES_H

#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RF_APIC_NONE	0xffffffffu

enum rf_core_state {
	RF_CORE_HOME,			/* the supervisor's; also for cores that do not exist */
	RF_CORE_COMING,			/* a subOS's, in nobody's list: taken offline, or held */
	RF_CORE_LENT,			/* a subOS's, in its list: may be started and rung by it */
	RF_CORE_LEAVING,		/* held, still its owner's, but no longer in its list */
	RF_CORE_RETURNING,		/* as LEAVING, but the supervisor may start it */
	RF_CORE_STATES
};

struct rf_core_entry {
	enum rf_core_state state;
	__u32 owner;			/* HOME: the supervisor; else a subOS */
	__u32 lender;			/* subOS that its owner borrowed it from, 0: no loan */
	__u32 apic_id;			/* physical, RF_APIC_NONE: there is no such core */
	__u64 rank;			/* LENT: grows with each attachment; else 0 */
};

struct rf_core_table {
	struct rf_core_entry *entries;	/* by CPU number; the caller's memory */
	__u32 count;
	__u32 smt_shift;		/* SMT siblings: APIC ids that are equal above so many bits */
	__u64 last_rank;
};

void rf_ledger_core_init(struct rf_core_table *table, struct rf_core_entry *entries,
			 __u32 count);
int rf_ledger_core_add(struct rf_core_table *table, __u32 cpu, __u32 apic_id);
void rf_ledger_core_forget(struct rf_core_table *table, __u32 cpu);
int rf_ledger_core_move(struct rf_core_table *table, __u32 cpu, __u32 from, __u32 to,
			enum rf_core_state state);
bool rf_core_transition(enum rf_core_state from, enum rf_core_state to);

/* These need no lock: each takes a snapshot of one core. */
bool rf_ledger_core_may_start(const struct rf_core_table *table, __u32 cpu);
__u32 rf_ledger_core_owner(const struct rf_core_table *table, __u32 cpu);
__u32 rf_ledger_core_lender(const struct rf_core_table *table, __u32 cpu);
__u32 rf_ledger_core_apic_id(const struct rf_core_table *table, __u32 cpu);

/* Lists. */
bool rf_ledger_core_listed(const struct rf_core_table *table, __u32 cpu, __u32 owner);
__u32 rf_ledger_core_count(const struct rf_core_table *table, __u32 owner);
__u32 rf_ledger_core_list(const struct rf_core_table *table, __u32 owner, __u32 *cpus,
			  __u32 room);
int rf_ledger_core_next(const struct rf_core_table *table, __u32 owner, __u64 *rank);
int rf_ledger_core_boot(const struct rf_core_table *table, __u32 owner);
int rf_ledger_core_find(const struct rf_core_table *table, __u32 apic_id);
bool rf_ledger_core_siblings(const struct rf_core_table *table, __u32 cpu, __u32 other);
int rf_ledger_core_lent_sibling(const struct rf_core_table *table, __u32 apic_id);
int rf_ledger_core_split(const struct rf_core_table *table, const __u32 *cpus, __u32 count,
			 __u32 from, __u32 to);
int rf_ledger_core_set_boot(struct rf_core_table *table, __u32 cpu, __u32 owner);

/* Loans. */
int rf_ledger_core_lend(struct rf_core_table *table, __u32 cpu, __u32 lender);
void rf_ledger_core_forget_lender(struct rf_core_table *table, __u32 lender);

/* For check.c and copy.c. */
const char *rf_ledger_core_check(const struct rf_core_table *table);
int rf_ledger_core_adopt(struct rf_core_table *table, __u32 cpu, __u32 owner);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_CORES_H */
