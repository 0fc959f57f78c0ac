// SPDX-License-Identifier: GPL-2.0
/*
 * The mailbox: one page that this kernel writes and the supervisor polls. It
 * needs no lock, no interrupt and no memory, so it works from a panic and from
 * a kprobe as well as from module_init.
 */
#include <linux/atomic.h>
#include <linux/cpumask.h>
#include <linux/io.h>
#include <linux/kernel.h>
#include <linux/stdarg.h>
#include <linux/string.h>

#include "compat/vmcoreinfo.h"
#include "kernel/ficm.h"
#include "rf_subos.h"

static struct rf_mailbox *rf_mailbox;
static atomic_t rf_cause_taken = ATOMIC_INIT(0);

/**
 * rf_report_open() - map the mailbox.
 * @mailbox: its physical address
 *
 * Return: 0 or -ENOMEM.
 */
int rf_report_open(phys_addr_t mailbox)
{
	rf_mailbox = memremap(mailbox, sizeof(*rf_mailbox), MEMREMAP_WB);
	if (!rf_mailbox) {
		rf_refuse("mailbox at %pa: cannot be mapped", &mailbox);
		return -ENOMEM;
	}
	return 0;
}

/* Only on the way out of a failed init: afterwards nothing can be reported. */
void rf_report_close(void)
{
	memunmap(rf_mailbox);
	rf_mailbox = NULL;
}

/**
 * rf_report_agent() - say that the agent is there, and where the log is found.
 *
 * The magic goes last: it vouches for the fields around it.
 */
void rf_report_agent(void)
{
	rf_mailbox->major = RF_MAILBOX_MAJOR;
	rf_mailbox->minor = RF_MAILBOX_MINOR;
	rf_mailbox->vmcoreinfo = paddr_vmcoreinfo_note();
	rf_mailbox->vmcoreinfo_size = VMCOREINFO_NOTE_SIZE;
	rf_report_cpus(num_online_cpus());
	/* Pairs with the acquire of magic in rf_watch_stage(): the rest is valid with it. */
	smp_wmb();
	WRITE_ONCE(rf_mailbox->magic, RF_MAILBOX_MAGIC);
	rf_report_stage(RF_STAGE_AGENT);
}

void rf_report_stage(enum rf_stage stage)
{
	/* Pairs with the acquire of stage in rf_watch_stage(): all before the stage is done. */
	smp_wmb();
	WRITE_ONCE(rf_mailbox->stage, stage);
}

/* From now on the heartbeat is seen by the supervisor. Context: a member of FICM. */
void rf_report_beat(void)
{
	rf_ficm_beat_in(&rf_mailbox->beat);
}

/* Where FICM acknowledges grants: in our own memory, so that no other kernel does it for us. */
u64 *rf_report_acknowledged(void)
{
	return &rf_mailbox->acknowledged;
}

void rf_report_cpus(unsigned int online)
{
	WRITE_ONCE(rf_mailbox->cpus_online, online);
}

/**
 * rf_report_cause() - say why this kernel goes down.
 * @cause: enum rf_cause
 * @reason: text for people, cut to RF_REASON_MAX; may be empty
 *
 * The first cause stands: what follows it (the restart after a panic, the
 * power-off after a refusal) is only its consequence.
 *
 * Context: any, NMI included.
 */
void rf_report_cause(enum rf_cause cause, const char *reason)
{
	if (!rf_mailbox || atomic_cmpxchg(&rf_cause_taken, 0, 1))
		return;
	strscpy(rf_mailbox->reason, reason, sizeof(rf_mailbox->reason));
	/* Pairs with the barrier in rf_watch_end(): the reason is complete. */
	smp_wmb();
	WRITE_ONCE(rf_mailbox->cause, cause);
}

/**
 * rf_refuse() - the agent cannot go on: say why, in the log and in the mailbox.
 * @fmt: printf format of one line without a newline
 *
 * The caller still returns its error, so that the first stage stops the subOS.
 */
void rf_refuse(const char *fmt, ...)
{
	char reason[RF_REASON_MAX];
	va_list args;

	va_start(args, fmt);
	vscnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);

	pr_err("%s\n", reason);
	rf_report_cause(RF_CAUSE_AGENT, reason);
}
