/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What rf_ficm offers to other modules: the arena, messages, doorbells. The same
 * on every side; nothing here knows which member is the supervisor. Implemented in ficm/;
 * the kernel-doc stands there, with the functions.
 */
#ifndef RF_KERNEL_FICM_H
#define RF_KERNEL_FICM_H

#include <linux/types.h>

#include "wire/arena.h"
#include "wire/grant.h"
#include "wire/message.h"

/* ---- membership (ficm/member.c) ---- */

/*
 * Become a member. @grant stays the caller's and must live until rf_ficm_leave();
 * it may change meanwhile under its sequence (see rf_ficm_update()). So must @acknowledged,
 * which says all the time how much of that this kernel's doorbells follow (wire/mailbox.h). Maps all
 * segments in it, publishes this kernel's endpoint in its home segment, starts the
 * reader and writer threads and the heartbeat. One membership per kernel.
 * Context: process, may sleep. 0, -EBUSY (already), -EINVAL (bad grant), -ENOMEM, ...
 */
int rf_ficm_join(const struct rf_grant *grant, u64 *acknowledged);
/* Undo it all; handlers have ended when it returns. Context: process, may sleep. */
void rf_ficm_leave(void);
/* The grant has changed: map new segments, unmap gone ones, notice new kernel ids. Happens by
 * itself within RF_BEAT_MS; call it to have it done now. Context: process, may sleep. */
int rf_ficm_update(void);
/* Kernel address of a mapped segment, NULL if there is none. One's own home stays until
 * rf_ficm_leave(); any other one may go as soon as it left the grant: use it under
 * rcu_read_lock(), unless the caller itself writes the grant. Context: any. */
void *rf_ficm_segment(u32 segment);
static inline struct rf_endpoint *rf_ficm_endpoint(u32 member)
{
	void *home = rf_ficm_segment(member);

	return home ? home + RF_HOME_ENDPOINT_OFF : NULL;
}
u32 rf_ficm_self(void);				/* own member number, U32_MAX: no member */
bool rf_ficm_present(u32 member);		/* the grant names a kernel there */
/* The heartbeat can be stopped for tests; true by default. */
void rf_ficm_beat(bool on);
/* Beat in this word, too. It has to stay until rf_ficm_leave(). Context: any. */
void rf_ficm_beat_in(u64 *word);

/* ---- messages (ficm/messages.c) ---- */

/* Where a handler of a message type runs. */
enum rf_ficm_context {
	RF_FICM_SOFTIRQ,		/* in the poll, must not sleep */
	RF_FICM_PROCESS,		/* in the reader thread, in order, may sleep */
};

/*
 * A handler gets a private copy of the message, checked as far as the ring can
 * (wire/message.h); its payload is as untrusted as its sender.
 */
typedef void (*rf_ficm_handler)(u32 from_member, const struct rf_message *message, void *data);

/* 0, -EINVAL (type out of range), -EBUSY (taken). Context: process. */
int rf_ficm_register(u16 type, enum rf_ficm_context context, rf_ficm_handler handler, void *data);
/* No handler of this type runs any more when it returns. Context: process, may sleep. */
void rf_ficm_unregister(u16 type);

/*
 * Send to one member. Never waits: a full ring is -EAGAIN. -EINVAL (type, length,
 * self), -ENOTCONN (no such member, or not joined).
 * Context: any but NMI, also with interrupts off.
 */
int rf_ficm_send(u32 member, enum rf_priority priority, u16 type, const void *payload,
		 size_t length);
/* Send to all members in @members (bit n: member n) but oneself. Returns the members that
 * got it, so that the caller can try the rest again. Context: as above. */
u32 rf_ficm_multicast(u32 members, enum rf_priority priority, u16 type, const void *payload,
		      size_t length);
/* To all members there are. */
u32 rf_ficm_broadcast(enum rf_priority priority, u16 type, const void *payload, size_t length);
/*
 * Like rf_ficm_send(), but through the writer thread, which waits for room for up
 * to @timeout_ms. 0 when queued, -ENOBUFS if the queue is full. Context: any but NMI.
 */
int rf_ficm_post(u32 member, enum rf_priority priority, u16 type, const void *payload,
		 size_t length, unsigned int timeout_ms);

/* Counters, also in debugfs. */
struct rf_ficm_counters {
	u64 sent;
	u64 received;			/* given to a handler, or queued for it */
	u64 full;			/* sends that found no room */
	u64 dropped;			/* not valid, or no handler */
	u64 resyncs;			/* positions of a peer that made no sense */
	u64 interrupts;			/* doorbells that were rung here */
	u64 polls;
	u64 rings;			/* doorbells that we rang */
	u64 rescues;			/* messages found by the heartbeat: a ring was lost */
	u64 expired;			/* posts that were given up */
	u64 brakes;			/* doorbells that were rung too often, and were polled */
};
void rf_ficm_counters(struct rf_ficm_counters *counters);

/* ---- doorbells (ficm/doorbell.c) ---- */

struct rf_doorbell;

/*
 * Allocate an interrupt and publish how to ring it as doorbell @index of this
 * kernel's endpoint (RF_DOORBELL_ANY: the first free one from RF_DOORBELL_FREE on).
 * @handler runs in hard interrupt context; rings coalesce. @cpu is where it begins;
 * it follows affinity changes and leaves a core that goes offline.
 * Context: process, may sleep. ERR_PTR(): -ENOTCONN, -EBUSY (index taken), -ENOSPC, ...
 */
#define RF_DOORBELL_ANY		RF_DOORBELLS_MAX
struct rf_doorbell *rf_doorbell_create(u32 index, unsigned int cpu, const char *name,
				       void (*handler)(void *data), void *data);
/* Its handler does not run any more when it returns. */
void rf_doorbell_destroy(struct rf_doorbell *doorbell);
u32 rf_doorbell_index(const struct rf_doorbell *doorbell);
/*
 * Ring a doorbell of a member. 0, -ENOTCONN (no such member), -ENOENT (none
 * published, or what is published makes no sense or names a core of somebody else).
 * Context: any, also NMI.
 */
int rf_doorbell_ring(u32 member, u32 index);

#endif /* RF_KERNEL_FICM_H */
