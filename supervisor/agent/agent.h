/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Talks to the agents in subOSes: requests with time-outs and cancellation, consoles, and
 * the link that carries both. Guarantees that no wait for an agent exceeds its bound, that
 * an answer that arrives after the caller has given up reaches the room that asked, and that
 * nothing an agent writes is used unchecked. Callers hold no lock but `adjusting`, unless a
 * function says otherwise: an agent is never waited for under the ledger lock.
 */
#ifndef RF_AGENT_H
#define RF_AGENT_H

#include "subos/subos.h"
#include "wire/control.h"

struct file;
struct rf_late;

#define RF_CANCEL_MS		2000	/* for an agent's final answer after CANCEL */
#define RF_UNITS_MAX		16384	/* cores or memory blocks in one request */

int rf_agent_init(void);
void rf_agent_exit(void);

/* Handles a PROGRESS answer. Context: process, no lock of ours held but `adjusting`. */
typedef void (*rf_supcon_progress)(struct rf_subos *subos, const s64 *args, void *data);
/* Handles the final answer to an abandoned request. Context: process, `adjusting` held. */
typedef void (*rf_supcon_late)(struct rf_subos *subos, const struct rf_late *late);

/* A request to an agent, and its outcome. */
struct rf_ask {
	enum rf_op op;
	bool insist;			/* signals do not end the wait */
	u32 timeout_ms;
	u32 units;			/* maximum number of PROGRESS answers */
	s64 args[RF_CONTROL_ARGS];	/* of the request, then of DONE */
	rf_supcon_progress progress;	/* or NULL */
	void *data;
	rf_supcon_late late;		/* gets the final answer if the caller gave up; or NULL */
	int error;			/* out: FAILED: the agent's negative errno */
	bool settled;			/* out: the final answer is in, or nothing was sent */
};

/* The outcome of an abandoned request: its caller has given up waiting. */
struct rf_late {
	enum rf_op op;
	u32 kernel_id;			/* of the kernel that was asked */
	const s64 *args;		/* of the request */
	const s64 (*progress)[RF_CONTROL_ARGS];	/* all PROGRESS answers */
	u32 count;
	u32 handled;			/* how many of them came in time */
	enum rf_answer answer;
	bool lost;			/* no final answer: what was not reported is unknown */
};

/* ask.c: ask an agent, and wait for its answer */
int rf_supcon_ask(struct rf_subos *subos, struct rf_ask *ask);
int rf_supcon_request(struct rf_subos *subos, enum rf_op op, s64 args[RF_CONTROL_ARGS],
		      u32 timeout_ms, rf_supcon_progress progress, void *data);
bool rf_supcon_owed(struct rf_subos *subos);
bool rf_supcon_resizes(struct rf_subos *subos);
void rf_supcon_probe(struct rf_subos *subos);

/* console.c: drains console rings into scrollback buffers */
int rf_console_add(struct rf_subos *subos);	/* at create, before the arena is needed */
void rf_console_start(struct rf_subos *subos);	/* before a start: rings empty, log kept */
void rf_console_stop(struct rf_subos *subos);	/* reset: take what is left in the rings */
void rf_console_end(struct rf_subos *subos);	/* destroyed: readers see the end */
void rf_console_drop(struct rf_subos *subos);	/* gone: nobody opens it any more */
void rf_console_free(struct rf_subos *subos);	/* with the last reference */
void rf_console_poll(struct rf_subos *subos);	/* state lock: drain its ring soon */

/* console_file.c: descriptors of consoles */
int rf_console_fd(struct rf_subos *subos, u32 flags, struct file **filp);
u32 rf_console_viewers(const struct rf_subos *subos);

/* link.c. Ledger lock */
int rf_link_attach(struct rf_subos *subos);
void rf_link_detach(struct rf_subos *subos);
bool rf_link_is_idle(void);
void rf_link_close(void);

#endif /* RF_AGENT_H */
