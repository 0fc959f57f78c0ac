/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two ends of a ring of messages (wire/message.h). Pure: no I/O, no locks, no
 * state but what is passed in. Compiles in the kernel and in user space, where it is
 * tested and fuzzed.
 *
 * The other end is another kernel, which may write anything at any time. What it
 * published is read once and checked; no call loops, and none needs its help.
 */
#ifndef RF_FICM_RING_H
#define RF_FICM_RING_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "wire/message.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One end. Private to its side; the caller serialises the calls. */
struct rf_ring {
	struct rf_ring_line *head;	/* shared: what the producer published */
	struct rf_ring_line *tail;	/* shared: what the consumer published */
	struct rf_message *slots;	/* shared */
	__u32 nr_slots;			/* a power of 2 */
	__u32 position;			/* our own: next slot to fill, or to take */
	bool astray;			/* producer: tail made no sense at the last heartbeat */
};

/* What became of a message that was to be taken. */
enum rf_ring_result {
	RF_RING_EMPTY,			/* there is none */
	RF_RING_MESSAGE,		/* copied; still in the ring */
	RF_RING_DROPPED,		/* was not valid, and is gone */
	RF_RING_NONSENSE,		/* head makes no sense: the producer has to come to us */
};

/* What became of a message that was to be put in. */
enum rf_ring_room {
	RF_RING_FULL,			/* nothing */
	RF_RING_PUT,
	RF_RING_RESTARTED,		/* put, but tail made no sense: began again there */
};

void rf_ring_attach(struct rf_ring *ring, struct rf_ring_pair *pair, enum rf_priority priority);

/* Producer. */
void rf_ring_start_producer(struct rf_ring *ring);
enum rf_ring_room rf_ring_put(struct rf_ring *ring, const struct rf_message *message);
void rf_ring_restore_head(struct rf_ring *ring);

/* Consumer. */
void rf_ring_start_consumer(struct rf_ring *ring);
void rf_ring_restore_tail(struct rf_ring *ring);
bool rf_ring_is_idle(const struct rf_ring *ring);
enum rf_ring_result rf_ring_peek(struct rf_ring *ring, __u32 from, __u32 to,
				 struct rf_message *message);
void rf_ring_advance(struct rf_ring *ring);

#ifdef __cplusplus
}
#endif

#endif /* RF_FICM_RING_H */
