/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The hand-off: what a subOS's agent is told about what it owns at its start.
 * Written by rfm into the boot area before the start and never changed
 * afterwards; what changes while it runs stands in the grant page. The
 * agent finds it through the private ACPI table "RFOS".
 *
 * Changelog
 *   2.0  identity, mailbox, low slice, cores, memory, grant page, console
 */
#ifndef RF_WIRE_HANDOFF_H
#define RF_WIRE_HANDOFF_H

#include <linux/types.h>
#include "layout.h"

#define RF_HANDOFF_MAGIC	0x4f484652u	/* "RFHO" */
#define RF_HANDOFF_MAJOR	2
#define RF_HANDOFF_MINOR	0

struct rf_range {
	__u64	start;			/* physical address, bytes */
	__u64	size;			/* bytes */
};

/* Shared memory; in tables by segment number (wire/arena.h). */
struct rf_arena_segment {
	__u64	start;			/* physical address, a multiple of RF_EXTENT_SIZE */
	__u64	size;			/* bytes, a multiple of RF_EXTENT_SIZE; 0: no such segment */
};

/* Flags of a hand-off. */
#define RF_HANDOFF_CONSOLE	1	/* put the hvc console in place */

struct rf_handoff {
	__u32	size;			/* bytes of this struct as written, <= 8 KiB */
	__u32	magic;			/* RF_HANDOFF_MAGIC */
	__u16	major;			/* a reader refuses another major */
	__u16	minor;			/* a reader ignores what a later minor added */
	__u32	checksum;		/* makes all 32-bit words of the struct sum to 0 */
	__u32	id;			/* id of the subOS, as the supervisor shows it */
	__u32	flags;			/* RF_HANDOFF_* */
	char	name[RF_NAME_MAX];
	__u64	mailbox;		/* physical address of struct rf_mailbox */
	__u64	low_slice;		/* physical address */
	__u32	low_slice_size;		/* bytes */
	__u32	nr_cpus;		/* 1 .. RF_CPUS_MAX; the boot core is the first */
	__u32	nr_ranges;		/* 1 .. RF_RANGES_MAX; the boot range is the first */
	__u32	pad;			/* 0 */
	struct rf_range ranges[RF_RANGES_MAX];
	__u64	grant;			/* physical address of struct rf_grant (wire/grant.h) */
	__u64	reserved[15];		/* 0 */
	__u32	apic_ids[RF_CPUS_MAX];	/* the granted cores, by physical APIC id */
};

/* The private ACPI table that points at the hand-off. */
#define RF_ACPI_SIGNATURE	"RFOS"

struct rf_acpi_table {
	__u8	header[36];		/* ACPI 6.3, 5.2.6, System Description Table Header */
	__u32	reserved;
	__u64	handoff;		/* physical address of struct rf_handoff */
} __attribute__((packed));

#endif /* RF_WIRE_HANDOFF_H */
