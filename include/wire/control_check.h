/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What can be said about a control message (wire/control.h) by looking at it alone: the
 * one parser for both sides. Whether its sender may ask for it, is the matter of who
 * asks his own grant or ledger. Pure, for it is fuzzed.
 */
#ifndef RF_WIRE_CONTROL_CHECK_H
#define RF_WIRE_CONTROL_CHECK_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "control.h"
#include "layout.h"
#include "message.h"

#define RF_CONTROL_ERRNO_MAX	4095
#define RF_CONTROL_APIC_IDS	256	/* bits in args[0..3] */
#define RF_CONTROL_SCREEN_MAX	0xffff	/* rows, columns */

static inline bool rf_control_is_error(__s64 value)
{
	return value < 0 && value >= -RF_CONTROL_ERRNO_MAX;
}

/* Start and size of memory in steps of @unit, a power of 2. */
static inline bool rf_control_is_range(__s64 start, __s64 size, __u64 unit)
{
	return start >= 0 && size > 0 && !((__u64)start & (unit - 1)) &&
	       !((__u64)size & (unit - 1)) &&
	       (__u64)size <= 0x7fffffffffffffffULL - (__u64)start;
}

/* RF_BDF() (wire/pci.h) of a function. */
static inline bool rf_control_is_bdf(__s64 value)
{
	return value >= 0 && value < 0xffffffffLL;
}

/* How many cores a bitmap names. */
static inline __u32 rf_control_count_cores(const __s64 *args)
{
	__u32 i, count = 0;

	for (i = 0; i < RF_CONTROL_APIC_IDS / 64; i++) {
		__u64 word = (__u64)args[i];

		for (; word; word &= word - 1)
			count++;
	}
	return count;
}

/* Is a physical APIC id, below RF_CONTROL_APIC_IDS, in a bitmap? */
static inline bool rf_control_has_core(const __s64 *args, __u32 apic_id)
{
	return ((__u64)args[apic_id / 64] >> (apic_id % 64)) & 1;
}

static inline bool rf_control_request_is_sane(const struct rf_control *control)
{
	const __s64 *args = control->args;

	if (control->answer != RF_ANSWER_NONE)
		return false;
	switch (control->op) {
	case RF_OP_HELLO:
		return args[0] >= 1 && args[0] <= 0xffff && args[1] >= 0 && args[2] >= 0 &&
		       !((__u64)args[2] & ((__u64)args[2] - 1)) && args[3] >= 1;
	case RF_OP_CORES_ADD:
	case RF_OP_CORES_REMOVE:
		return rf_control_count_cores(args) > 0;
	case RF_OP_MEMORY_ADD:
		return rf_control_is_range(args[0], args[1], RF_EXTENT_SIZE);
	case RF_OP_MEMORY_REMOVE:
		return rf_control_is_range(0, args[0], RF_EXTENT_SIZE) && args[1] >= 0;
	case RF_OP_STOP:
		return args[0] == RF_STOP_POWEROFF || args[0] == RF_STOP_REBOOT;
	case RF_OP_WINDOW:
		return args[0] >= 0 && args[0] <= RF_CONTROL_SCREEN_MAX && args[1] >= 0 &&
		       args[1] <= RF_CONTROL_SCREEN_MAX;
	case RF_OP_PCI_ADD:
		return rf_control_is_bdf(args[0]);
	case RF_OP_PCI_REMOVE:
		return rf_control_is_bdf(args[0]) && (args[1] == 0 || args[1] == 1);
	case RF_OP_PING:
	case RF_OP_STATISTICS:
		return true;
	default:
		return false;
	}
}

static inline bool rf_control_progress_is_sane(const struct rf_control *control)
{
	const __s64 *args = control->args;

	switch (control->op) {
	case RF_OP_CORES_ADD:
	case RF_OP_CORES_REMOVE:
		return args[0] >= 0 && args[0] < RF_CONTROL_APIC_IDS &&
		       (!args[1] || rf_control_is_error(args[1]));
	case RF_OP_MEMORY_REMOVE:
		return rf_control_is_range(args[0], args[1], RF_EXTENT_SIZE);
	default:
		return true;
	}
}

static inline bool rf_control_done_is_sane(const struct rf_control *control)
{
	switch (control->op) {
	case RF_OP_HELLO:
		return control->args[0] >= 1 && control->args[1] >= 0;
	case RF_OP_CORES_ADD:
	case RF_OP_CORES_REMOVE:
	case RF_OP_MEMORY_ADD:
	case RF_OP_MEMORY_REMOVE:
	case RF_OP_PCI_ADD:
		return control->args[0] >= 0;
	default:
		return true;
	}
}

static inline bool rf_control_answer_is_sane(const struct rf_control *control)
{
	if (control->op < RF_OP_HELLO || control->op >= RF_OP_NR)
		return false;
	switch (control->answer) {
	case RF_ANSWER_PROGRESS:
		return rf_control_progress_is_sane(control);
	case RF_ANSWER_DONE:
		return rf_control_done_is_sane(control);
	case RF_ANSWER_FAILED:
		return rf_control_is_error(control->args[0]);
	case RF_ANSWER_CANCELLED:
		return true;
	default:
		return false;
	}
}

/*
 * The control message in @message, a private copy, to @control. False: it is none, or
 * nothing that the other side could mean; @control is undefined then.
 */
static inline bool rf_control_parse(const struct rf_message *message, struct rf_control *control)
{
	if (message->length != sizeof(*control))
		return false;
	__builtin_memcpy(control, message->payload, sizeof(*control));
	switch (message->type) {
	case RF_MSG_REQUEST:
		return rf_control_request_is_sane(control);
	case RF_MSG_ANSWER:
		return rf_control_answer_is_sane(control);
	case RF_MSG_CANCEL:
		return control->op >= RF_OP_HELLO && control->op < RF_OP_NR;
	default:
		return false;
	}
}

#endif /* RF_WIRE_CONTROL_CHECK_H */
