/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The console of a subOS: two byte rings in its home segment. Positions count up
 * for ever and wrap at 2^32; a ring holds head - tail bytes. As with messages,
 * both sides keep their own position privately, publish it here, and check what
 * the other one published. A writer never waits: it drops and counts. A tail that
 * makes no sense is an empty ring to it: the reader, whose head makes no sense then,
 * goes on there. Both publish their positions again if they were overwritten.
 *
 * Changelog
 *   1.0  first
 */
#ifndef RF_WIRE_CONSOLE_H
#define RF_WIRE_CONSOLE_H

#include <linux/types.h>

#define RF_CONSOLE_OUT_SIZE	0x20000	/* bytes, a power of 2 */
#define RF_CONSOLE_IN_SIZE	0x1000	/* bytes, a power of 2 */

struct rf_console {
	/* Written by the subOS. */
	__u32	out_head;		/* 0x000 */
	__u32	out_dropped;		/* 0x004 bytes that found no room */
	__u32	in_tail;		/* 0x008 */
	__u32	pad0[13];
	/* Written by the supervisor. */
	__u32	out_tail;		/* 0x040 */
	__u32	out_waiting;		/* 0x044 1: ring the supervisor's console doorbell */
	__u32	in_head;		/* 0x048 */
	__u32	pad1[13];
	__u8	in[RF_CONSOLE_IN_SIZE];		/* written by the supervisor */
	__u8	out[RF_CONSOLE_OUT_SIZE];	/* written by the subOS */
};

#endif /* RF_WIRE_CONSOLE_H */
