/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI functions that are not at home: from the moment their driver is released until it is
 * bound again. The caller embeds struct rf_function_entry in its own record of a function.
 *
 *   HOME -> TAKING -> GRANTED <-> LEAVING -> GIVEN_UP -> QUIET -> HOME
 *                      |   ^         |       ^  |          |       ^
 *                      |   |         v       |  v          v       |
 *                      +---|------> CUT -----+ KEPT     PARKED ----+
 *                          |                    |
 *                          +--------------------+  (it may be used again)
 *
 * Any function of a subOS can become QUIET once nothing runs in the subOS. A function that one
 * kernel gave up is granted to the next one, which does not know that it was given up.
 *
 * Facts kept apart from the state, because they change under the state lock alone, or while the
 * state stays the same: `taken` and `unplugged` below. Not in the ledger at all: whether a
 * function is attached to the DMA domain of its owner, and since when it has been leaving.
 */
#ifndef RF_LEDGER_FUNCTIONS_H
#define RF_LEDGER_FUNCTIONS_H

#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

enum rf_function_state {
	RF_PCI_HOME,			/* not in the table */
	RF_PCI_TAKING,			/* bound to our driver, not granted yet */
	RF_PCI_GRANTED,			/* in the grant of its owner, who may use it */
	RF_PCI_LEAVING,			/* as GRANTED, but its kernel is asked to give it up */
	RF_PCI_CUT,			/* as LEAVING, by force or unplugged: silenced, though its
					 * kernel has not confirmed; RF_FUNCTION_TAKEN is set */
	RF_PCI_GIVEN_UP,		/* not used by its kernel: out of the grant, to go home */
	RF_PCI_KEPT,			/* not used by its kernel: out of the grant, but stays */
	RF_PCI_QUIET,			/* quiet for good: memory of its owner may change hands */
	RF_PCI_PARKED,			/* detached from its owner: waits for a reset of its bus */
	RF_PCI_STATES
};

struct rf_function_entry {
	struct rf_function_entry *next, *prev;	/* in the table, in the order of taking */
	enum rf_function_state state;
	__u32 bdf;			/* RF_BDF() */
	__u32 owner;			/* subOS; if PARKED, the last one */
	__u32 kernel_id;		/* GIVEN_UP, KEPT: of the kernel that confirmed; else 0 */
	bool taken;			/* fact: cut off from its kernel; never offered again */
	bool unplugged;			/* fact: no device left to bind; implies @taken */
};

struct rf_function_table {
	struct rf_function_entry *first, *last;
	__u32 count;
};

void rf_ledger_function_init(struct rf_function_table *table);
int rf_ledger_function_add(struct rf_function_table *table, struct rf_function_entry *entry,
			   __u32 bdf, __u32 owner);
int rf_ledger_function_move(struct rf_function_table *table, struct rf_function_entry *entry,
			    enum rf_function_state state);
bool rf_function_transition(enum rf_function_state from, enum rf_function_state to);

/* What happens to a function of a subOS. Idempotent, except for _offer(). */
int rf_ledger_function_leave(struct rf_function_table *table, struct rf_function_entry *entry);
int rf_ledger_function_cut(struct rf_function_table *table, struct rf_function_entry *entry);
int rf_ledger_function_confirm(struct rf_function_table *table, struct rf_function_entry *entry,
			       __u32 kernel_id);
int rf_ledger_function_keep(struct rf_function_table *table, struct rf_function_entry *entry);
int rf_ledger_function_offer(struct rf_function_table *table, struct rf_function_entry *entry);
void rf_ledger_function_restart(struct rf_function_table *table, __u32 owner);

/* A fact; the state lock is enough. */
void rf_ledger_function_mark_unplugged(struct rf_function_entry *entry);

/* Queries. */
struct rf_function_entry *rf_ledger_function_find(const struct rf_function_table *table,
						  __u32 bdf);
struct rf_function_entry *rf_ledger_function_next(const struct rf_function_table *table,
						  const struct rf_function_entry *entry,
						  __u32 owner);
__u32 rf_ledger_function_count(const struct rf_function_table *table, __u32 owner);
bool rf_ledger_function_listed(const struct rf_function_entry *entry);
bool rf_ledger_function_granted(const struct rf_function_entry *entry);
bool rf_ledger_function_leaving(const struct rf_function_entry *entry);
bool rf_ledger_function_goes(const struct rf_function_entry *entry, bool alive);

/* For check.c. */
const char *rf_ledger_function_check(const struct rf_function_table *table);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_FUNCTIONS_H */
