/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What can be said about a control message (wire/control.h) by looking at it alone, and
 * about an answer by looking at what was asked: the one parser for both sides. Whether
 * its sender may ask for it, is the matter of who asks his own grant or ledger. Pure, for
 * it is fuzzed.
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

/* EHWPOISON: the last error that has a name outside of kernels. */
#define RF_CONTROL_ERRNO_MAX	133
#define RF_CONTROL_APIC_IDS	256	/* bits in args[0..3] */
#define RF_CONTROL_SCREEN_MAX	0xffff	/* rows, columns */

static inline bool rf_control_is_error(__s64 value)
{
	/* These two were never given a meaning. */
	return value < 0 && value >= -RF_CONTROL_ERRNO_MAX && value != -41 && value != -58;
}

/* What to send for a kernel's error: errors that kernels keep to themselves are -EIO. */
static inline __s64 rf_control_error(__s64 error)
{
	return rf_control_is_error(error) ? error : -5 /* EIO */;
}

/* Start and size of memory in steps of @unit, a power of 2. */
static inline bool rf_control_is_range(__s64 start, __s64 size, __u64 unit)
{
	return start >= 0 && size > 0 && !((__u64)start & (unit - 1)) &&
	       !((__u64)size & (unit - 1)) &&
	       (__u64)size <= 0x7fffffffffffffffULL - (__u64)start;
}

/* Does the request @id come after @last? Both ends of the numbers meet. */
static inline bool rf_control_id_is_newer(__u32 id, __u32 last)
{
	return (__s32)(id - last) > 0;
}

/* Is the request served at once, and not in its turn? Such ones neither sleep nor wait. */
static inline bool rf_control_is_urgent(__u16 op)
{
	return op == RF_OP_STOP || op == RF_OP_PING;
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

/* The control message in @message, a private copy, to @control. False: it is none. */
static inline bool rf_control_read(const struct rf_message *message, struct rf_control *control)
{
	if (message->length != sizeof(*control))
		return false;
	__builtin_memcpy(control, message->payload, sizeof(*control));
	return true;
}

/*
 * The same, of what makes sense by itself. False: it is none, or nothing that the other
 * side could mean; @control is undefined then.
 */
static inline bool rf_control_parse(const struct rf_message *message, struct rf_control *control)
{
	if (!rf_control_read(message, control))
		return false;
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

/* A request, and what was answered to it so far. */
struct rf_control_asked {
	const __s64 *args;		/* of the request */
	__u16 op;
	bool over;			/* the final answer is there */
	__u32 units;			/* PROGRESS that may still come */
	__u32 reported;			/* PROGRESS so far */
	__u64 unit;			/* memory: bytes of a block */
	__u64 given;			/* bytes of memory, or cores, reported without an error */
	__u64 told[RF_CONTROL_APIC_IDS / 64];	/* cores that were reported */
};

static inline bool rf_control_takes_progress(struct rf_control_asked *asked, const __s64 *args)
{
	__u64 given;

	if (!asked->units)
		return false;
	switch (asked->op) {
	case RF_OP_CORES_ADD:
	case RF_OP_CORES_REMOVE:
		if (!rf_control_has_core(asked->args, args[0]) ||
		    ((asked->told[args[0] / 64] >> (args[0] % 64)) & 1))
			return false;
		asked->told[args[0] / 64] |= 1ULL << (args[0] % 64);
		given = !args[1];
		break;
	case RF_OP_MEMORY_REMOVE:
		given = (__u64)args[1];
		if (!rf_control_is_range(args[0], args[1], asked->unit) ||
		    given > (__u64)asked->args[0] - asked->given)
			return false;
		break;
	default:
		return false;
	}
	asked->given += given;
	asked->units--;
	asked->reported++;
	return true;
}

static inline bool rf_control_takes_done(const struct rf_control_asked *asked, const __s64 *args)
{
	switch (asked->op) {
	case RF_OP_CORES_ADD:
		return args[0] >= 1 && args[0] <= RF_CONTROL_APIC_IDS;
	case RF_OP_CORES_REMOVE:
	case RF_OP_MEMORY_REMOVE:
		return args[0] == (__s64)asked->given;
	case RF_OP_MEMORY_ADD:
		return args[0] >= 0 && args[0] <= asked->args[1];
	case RF_OP_PCI_ADD:
		return args[0] == 0 || args[0] == 1;
	case RF_OP_PING:
		return !__builtin_memcmp(args, asked->args, RF_CONTROL_REPORTED * sizeof(*args));
	default:
		return true;
	}
}

/* Has this PROGRESS been taken already? */
static inline bool rf_control_is_repeated(const struct rf_control_asked *asked,
					  const struct rf_control *control)
{
	return control->op == asked->op && control->answer == RF_ANSWER_PROGRESS &&
	       control->args[RF_CONTROL_REPORTED] >= 0 &&
	       control->args[RF_CONTROL_REPORTED] < asked->reported;
}

/*
 * Is @control an answer that @asked can have? If so, it is noted there: each core is
 * reported once, no more memory is given than was wanted, and there is one final answer.
 */
static inline bool rf_control_takes(struct rf_control_asked *asked,
				    const struct rf_control *control)
{
	if (asked->over || control->op != asked->op || !rf_control_answer_is_sane(control) ||
	    control->args[RF_CONTROL_REPORTED] != asked->reported)
		return false;
	if (control->answer == RF_ANSWER_PROGRESS)
		return rf_control_takes_progress(asked, control->args);
	if (control->answer == RF_ANSWER_DONE && !rf_control_takes_done(asked, control->args))
		return false;
	asked->over = true;
	return true;
}

#endif /* RF_WIRE_CONTROL_CHECK_H */
