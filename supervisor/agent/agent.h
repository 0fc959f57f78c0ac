/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talks to the agents in subOSes: requests with time-outs and cancellation, consoles, and
 * the link that carries both. Guarantees that no wait for an agent outlasts its bound, that
 * an answer which comes after nobody waits any more reaches the room that asked, and that
 * nothing an agent writes is used unchecked. `adjusting` at most, unless a function says
 * otherwise: an agent is never waited for under the ledger lock.
 */
#ifndef RF_AGENT_H
#define RF_AGENT_H

#include "subos/subos.h"
#include "wire/control.h"

struct file;
struct rf_late;

#define RF_CANCEL_MS		2000	/* how long an agent has for its last word after CANCEL */
#define RF_UNITS_MAX		16384	/* cores or memory blocks in one request */

int rf_agent_init(void);
void rf_agent_exit(void);

/* A PROGRESS. Context: process, no lock of ours held but `adjusting`. */
typedef void (*rf_supcon_progress)(struct rf_subos *subos, const s64 *args, void *data);
/* The last word on a request that nobody waits for. Context: process, `adjusting` held. */
typedef void (*rf_supcon_late)(struct rf_subos *subos, const struct rf_late *late);

/* A request to an agent, and what became of it. */
struct rf_ask {
	enum rf_op op;
	bool insist;			/* signals do not end the wait */
	u32 timeout_ms;
	u32 units;			/* how often there can be PROGRESS */
	s64 args[RF_CONTROL_ARGS];	/* of the request, then of DONE */
	rf_supcon_progress progress;	/* or NULL */
	void *data;
	rf_supcon_late late;		/* gets the last word if nobody waits for it; or NULL */
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

/* ask.c: ask an agent, and wait for its answer */
int rf_supcon_ask(struct rf_subos *subos, struct rf_ask *ask);
int rf_supcon_request(struct rf_subos *subos, enum rf_op op, s64 args[RF_CONTROL_ARGS],
		      u32 timeout_ms, rf_supcon_progress progress, void *data);
bool rf_supcon_owed(struct rf_subos *subos);
void rf_supcon_probe(struct rf_subos *subos);


/* console.c: drains console rings into scroll-backs */
int rf_console_add(struct rf_subos *subos);	/* at create, before the arena is needed */
void rf_console_start(struct rf_subos *subos);	/* before a start: rings empty, log kept */
void rf_console_stop(struct rf_subos *subos);	/* reset: take what is left in the rings */
void rf_console_end(struct rf_subos *subos);	/* destroyed: readers see the end */
void rf_console_free(struct rf_subos *subos);	/* with the last reference */
void rf_console_poll(struct rf_subos *subos);	/* state lock: look at its rings soon */

/* console_file.c: descriptors of consoles */
int rf_console_fd(struct rf_subos *subos, u32 flags, struct file **filp);
u32 rf_console_viewers(const struct rf_subos *subos);

/* link.c. Ledger lock */
int rf_link_attach(struct rf_subos *subos);
void rf_link_detach(struct rf_subos *subos);

#endif /* RF_AGENT_H */
