/* SPDX-License-Identifier: GPL-2.0 */
/* What supcon.c and the files of resize share. */
#ifndef RF_RESIZE_H
#define RF_RESIZE_H

#include "supervisor.h"

#define RF_CANCEL_MS		2000	/* how long an agent has for its last word after CANCEL */
#define RF_RESIZE_MS		10000	/* time-out of a resize, unless told otherwise */
#define RF_UNITS_MAX		16384	/* cores or memory blocks in one request */

/* A request to an agent, and what became of it. */
struct rf_ask {
	enum rf_op op;
	bool insist;			/* signals do not end the wait */
	u32 timeout_ms;
	u32 units;			/* how often there can be PROGRESS */
	s64 args[RF_CONTROL_ARGS];	/* of the request, then of DONE */
	rf_supcon_progress progress;	/* as for rf_supcon_request() */
	void *data;
	int error;			/* out: FAILED: the agent's negative errno */
	bool settled;			/* out: it has said its last word, or was never asked */
};

/* A request that nobody waits for any more got its last word. */
struct rf_late {
	enum rf_op op;
	u32 kernel_id;			/* of the kernel that was asked */
	const s64 *args;		/* of the request */
	const s64 (*progress)[RF_CONTROL_ARGS];	/* all PROGRESS there was */
	u32 count;
	u32 handled;			/* so many of it came in time */
	enum rf_answer answer;
	bool lost;			/* there is no answer: what was not told of is unknown */
};

/* supcon.c */
int rf_supcon_ask(struct rf_subos *subos, struct rf_ask *ask);
bool rf_supcon_owed(struct rf_subos *subos);
void rf_supcon_settle(struct rf_subos *subos);

/* resize.c */
void rf_resize_late(struct rf_subos *subos, const struct rf_late *late);
bool rf_resize_alive(struct rf_subos *subos);
bool rf_resize_runs(struct rf_subos *subos, u32 kernel_id);
int rf_resize_ready(struct rf_subos *subos, u32 capability);
void rf_resize_publish(void);
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
	int told[RF_CPUS_MAX];		/* RF_UNTOLD; 0: it worked; negative errno */
	bool stranded[RF_CPUS_MAX];	/* given up, but did not come home: its owner's again */
	/* Of cores that are given up: who gets them, NULL: the supervisor. */
	struct rf_subos *to;
	u32 lender;			/* id of who lends them to @to, or 0 */
};

/* resize_cores.c */
struct rf_batch *rf_batch_create(const u32 *cpus, u32 count);
int rf_batch_offer(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask);
int rf_batch_claim(struct rf_subos *subos, struct rf_batch *batch, struct rf_ask *ask);
int rf_batch_home(struct rf_subos *subos, struct rf_batch *batch, u32 *culprit);
void rf_batch_withdraw(struct rf_subos *subos, const struct rf_batch *batch);
bool rf_batch_failed(const struct rf_batch *batch);
int rf_batch_result(const struct rf_batch *batch, struct rf_resize *args, int rc);
void rf_batch_note(struct rf_subos *subos, enum rf_event_type type,
		   const struct rf_batch *batch, u64 other, u64 begun, int rc);
int rf_cores_claim_check(struct rf_subos *subos, const u32 *cpus, u32 count, u32 *culprit);
int rf_resize_cores(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus);
void rf_cores_add_late(struct rf_subos *subos, const struct rf_late *late);
void rf_cores_remove_late(struct rf_subos *subos, const struct rf_late *late);

/* resize_move.c */
int rf_resize_move(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus,
		   struct rf_subos *to);
int rf_resize_return(struct rf_subos *subos, struct rf_resize *args, const u32 *cpus);

/* resize_memory.c */
int rf_resize_memory_add(struct rf_subos *subos, struct rf_resize *args);
int rf_resize_memory_remove(struct rf_subos *subos, struct rf_resize *args);
void rf_memory_add_late(struct rf_subos *subos, const struct rf_late *late);
void rf_memory_remove_late(struct rf_subos *subos, const struct rf_late *late);

/* Functions change hands: for whom, and until when. */
struct rf_exchange {
	struct rf_subos *subos;
	struct rf_resize *args;		/* gets culprit and error */
	u64 begun;			/* ktime_get_ns() */
	u64 end;
	bool insist;			/* signals do not end the wait */
};

/* resize_pci.c */
struct rf_exchange rf_exchange_begin(struct rf_subos *subos, struct rf_resize *args,
				     u32 timeout_ms, bool insist);
int rf_functions_ask(const struct rf_exchange *exchange);
int rf_functions_home(const struct rf_exchange *exchange);
void rf_functions_offer(struct rf_subos *subos);
int rf_resize_pci_add(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs);
int rf_resize_pci_remove(struct rf_subos *subos, struct rf_resize *args, const u32 *bdfs);

/* resize_settle.c */
void rf_functions_later(struct rf_subos *subos);
void rf_functions_settle(struct rf_subos *subos);
void rf_pci_late(struct rf_subos *subos, const struct rf_late *late);

#endif /* RF_RESIZE_H */
