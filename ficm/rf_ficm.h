/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf_ficm: what its files share.
 *
 *   member.c     membership: join, leave, the grant
 *   acknowledge.c  grants that all rings of this kernel follow
 *   arena.c      the segments, mapped
 *   heartbeat.c  the beat, and the watch over what got lost
 *   ring.c       one ring; pure
 *   messages.c   all rings of this kernel: send, receive
 *   handlers.c   handlers of messages; the reader thread
 *   posts.c      messages that wait for room; the writer thread
 *   doorbell.c   interrupts from other kernels, and to them
 *   brake.c      too many of them
 *   device.c     /dev/rainforest-ficm
 *   debug.c      debugfs
 *
 * Locks, outermost first:
 *   rf_member_lock       join, leave, update: one at a time. May sleep.
 *   files, one file      device.c. May sleep.
 *   rf_doorbell_lock     doorbells that exist. May sleep.
 *   rf_posts_lock        queue of the writer; interrupts off
 *   rf_producer.lock     one ring to somebody; interrupts off
 * RCU guards the addresses of segments, the grant and the handlers.
 */
#ifndef RF_FICM_H
#define RF_FICM_H

#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/types.h>

#include "kernel/ficm.h"

struct seq_file;

/* member.c */
extern struct mutex rf_member_lock;
u32 rf_kernel_id(u32 member);		/* RF_KERNEL_NONE: nobody there */
bool rf_grant_owns(u32 member, u32 apic_id);
bool rf_grant_is_stale(void);
void rf_grant_refresh(void);		/* any context: update soon */
void rf_endpoint_publish(struct rf_endpoint *endpoint);
void rf_member_exit(void);

/* acknowledge.c */
void rf_acknowledge_start(const struct rf_grant *grant, u64 *word);	/* member lock */
void rf_acknowledge_stop(void);						/* member lock */
void rf_acknowledge_look(void);		/* interrupts, member lock: what has changed, soon */

/* arena.c; member lock */
int rf_arena_apply(const struct rf_arena_segment *wanted);
void rf_arena_unmap(void);

/* heartbeat.c */
#define RF_TICK_MS	(RF_BEAT_MS / 2 - 5)	/* well below RF_BEAT_MS, for a tick may be late */
extern bool rf_beating;
void rf_heartbeat_start(struct rf_endpoint *endpoint);
void rf_heartbeat_stop(void);
unsigned int rf_communication_core(void);

/* messages.c */
DECLARE_PER_CPU(struct rf_ficm_counters, rf_counters);
#define rf_count(what)	this_cpu_inc(rf_counters.what)

int rf_messages_init(void);
void rf_messages_exit(void);
void rf_messages_start(void *home, u32 self, u32 kernel_id);
void rf_messages_stop(void);
void rf_messages_interrupt(void *unused);
void rf_messages_kick(void);		/* process context, softirq: poll soon */
void rf_messages_check(bool late);	/* hard interrupt: has a ring been lost? */
void rf_messages_restore(void);		/* hard interrupt: is what we published still there? */
void rf_messages_show(struct seq_file *out);
int rf_message_put(u32 member, enum rf_priority priority, u16 type, const void *payload,
		   size_t length);

/* handlers.c */
int rf_reader_start(void);
void rf_reader_stop(void);
bool rf_handlers_deliver(u32 member, const struct rf_message *message);

/* posts.c */
int rf_writer_start(void);
void rf_writer_stop(void);

/* doorbell.c */
int rf_doorbells_init(void);
void rf_doorbells_exit(void);
void rf_doorbells_open(bool open);	/* may doorbells be created? */
void rf_doorbells_restore(struct rf_endpoint *endpoint);	/* as rf_messages_restore() */
void rf_doorbells_poll(u32 doorbells);	/* hard interrupt: these may have been rung */

/* brake.c */
void rf_brake_rung(u32 index);
bool rf_brake_is_on(u32 index);
u32 rf_brake_look(ktime_t now);
void rf_brake_reset(void);

/* device.c, debug.c */
int rf_ficm_device_init(void);
void rf_ficm_device_exit(void);
void rf_ficm_device_detach(void);	/* no doorbell of user space is left */
void rf_debug_init(void);
void rf_debug_exit(void);

#endif /* RF_FICM_H */
