// SPDX-License-Identifier: GPL-2.0
/*
 * Callers that may open /dev/rainforest, but lack CAP_SYS_ADMIN: the members of an operators'
 * group. They look, and change nothing (ioctl.c). Here is what they do not get to see, and how
 * often they may trouble an agent.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/ktime.h>
#include <linux/mutex.h>

#include "agent/agent.h"
#include "control/internal.h"

/* Between two questions of members to an agent; and after one that waits there, or found no room. */
#define RF_MEMBERS_PAUSE_NS	(250 * NSEC_PER_MSEC)
#define RF_MEMBERS_STUCK_NS	(30 * NSEC_PER_SEC)

/**
 * rf_caller_is_admin() - does the caller have CAP_SYS_ADMIN?
 *
 * For calls that everybody gets an answer to: a member who lacks it is nothing to be audited.
 *
 * Context: Process context.
 */
bool rf_caller_is_admin(void)
{
	return ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

static DEFINE_MUTEX(rf_members_mutex);

/**
 * rf_ledger_look() - take the ledger lock, to look at what needs it
 * @looker: for rf_ledger_look_end()
 *
 * One member at a time: many of them would stand in the queue for that lock before whoever changes
 * something.
 *
 * Context: Process context, interruptible. No lock held.
 * Return: 0, -EINTR.
 */
int rf_ledger_look(struct rf_looker *looker)
{
	looker->member = !rf_caller_is_admin();
	if (looker->member && mutex_lock_interruptible(&rf_members_mutex))
		return -EINTR;
	if (!mutex_lock_interruptible(&rf_ledger_lock))
		return 0;
	if (looker->member)
		mutex_unlock(&rf_members_mutex);
	return -EINTR;
}

/* Undo rf_ledger_look(). */
void rf_ledger_look_end(const struct rf_looker *looker)
{
	mutex_unlock(&rf_ledger_lock);
	if (looker->member)
		mutex_unlock(&rf_members_mutex);
}

/**
 * rf_may_read_memory() - may the caller read a subOS's memory through this descriptor?
 * @file: partition descriptor
 *
 * A plain read(2) is also what a privileged program does with the standard input that it is
 * given: who opened it needs the right, too.
 *
 * Context: Process context.
 */
bool rf_may_read_memory(const struct file *file)
{
	return file_ns_capable(file, &init_user_ns, CAP_SYS_ADMIN) && capable(CAP_SYS_ADMIN);
}

/**
 * rf_status_hide() - leave addresses out, as /proc/iomem does
 * @status: of a subOS, for a member
 *
 * Context: Any.
 */
void rf_status_hide(struct rf_status *status)
{
	u32 i;

	status->low_slice = status->vmcoreinfo = status->vmcoreinfo_size = 0;
	for (i = 0; i < status->nr_ranges; i++)
		status->ranges[i].start = 0;
	rf_hide_addresses(status->reason);
}

/**
 * rf_members_ask() - have an agent renew its statistics, for a member
 * @subos: the subOS
 * @ask: what asks the agent; returns 0 or a negative errno
 *
 * However many members ask, there is one question at a time, and one in RF_MEMBERS_PAUSE_NS:
 * those who come between get what came of the last one. None is put behind a request that may take
 * long: those that nobody waits for any more would fill the agent's queue, and root's next request
 * would find no room.
 *
 * Context: Process context, interruptible. No lock held.
 * Return: what @ask returned; -EBUSY; -EINTR.
 */
int rf_members_ask(struct rf_subos *subos, int (*ask)(struct rf_subos *subos, bool insist))
{
	bool stuck;
	int rc;

	if (mutex_lock_interruptible(&subos->members_lock))
		return -EINTR;
	if (!rf_phase_adjustable(rf_subos_phase(subos))) {
		rc = ask(subos, true);	/* which refuses, and sends nothing */
	} else if (ktime_get_ns() < subos->members_again) {
		rc = subos->members_answer;
	} else if (rf_supcon_resizes(subos)) {
		rc = -EBUSY;
	} else {
		/* No signal ends it: the next one would ask anew at once. */
		rc = subos->members_answer = ask(subos, true);
		stuck = rc == -ETIMEDOUT || rc == -EBUSY;
		subos->members_again = ktime_get_ns() +
				       (stuck ? RF_MEMBERS_STUCK_NS : RF_MEMBERS_PAUSE_NS);
	}
	mutex_unlock(&subos->members_lock);
	return rc;
}
