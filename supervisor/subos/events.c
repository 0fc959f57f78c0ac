// SPDX-License-Identifier: GPL-2.0
/*
 * The event log, for people and programs: a ring of the last RF_EVENTS_KEPT events,
 * numbered without gaps. Recording never waits and never fails, so that it can be
 * done from anywhere; a reader that is too slow gets the number of events it missed.
 */
#include <linux/ctype.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "subos/subos.h"

#define RF_EVENTS_CHUNK		16	/* copied at a time */

static DEFINE_SPINLOCK(rf_events_lock);
static struct rf_event rf_events[RF_EVENTS_KEPT];	/* by sequence % RF_EVENTS_KEPT */
static u64 rf_events_newest;				/* sequence, 0: none yet */

DECLARE_WAIT_QUEUE_HEAD(rf_events_wait);

/**
 * rf_event() - record an event
 * @subos: the subOS that the event is about
 * @type: of the event; its enum describes args and detail
 * @result: 0 or a negative errno
 * @cause: who or what caused it
 * @duration_ns: of an adjustment, else 0
 * @args: or NULL
 * @detail: text for people, or NULL
 *
 * Context: Any but NMI, also with interrupts off and the state lock held.
 */
void rf_event(struct rf_subos *subos, enum rf_event_type type, int result, enum rf_cause cause,
	      u64 duration_ns, const u64 args[4], const char *detail)
{
	struct rf_event *event;
	unsigned long flags;

	if (!subos->kobj.state_in_sysfs)
		return;		/* its create failed before anybody could see it */
	spin_lock_irqsave(&rf_events_lock, flags);
	event = &rf_events[++rf_events_newest % RF_EVENTS_KEPT];
	memset(event, 0, sizeof(*event));
	event->sequence = rf_events_newest;
	event->time_ns = ktime_get_real_ns();
	event->duration_ns = duration_ns;
	event->id = subos->id;
	event->type = type;
	event->result = result;
	event->cause = cause;
	if (args)
		memcpy(event->args, args, sizeof(event->args));
	memcpy(event->name, subos->name, sizeof(event->name));
	if (detail)
		strscpy(event->detail, detail, sizeof(event->detail));
	spin_unlock_irqrestore(&rf_events_lock, flags);
	wake_up_all(&rf_events_wait);
}

/* Sequence of the newest event, 0: none yet. Context: any but NMI. */
u64 rf_events_last(void)
{
	unsigned long flags;
	u64 newest;

	spin_lock_irqsave(&rf_events_lock, flags);
	newest = rf_events_newest;
	spin_unlock_irqrestore(&rf_events_lock, flags);
	return newest;
}

/* Copy up to @room events after *@after, which is advanced. Return: how many. */
static u32 rf_events_copy(struct rf_event *to, u32 room, u64 *after, u64 *lost)
{
	unsigned long flags;
	u32 count = 0;

	spin_lock_irqsave(&rf_events_lock, flags);
	if (rf_events_newest > RF_EVENTS_KEPT && *after < rf_events_newest - RF_EVENTS_KEPT) {
		*lost += rf_events_newest - RF_EVENTS_KEPT - *after;
		*after = rf_events_newest - RF_EVENTS_KEPT;
	}
	while (count < room && *after < rf_events_newest)
		to[count++] = rf_events[++*after % RF_EVENTS_KEPT];
	spin_unlock_irqrestore(&rf_events_lock, flags);
	return count;
}

/**
 * rf_hide_addresses() - put dots into a text where it may have an address
 * @text: such as the reason of an end, which is what a kernel said: it is no secret, but where
 *	  memory is, in any kernel of this machine, is root's to know
 *
 * Numbers that are no addresses, but look like some, go with them.
 *
 * Context: Any.
 */
void rf_hide_addresses(char *text)
{
	size_t digits, least;

	while (*text) {
		least = 8;
		if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
			least = 4;
			text += 2;
		}
		for (digits = 0; isxdigit(text[digits]); digits++)
			;
		if (digits >= least)
			memset(text, '.', digits);
		for (text += digits; isalnum(*text); text++)
			;
		while (*text && !isalnum(*text))
			text++;
	}
}

static void rf_events_hide(struct rf_event *events, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		if (events[i].type == RF_EVENT_PCI_FAULT)
			events[i].args[1] = 0;
		rf_hide_addresses(events[i].detail);
	}
}

/**
 * rf_events_read() - copy events to user space
 * @args: see RF_IOC_EVENTS; on return, `after` is the sequence up to which they were read
 * @hide: without addresses
 *
 * Context: Process context.
 * Return: 0, -EFAULT, -ENOMEM.
 */
int rf_events_read(struct rf_events *args, bool hide)
{
	struct rf_event __user *to = u64_to_user_ptr(args->events);
	struct rf_event *chunk;
	u64 lost = 0;
	int rc = 0;
	u32 count;

	args->count = args->lost = 0;
	chunk = kmalloc_array(RF_EVENTS_CHUNK, sizeof(*chunk), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	while (args->count < args->capacity) {
		count = rf_events_copy(chunk, min_t(u32, RF_EVENTS_CHUNK,
						    args->capacity - args->count),
				       &args->after, &lost);
		if (!count)
			break;
		if (hide)
			rf_events_hide(chunk, count);
		if (copy_to_user(to + args->count, chunk, count * sizeof(*chunk))) {
			rc = -EFAULT;
			break;
		}
		args->count += count;
		if (fatal_signal_pending(current))
			break;
	}
	args->lost = min_t(u64, lost, U32_MAX);
	kfree(chunk);
	return rc;
}
