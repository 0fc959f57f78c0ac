/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The arena: memory that all kernels share. It consists of segments, each a
 * multiple of 2 MiB, mapped by every kernel with struct pages. A region of it is
 * (segment, offset, length). Every field has one writer; nothing in it is
 * trusted. What a kernel may believe about who owns what is in its grant page
 * (wire/grant.h), in its own memory.
 *
 * Members are numbered: 0 is the supervisor, subOSes are 1 and up. Segment
 * number m is the home of member m, while it exists; more segments get numbers
 * from RF_MEMBERS_MAX on. A segment that was freed stays in the arena for the
 * next user until there is no subOS left: a late write of a dead kernel can hit
 * nothing but the arena.
 *
 * Changelog
 *   1.0  machine page, endpoints, rings, console
 */
#ifndef RF_WIRE_ARENA_H
#define RF_WIRE_ARENA_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif
#include "handoff.h"
#include "layout.h"
#include "message.h"

#define RF_ARENA_MAGIC		0x52414652u	/* "RFAR" */
#define RF_ARENA_MAJOR		1
#define RF_ARENA_MINOR		0

/* How a home segment is used; bytes from its start. */
#define RF_HOME_SIZE		0x200000
#define RF_HOME_MACHINE_OFF	0x000000	/* struct rf_machine; segment 0 only */
#define RF_HOME_ENDPOINT_OFF	0x010000	/* struct rf_endpoint */
#define RF_HOME_RINGS_OFF	0x020000	/* struct rf_ring_pair[RF_MEMBERS_MAX], by sender */
#define RF_HOME_CONSOLE_OFF	0x080000	/* struct rf_console; subOSes only (wire/console.h) */

/*
 * A doorbell word says how to ring: 0 is "none", else
 *   bits 0-7    vector, RF_DOORBELL_VECTOR_MIN .. _MAX, not RF_DOORBELL_VECTOR_NOT
 *   bits 8-39   physical APIC id
 *   bits 40-63  check: rf_doorbell_check() of the lower 40 bits
 * The caller of a doorbell reads the word once, checks it, and looks in its grant page
 * whether the core belongs to the member to be rung; then rings, and reads the word
 * again: if it has changed meanwhile, the new word is rung as well.
 */

/*
 * What Linux gives to devices (arch/x86/include/asm/irq_vectors.h), in versions that differ. A
 * kernel panics, or does what it was not asked to, on an interrupt with any other vector: below
 * are exceptions, above are its own (POSTED_MSI_NOTIFICATION_VECTOR of 6.12 is the lowest), and
 * between them lies the gate of int 0x80. 0x20 is harmless where it is no device's.
 */
#define RF_DOORBELL_VECTOR_MIN	0x20
#define RF_DOORBELL_VECTOR_MAX	0xea
#define RF_DOORBELL_VECTOR_NOT	0x80
#define RF_DOORBELLS_MAX	16	/* of one kernel */

enum rf_doorbell_index {
	RF_DOORBELL_FICM	= 0,	/* messages */
	RF_DOORBELL_CONSOLE	= 1,	/* console rings */
	RF_DOORBELL_FREE	= 2,	/* this and later ones: whoever asks first */
};

static inline __u64 rf_doorbell_check(__u64 low)
{
	return ((low & 0xffffffffffULL) * 0x9e3779b97f4a7c15ULL) >> 40;
}

static inline __u64 rf_doorbell_word(__u32 vector, __u32 apic_id)
{
	__u64 low = (vector & 0xff) | ((__u64)apic_id << 8);

	return low | (rf_doorbell_check(low) << 40);
}

/* Whether a word, read once, says how to ring; and with what. */
static inline bool rf_doorbell_parse(__u64 word, __u32 *vector, __u32 *apic_id)
{
	__u64 low = word & 0xffffffffffULL;

	*vector = low & 0xff;
	*apic_id = low >> 8;
	return rf_doorbell_check(low) == word >> 40 && *vector >= RF_DOORBELL_VECTOR_MIN &&
	       *vector <= RF_DOORBELL_VECTOR_MAX && *vector != RF_DOORBELL_VECTOR_NOT;
}

/* Answers of a STATISTICS request, valid when the request is done. Display only. */
struct rf_statistics {
	__u64	uptime_ns;		/* of the kernel, CLOCK_BOOTTIME */
	__u64	memory_total;		/* bytes */
	__u64	memory_free;		/* bytes, MemFree */
	__u64	memory_available;	/* bytes, MemAvailable */
	__u64	interrupts;		/* doorbell interrupts taken */
	__u64	messages_in;		/* FICM messages received */
	__u64	messages_out;		/* FICM messages sent */
	__u64	busy_ns;		/* CPU time that was not idle, all cores together */
	__u32	load[3];		/* 1, 5, 15 minutes, in 1/100 */
	__u32	pressure[3];		/* some avg10 of cpu, memory, io in 1/100 percent; ~0: unknown */
	__u32	processes;
	__u32	cpus_online;
	char	release[64];		/* uname -r */
};

/* How others reach a member. Written by that member only. */
struct rf_endpoint {
	__u32	magic;			/* 0x000 RF_ARENA_MAGIC, last, once the rest is valid */
	__u16	major;			/* 0x004 */
	__u16	minor;			/* 0x006 */
	__u32	kernel_id;		/* 0x008 */
	__u32	pad0[13];
	__u32	armed;			/* 0x040 1: ring my doorbell after a message */
	__u32	pad1[15];
	/*
	 * 0x080 grows at least every RF_BEAT_MS while it lives. For people: any kernel can write
	 * it. What the supervisor acts upon is the beat in a subOS's mailbox.
	 */
	__u64	beat;
	__u64	pad2[7];
	__u64	doorbells[RF_DOORBELLS_MAX];	/* 0x0c0 */
	struct rf_statistics statistics;	/* 0x140 */
};

#define RF_BEAT_MS		100

/* For people and for a later supervisor. Written by the supervisor only. */
struct rf_member {
	__u32	kernel_id;		/* RF_KERNEL_NONE: no such member now */
	__u32	subos_id;
	__u32	state;			/* enum rf_state */
	__u32	comm_core;		/* physical APIC id of its communication core, ~0: unknown */
	__u8	mac[6];			/* MAC list: locally administered, unique on this machine */
	__u8	pad[10];
	char	name[RF_NAME_MAX];
};

/* Copy of the ledger, for a supervisor that adopts running subOSes. */
struct rf_ledger {
	__u32	size;			/* of this struct */
	__u32	checksum;		/* makes all its 32-bit words sum to 0 */
	__u32	generation;		/* grows with every change */
	__u32	nr_ranges;		/* above RF_LEDGER_RANGES: not all found room, do not adopt */
	__u32	low_owner[32];		/* subOS id by low-memory slice, 0: free or unusable */
	__u32	core_owner[RF_CPUS_MAX];	/* subOS id by physical APIC id, 0: supervisor */
	struct {
		__u64	start, size;
		__u32	subos_id;
		__u32	pad;
	} ranges[RF_LEDGER_RANGES];
};

/* The machine page. Written by the supervisor only. */
struct rf_machine {
	__u32	magic;			/* RF_ARENA_MAGIC */
	__u16	major;
	__u16	minor;
	__u32	nr_segments;		/* in use: entries of segments[] with a size */
	__u32	pad;
	struct rf_arena_segment segments[RF_SEGMENTS_MAX_ARENA];	/* by number; size 0: none */
	struct rf_member members[RF_MEMBERS_MAX];
	struct rf_ledger ledger;
};

#endif /* RF_WIRE_ARENA_H */
