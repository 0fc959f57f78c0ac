/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Control messages between supcon (supervisor) and subOScon (the agent in a
 * subOS), carried by FICM as urgent messages of the types RF_MSG_REQUEST,
 * RF_MSG_ANSWER and RF_MSG_CANCEL, each with a struct rf_control as payload.
 *
 * Every request has an id, newer than those before: the agent takes none that is not, so
 * that each is served once, whatever becomes of the ring. One that is older and was never
 * seen is FAILED with -ESTALE and the newest id: another kernel forged that one, and the
 * supervisor goes on from there. A request is answered by any number
 * of PROGRESS, then exactly one of DONE, FAILED, CANCELLED. All say how many PROGRESS came
 * before: one that comes twice is ignored, and if one of them got lost, nobody knows what
 * the agent has done, and the final answer is none. The agent works off
 * requests one after the other, in order, but for STOP and PING. CANCEL names the id of a
 * request: the agent stops at the next unit (core, memory block), undoes the units it has not
 * reported by PROGRESS, and answers CANCELLED; if the request was done already,
 * CANCEL has no effect. An agent that was asleep for long sees the CANCEL before
 * it goes on, for it is noted when it arrives.
 *
 * A request never grants anything: what the subOS owns stands in its grant page
 * (wire/grant.h), which the supervisor changes before it asks the subOS to add
 * something and after the subOS confirmed that it removed something.
 *
 * Changelog
 *   1.0  first
 *   1.1  PCI_ADD, PCI_REMOVE
 *   2.0  answers say how many PROGRESS came before; ids grow
 */
#ifndef RF_WIRE_CONTROL_H
#define RF_WIRE_CONTROL_H

#include <linux/types.h>

#define RF_CONTROL_VERSION	2
#define RF_CONTROL_ARGS		5
#define RF_CONTROL_REPORTED	4	/* args[] of an answer: how many PROGRESS came before */

enum rf_op {
	/*
	 * subOS to supervisor. args: version, enum rf_capability bits, size of a memory
	 * block in bytes, number of cores the kernel knows, 0.
	 * DONE: version to use (the smaller one), capabilities of the supervisor.
	 */
	RF_OP_HELLO		= 1,
	/*
	 * Supervisor to subOS, all of the following. args[0..3]: bitmap of physical
	 * APIC ids, bit n of args[n / 64]. PROGRESS: APIC id, 0 or a negative errno,
	 * one for each core in turn. DONE: number of cores that are online now.
	 */
	RF_OP_CORES_ADD		= 2,
	/* As above; PROGRESS when the core is offline and may be held. DONE: number removed. */
	RF_OP_CORES_REMOVE	= 3,
	/*
	 * args: start, size of a range of whole memory blocks of the subOS. DONE: bytes
	 * online. FAILED: negative errno; nothing of it is in use.
	 */
	RF_OP_MEMORY_ADD	= 4,
	/*
	 * args: bytes wanted, deadline in ms. The agent picks the blocks. PROGRESS: start,
	 * size of what the kernel has given up for good. DONE: bytes given up, which may
	 * be less than wanted, also 0.
	 */
	RF_OP_MEMORY_REMOVE	= 5,
	/*
	 * args: enum rf_stop. DONE: under way. The end is told through the mailbox. Served at
	 * once, before requests that are under way or wait.
	 */
	RF_OP_STOP		= 6,
	/* DONE: the same args, but for the last. Served at once. */
	RF_OP_PING		= 7,
	/* DONE: the statistics in the subOS's endpoint are fresh, and all before is worked off. */
	RF_OP_STATISTICS	= 8,
	/* args: rows, columns of the console's terminal. DONE. */
	RF_OP_WINDOW		= 9,
	/*
	 * args: RF_BDF() of a function that stands in the grant page. DONE: 1 if a driver
	 * of the subOS took it, else 0. FAILED: negative errno; it is not there.
	 */
	RF_OP_PCI_ADD		= 10,
	/*
	 * args: RF_BDF(), 1 if it does not answer any more (RF_FUNCTION_TAKEN). DONE: no driver
	 * has it, nothing of it is mapped; also if it was not there at all. Cannot be cancelled
	 * once begun: a driver's removal is not divisible.
	 */
	RF_OP_PCI_REMOVE	= 11,
	RF_OP_NR
};

enum rf_capability {
	RF_CAN_CORES		= 1 << 0,	/* CORES_ADD, CORES_REMOVE */
	RF_CAN_MEMORY		= 1 << 1,	/* MEMORY_ADD, MEMORY_REMOVE */
	RF_CAN_CONSOLE		= 1 << 2,
	RF_CAN_PCI		= 1 << 3,	/* PCI_ADD, PCI_REMOVE */
};

enum rf_stop {
	RF_STOP_POWEROFF	= 0,
	RF_STOP_REBOOT		= 1,
};

enum rf_answer {
	RF_ANSWER_NONE		= 0,		/* in requests */
	RF_ANSWER_PROGRESS	= 1,
	RF_ANSWER_DONE		= 2,
	RF_ANSWER_FAILED	= 3,		/* args[0]: negative errno */
	RF_ANSWER_CANCELLED	= 4,
};

struct rf_control {
	__u32	id;			/* of the request */
	__u16	op;			/* enum rf_op; in answers that of the request */
	__u16	answer;			/* enum rf_answer */
	__s64	args[RF_CONTROL_ARGS];
};

#endif /* RF_WIRE_CONTROL_H */
