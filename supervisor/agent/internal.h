/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of agent/ share. */
#ifndef RF_AGENT_INTERNAL_H
#define RF_AGENT_INTERNAL_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "agent/agent.h"
#include "kernel/byte_ring.h"
#include "kernel/ficm.h"
#include "wire/console.h"
#include "wire/control_check.h"

struct rf_request {
	struct kref kref;		/* held by: the list, who waits, the late work */
	struct rf_subos *subos;		/* with a reference */
	u32 id;
	u32 member;
	u32 kernel_id;
	enum rf_op op;
	s64 args[RF_CONTROL_ARGS];
	struct work_struct late;
	rf_supcon_late on_late;		/* or NULL */
	wait_queue_head_t wait;

	/* rf_requests_lock. */
	struct list_head node;		/* in rf_subos.requests */
	bool ended;			/* no answer will come: the subOS has ended, or @lost */
	bool abandoned;			/* the caller has stopped waiting */
	bool lost;			/* the final answer was sent, but did not arrive */
	bool acted;			/* there is nothing more to do about it; whoever waits is woken */
	bool nonsense;			/* an answer made no sense: to be cancelled */
	bool cancelled;			/* from here on nonsense is only ignored */
	struct rf_control_asked asked;	/* what can still be answered */
	u32 count;			/* of progress[] */
	u32 handled;			/* of progress[], by the waiting task */
	enum rf_answer answer;		/* the final answer */
	s64 last[RF_CONTROL_ARGS];
	s64 progress[][RF_CONTROL_ARGS];	/* room for as many as may come */
};

/* request.c. The lock is inside the state lock. */
extern spinlock_t rf_requests_lock;
struct rf_request *rf_request_create(struct rf_subos *subos, const struct rf_ask *ask);
void rf_request_put(struct rf_request *request);
int rf_request_post(struct rf_request *request, u16 type, u32 timeout_ms);
int rf_request_begin(struct rf_request *request, u32 timeout_ms);
void rf_request_delist(struct rf_request *request);
void rf_requests_catch_up(u32 id);
void rf_request_hand_over(struct rf_request *request);	/* requests lock */
struct rf_request *rf_request_open(struct rf_subos *subos);	/* requests lock */
bool rf_op_resizes(enum rf_op op);

struct rf_console_log {
	struct rf_subos *subos;
	struct work_struct work;
	wait_queue_head_t wait;		/* for output, or room for input */
	atomic_t viewers;		/* descriptors */

	struct mutex lock;		/* of the rest; process context */
	struct rf_console *ring;	/* also state lock to change; NULL: nothing to drain */
	bool started;			/* a kernel was started before */
	bool ended;			/* the subOS is destroyed */
	bool gone;			/* and all of it was given back: no descriptor is opened any more */
	bool writer;			/* somebody may type */
	bool input_full;		/* the writer waits for room */
	struct rf_byte_ring out, in;	/* our ends of @ring; valid while @ring is set */
	u32 dropped_seen;		/* out_dropped when last read */
	u64 dropped;			/* bytes that the subOS's kernels dropped, in total */
	u64 dropped_told;		/* value of @dropped in the last event */
	u64 dropped_at;			/* ktime_get_ns() of that event */
	u64 head;			/* bytes that were ever put into the log */
	u8 *bytes;			/* RF_SCROLLBACK, by position, masked; NULL: nobody reads them any more */
};

/* answers.c: messages from agents */
int rf_supcon_open(void);			/* after the first rf_ficm_join() */
void rf_supcon_close(void);			/* before rf_ficm_leave() */

/* console.c */
int rf_console_open(void);			/* after the first rf_ficm_join() */
void rf_console_close(void);			/* before rf_ficm_leave(); idempotent */

/* console.c. With the log's lock held, unless a function says otherwise */
u64 rf_log_oldest(const struct rf_console_log *log);
void rf_log_drop(struct rf_console_log *log);

#endif /* RF_AGENT_INTERNAL_H */
