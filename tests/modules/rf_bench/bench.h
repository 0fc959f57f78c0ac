/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf_bench: what FICM does, beside what one kernel does alone. Loaded into every
 * kernel that takes part, once it is a member of the arena. Where it measures,
 * debugfs has
 *
 *   rf_bench/run     write "NAME COUNT TARGET [SIZE]": measure; the writer is bound
 *                    to the core that measures, and waits until it is done
 *   rf_bench/result  what came of it: a name and a number in each line
 *
 * The others answer. Besides messages and doorbells the kernels share a page and
 * two ring pairs at the end of each home segment, which nothing else uses. No
 * kernel that takes part may leave while something is measured.
 */
#ifndef RF_BENCH_H
#define RF_BENCH_H

#include <linux/cache.h>
#include <linux/types.h>

#include "kernel/ficm.h"

#define BENCH_RINGS_OFF		0x180000	/* struct rf_ring_pair[2] in a home segment */
#define BENCH_PAGE_OFF		0x1c0000	/* struct bench_page in a home segment */
#define BENCH_COUNT_MAX		1000000
#define BENCH_PATIENCE		(2 * NSEC_PER_SEC)	/* for a peer's next move */

/* Message types; an echo has the type after that of its question. */
enum bench_type {
	BENCH_ASK = RF_MSG_USER + 0x80,
	BENCH_ECHO,
	BENCH_ECHOED,
	BENCH_PROCESS_ECHO,
	BENCH_PROCESS_ECHOED,
	BENCH_FLOOD,
};

enum bench_question_kind {
	BENCH_ASK_COUNTERS,		/* publish the counters */
	BENCH_ASK_COUNT,		/* from now on only count doorbells */
	BENCH_ASK_RING_BACK,		/* from now on ring back for each */
	BENCH_ASK_POLL,			/* echo @count messages in the polled rings */
};

struct bench_question {
	u32 id;
	u32 kind;
	u32 count;
};

/* Written by the kernel whose home segment it is in. */
struct bench_page {
	u32 answered;			/* id of the last question, once it is answered */
	u32 doorbell;			/* index + 1; 0: not ready */
	struct rf_ficm_counters counters;
	u64 rung ____cacheline_aligned;		/* doorbell interrupts */
	u64 received ____cacheline_aligned;	/* messages of floods */
};

/* What is measured, and what came of it. */
struct bench_run {
	u32 count;
	u64 target;			/* a core, a member, several members, or an address */
	u64 size;			/* bytes */
	u64 ns[2];			/* there, and back if that is measured apart */
	u64 base;			/* of the counter that is awaited */
};

/* peer.c: what every kernel that takes part does */
extern struct bench_page *bench_page;	/* our own */
extern u64 bench_rung;			/* doorbell interrupts */
extern u64 bench_echoed;		/* number of the last echo */
extern struct completion bench_process_echoed;
struct bench_page *bench_page_of(u32 member);
int bench_await(const u64 *counter, u64 value);
int bench_ask(u32 member, u32 kind, u32 count);
int bench_peer_init(void);
void bench_peer_exit(void);

/* polled.c: rings without doorbells */
void bench_polled_serve(u32 from, u32 count);
int bench_poll(struct bench_run *run);
int bench_threads(struct bench_run *run);
int bench_polled_init(void);
void bench_polled_exit(void);

/* ficm.c: doorbells and messages */
int bench_doorbell(struct bench_run *run);
int bench_doorbell_back(struct bench_run *run);
int bench_message(struct bench_run *run);
int bench_process(struct bench_run *run);
int bench_flood(struct bench_run *run);

/* plain.c: what one kernel does alone */
int bench_call(struct bench_run *run);
int bench_core(struct bench_run *run);
int bench_memory(struct bench_run *run);
int bench_clear(struct bench_run *run);

/* main.c */
int bench_repeat(struct bench_run *run, int (*once)(struct bench_run *run, u64 number));

#endif /* RF_BENCH_H */
