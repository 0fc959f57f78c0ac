/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/* What rf_supervisor reports of what happened, as a part of rainforest.h. */
#ifndef RF_UAPI_RAINFOREST_EVENTS_H
#define RF_UAPI_RAINFOREST_EVENTS_H

#include <linux/types.h>

#include "../wire/layout.h"
#include "../wire/mailbox.h"

/*
 * RF_IOC_EVENTS: what happened, oldest first. The supervisor keeps the last
 * RF_EVENTS_KEPT events. Adjustments (RF_EVENT_CORES_ADDED .. _CORES_RETURNED, and of PCI
 * functions by RESIZE) carry how long they took and how they ended.
 */
enum rf_event_type {
	RF_EVENT_CREATED	= 1,	/* args: memory; detail: list of cores */
	RF_EVENT_STATE		= 2,	/* args: old state, new state, cause; detail: reason */
	RF_EVENT_CORES_ADDED	= 3,	/* args: number; detail: list of cores */
	RF_EVENT_CORES_REMOVED	= 4,	/* as above */
	RF_EVENT_MEMORY_ADDED	= 5,	/* args: bytes, bytes wanted */
	RF_EVENT_MEMORY_REMOVED	= 6,	/* args: bytes, bytes wanted */
	RF_EVENT_CORES_MOVED	= 7,	/* args: number, id of the receiver; detail: list */
	RF_EVENT_CORES_BORROWED	= 8,	/* as above; registered as a loan */
	RF_EVENT_CORES_RETURNED	= 9,	/* args: number, id of the lender; detail: list */
	RF_EVENT_LATE		= 10,	/* args: op; an answer came too late and was undone */
	RF_EVENT_POLICY		= 11,	/* detail: what the policy does now */
	RF_EVENT_DESTROYED	= 12,	/* args: memory */
	RF_EVENT_CONSOLE	= 13,	/* args: bytes the subOS's console dropped in all */
	RF_EVENT_PCI_ADDED	= 14,	/* args: RF_BDF(); detail: as text */
	RF_EVENT_PCI_REMOVED	= 15,	/* as above */
	RF_EVENT_PCI_TAKEN	= 16,	/* as above; by force, the subOS did not confirm */
	RF_EVENT_PCI_FAULT	= 17,	/* args: RF_BDF(), address, faults so far; DMA was blocked */
	RF_EVENT_PCI_ERROR	= 18,	/* args: RF_BDF(); detail: unplugged, or what AER reported */
	RF_EVENT_CORE_NOT_HELD	= 19,	/* args: a core that does not react to INIT */
};

struct rf_event {
	__u64	sequence;		/* 1 and up, without gaps */
	__u64	time_ns;		/* CLOCK_REALTIME, when it was done */
	__u64	duration_ns;		/* of an adjustment, else 0 */
	__u32	id;			/* of the subOS */
	__u32	type;			/* enum rf_event_type */
	__s32	result;			/* 0 or a negative errno */
	__u32	cause;			/* enum rf_cause: who wanted it */
	__u64	args[4];
	char	name[RF_NAME_MAX];	/* of the subOS */
	char	detail[RF_REASON_MAX];	/* text, NUL-terminated */
};
#define RF_EVENTS_KEPT		1024

struct rf_events {
	__u32	size;
	__u32	capacity;		/* in: how many structs fit in the buffer */
	__u64	after;			/* in: give events with a larger sequence */
	__u32	count;			/* out: events in the buffer */
	__u32	lost;			/* out: events after `after` that are not kept any more */
	__aligned_u64 events;		/* in: struct rf_event[capacity] */
};

#endif /* RF_UAPI_RAINFOREST_EVENTS_H */
