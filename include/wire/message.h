/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Messages of 64 bytes (one cache line) and the rings that carry them: one ring
 * for each ordered pair of kernels and each priority, single producer, single
 * consumer. A ring lies in the receiver's segment of the arena.
 *
 * Positions count up for ever and wrap at 2^32; the slot of position p is
 * p & (slots - 1). The ring holds head - tail messages. Both sides keep their own
 * position in private memory and only publish it here; what the other side
 * published is read once and then checked:
 *
 *   producer  full if head - tail == slots; if it is more, the consumer's word makes no
 *             sense: begins again at tail and counts it; fills the slot, then publishes
 *             head (release)
 *   consumer  if head - tail > slots, the producer's word makes no sense: takes nothing,
 *             publishes tail again and counts it; copies the slot once; drops and counts it
 *             if its sequence, sender, receiver, type or length is not what it has to be
 *
 * The consumer's position never goes back, nor where somebody says: whatever is written over
 * a position by whomever, each message arrives at most once and in order, and the two
 * ends meet again where the consumer is.
 *
 * Besides, each side looks now and then whether its word still stands there, and
 * publishes it again if not: both come together whatever a third one overwrote.
 *
 * Changelog
 *   1.0  first; later: a consumer does not follow a head that makes no sense
 */
#ifndef RF_WIRE_MESSAGE_H
#define RF_WIRE_MESSAGE_H

#include <linux/types.h>

#define RF_PAYLOAD_MAX		48

/* Types. Below 0x100: this project's; the rest is free for modules and tests. */
enum rf_message_type {
	RF_MSG_NONE		= 0,	/* never sent */
	RF_MSG_REQUEST		= 1,	/* wire/control.h */
	RF_MSG_ANSWER		= 2,	/* wire/control.h */
	RF_MSG_CANCEL		= 3,	/* wire/control.h */
	RF_MSG_USER		= 0x100,
	RF_MSG_TYPES		= 0x200,	/* first that does not exist */
};

struct rf_message {
	__u32	sequence;		/* position in its ring */
	__u16	type;			/* enum rf_message_type */
	__u8	length;			/* payload bytes, 0 .. RF_PAYLOAD_MAX */
	__u8	flags;			/* 0 */
	__u32	from;			/* kernel id of the sender */
	__u32	to;			/* kernel id of the receiver */
	__u8	payload[RF_PAYLOAD_MAX];
};

/* Priorities: a receiver empties the urgent rings first. */
enum rf_priority {
	RF_URGENT		= 0,
	RF_NORMAL		= 1,
	RF_PRIORITIES		= 2,
};

#define RF_URGENT_SLOTS		64	/* a power of 2 */
#define RF_NORMAL_SLOTS		128	/* a power of 2 */

/* One line for each writer. */
struct rf_ring_line {
	__u32	position;
	__u32	pad[15];
};

/* From one kernel to another. */
struct rf_ring_pair {
	struct rf_ring_line head[RF_PRIORITIES];	/* written by the producer */
	struct rf_ring_line tail[RF_PRIORITIES];	/* written by the consumer */
	struct rf_message urgent[RF_URGENT_SLOTS];	/* written by the producer */
	struct rf_message normal[RF_NORMAL_SLOTS];	/* written by the producer */
};

#endif /* RF_WIRE_MESSAGE_H */
