/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The grant page: what a kernel owns right now, and what it may believe about
 * others. It lies in the boot area of the subOS's own memory (RF_GRANT_OFF), not
 * in the arena, and is written by the supervisor only, also while the subOS runs.
 * A message can only say "look at your grant": it can never widen it.
 *
 * The supervisor makes `sequence` odd, changes the page, makes it even again. A
 * reader copies the page and tries again if sequence was odd or has changed.
 *
 * `owner` alone is looked at in the page itself, just before a doorbell is rung. What is under way
 * then, the supervisor cannot see; so each kernel acknowledges the sequence of a grant once all
 * rings that an older one allowed are over (wire/mailbox.h), and a core that was taken from
 * its owner gets the next one only after that. No core is anybody's while no kernel runs there.
 *
 * Changelog
 *   1.0  first
 *   1.1  PCI functions
 */
#ifndef RF_WIRE_GRANT_H
#define RF_WIRE_GRANT_H

#include <linux/types.h>
#include "handoff.h"
#include "layout.h"
#include "pci.h"

#define RF_GRANT_MAGIC		0x52474652u	/* "RFGR" */
#define RF_GRANT_MAJOR		1
#define RF_GRANT_MINOR		1

#define RF_KERNEL_NONE		0xffffffffu	/* no kernel there */
#define RF_KERNEL_SUPERVISOR	0		/* kernel id of the supervisor; subOSes: 1 and up,
						 * a new one at every start, never reused */
#define RF_APIC_IDS		256
#define RF_OWNER_NOBODY		0xff		/* in owner[]: not to be rung or started by anyone */

#define RF_GRANT_ACKNOWLEDGED	(1ULL << 32)	/* with a sequence: see above */

struct rf_grant {
	__u32	size;			/* of this struct */
	__u32	magic;			/* RF_GRANT_MAGIC */
	__u16	major;
	__u16	minor;
	__u32	sequence;		/* odd while it is being changed */
	__u32	member;			/* the reader's own number, 0: the supervisor */
	__u32	nr_ranges;
	__u32	nr_functions;
	__u32	reserved;
	struct rf_range ranges[RF_RANGES_MAX];	/* memory the reader owns, boot range first */
	struct rf_arena_segment segments[RF_SEGMENTS_MAX_ARENA];	/* by number; size 0: none */
	__u32	kernel_ids[RF_MEMBERS_MAX];	/* by member, RF_KERNEL_NONE: nobody */
	__u8	owner[RF_APIC_IDS];	/* member by physical APIC id, or RF_OWNER_NOBODY */
	struct rf_function functions[RF_FUNCTIONS_MAX];	/* PCI functions the reader owns */
};

#endif /* RF_WIRE_GRANT_H */
