/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of resize/ share. */
#ifndef RF_RESIZE_INTERNAL_H
#define RF_RESIZE_INTERNAL_H

#include "agent/agent.h"
#include "pci/pci.h"
#include "resize/resize.h"

#define RF_RESIZE_MS		10000	/* default time-out of a resize */
#define RF_PASS_WAIT		(10 * HZ)	/* for the turn to hotplug, while an agent may wait */

/* adjustment.c */
bool rf_late_begin(struct rf_subos *subos, const struct rf_late *late);
bool rf_resize_runs(struct rf_subos *subos, u32 kernel_id);
int rf_resize_ready(struct rf_subos *subos, u32 capability);
int rf_resize_result(struct rf_resize *args, const struct rf_ask *ask, int rc);

static inline u32 rf_resize_timeout(const struct rf_resize *args)
{
	return args->timeout_ms ?: RF_RESIZE_MS;
}

/* Cores that change hands together. */
#define RF_UNTOLD	1

struct rf_batch {
	u32 count;
	u32 cpus[RF_CPUS_MAX];		/* logical numbers */
	int told[RF_CPUS_MAX];		/* result: RF_UNTOLD: none yet; 0: success; -errno */
	bool stranded[RF_CPUS_MAX];	/* given up, but did not come home: its owner's again */
	bool given[RF_CPUS_MAX];	/* by its agent, which has it offline; not passed on yet */
	bool splits;			/* SMT siblings need not stay together */
	bool keeps;			/* what is given up is not passed on: it stays, offline */
	bool leaving[RF_CPUS_MAX];	/* held, in no list; afterwards: it has gone */
	bool unheld[RF_CPUS_MAX];	/* it cannot be held, and stays with its owner */
	/* The subOS that gets cores which are given up; NULL: the supervisor. */
	struct rf_subos *to;
	u32 lender;			/* id of the subOS that lends them to @to, or 0 */
};

/* batch.c */
struct rf_batch *rf_batch_create(const u32 *cpus, u32 count);
int rf_batch_offer(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask);
int rf_batch_claim(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask);
int rf_batch_home(struct rf_subos *subos, struct rf_batch *batch, u32 *culprit);
int rf_batch_withdraw(struct rf_subos *subos, struct rf_batch *batch);
bool rf_batch_failed(const struct rf_batch *batch);
int rf_batch_result(const struct rf_batch *batch, struct rf_resize *args, int rc);
void rf_batch_note(struct rf_subos *subos, enum rf_event_type type,
		   const struct rf_batch *batch, u64 other, u64 begun, int rc);

/* pass.c */
void rf_batch_hold(struct rf_subos *subos, struct rf_batch *batch);
int rf_batch_return(struct rf_subos *subos, struct rf_batch *batch, bool turn);
void rf_batch_pass(struct rf_subos *from, struct rf_batch *batch, u32 index);

/* siblings.c */
bool rf_batch_tied(const struct rf_batch *batch, u32 one, u32 other);
bool rf_batch_whole(const struct rf_batch *batch, u32 index);
bool rf_batch_in_use(const struct rf_batch *batch, u32 index);
void rf_batch_reunite(struct rf_subos *subos, struct rf_batch *batch);

/* cores.c */
void rf_cores_offer_stranded(struct rf_subos *subos, const struct rf_batch *batch);
int rf_cores_claim_check(struct rf_subos *subos, const u32 *cpus, u32 count, u32 *culprit);
int rf_resize_cores(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus);

/* move.c */
int rf_resize_move(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus,
		   struct rf_subos *to);
int rf_resize_return(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus);

/* memory.c */
int rf_memory_ready(struct rf_subos *subos, u64 *block_size);
int rf_memory_withdraw(struct rf_subos *subos, u64 start, u64 size);	/* ledger lock */
void rf_memory_note(struct rf_subos *subos, enum rf_event_type type,
		    const struct rf_resize *args, u64 begun, int rc);

/* growth.c */
int rf_resize_memory_add(struct rf_subos *subos, struct rf_resize *args);
void rf_memory_offer(struct rf_subos *subos, u64 start, u64 size);

/* shrinkage.c */
int rf_resize_memory_remove(struct rf_subos *subos, struct rf_resize *args);

/* Functions change hands: with which subOS, and until when. */
struct rf_exchange {
	struct rf_subos *subos;
	struct rf_resize *args;		/* gets culprit and error */
	u64 begun;			/* ktime_get_ns() */
	u64 end;
	bool insist;			/* signals do not end the wait */
	rf_supcon_late late;		/* for late answers */
};

/* exchange.c */
struct rf_exchange rf_exchange_begin(struct rf_subos *subos, struct rf_resize *args,
				     u32 timeout_ms, bool insist, rf_supcon_late late);
struct rf_lent *rf_function_find(struct rf_subos *subos, u32 bdf);
struct rf_lent *rf_function_next(struct rf_subos *subos, struct rf_lent *lent,
				 bool (*wanted)(const struct rf_function_entry *entry));
int rf_function_ask(const struct rf_exchange *exchange, struct rf_ask *ask, enum rf_op op,
		    const struct rf_lent *lent);
bool rf_function_grouped(const struct rf_lent *lent, u32 group);
int rf_functions_ask(const struct rf_exchange *exchange);
int rf_functions_return(struct rf_subos *subos, bool alive);
int rf_functions_home(const struct rf_exchange *exchange);
void rf_functions_offer(const struct rf_exchange *exchange);

/* functions.c */
int rf_resize_pci_add(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs);
int rf_resize_pci_remove(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs);

/* settle.c */
int rf_settle_init(void);
void rf_settle_exit(void);
void rf_functions_later(struct rf_subos *subos);
void rf_functions_settle(struct rf_subos *subos);
void rf_pci_late(struct rf_subos *subos, const struct rf_late *late);

#endif /* RF_RESIZE_INTERNAL_H */
