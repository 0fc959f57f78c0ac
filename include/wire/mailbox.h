/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The mailbox page: how a subOS tells the supervisor what becomes of it before
 * (and if) anything better is in place. It lies in the partition's boot area,
 * is zeroed by the supervisor before a start, and is written by the subOS only.
 * The supervisor polls it and trusts nothing in it: every field is copied once
 * and then checked.
 *
 * Changelog
 *   1.0  reset and sleep registers, trampoline stage, agent report
 *   1.1  heartbeat
 *   1.2  acknowledged grant
 */
#ifndef RF_WIRE_MAILBOX_H
#define RF_WIRE_MAILBOX_H

#include <linux/types.h>

#define RF_MAILBOX_MAGIC	0x424d4652u	/* "RFMB" */
#define RF_MAILBOX_MAJOR	1
#define RF_MAILBOX_MINOR	2

/*
 * Value that the FADT tells the subOS to write to its reset register
 * (ACPI 6.3, 4.8.3.6), and what a hardware-reduced kernel writes to its sleep
 * control register for S5: SLP_TYP (5, from our \_S5) << 2 | SLP_EN
 * (ACPI 6.3, 4.8.3.7).
 */
#define RF_MAILBOX_RESET_VALUE	0x52
#define RF_MAILBOX_SLP_TYP_S5	5
#define RF_MAILBOX_SLEEP_S5	((RF_MAILBOX_SLP_TYP_S5 << 2) | 0x20)

/* How far the boot core came. Ascending; written by who executes the stage. */
enum rf_stage {
	RF_STAGE_NONE		= 0,	/* no core has been started */
	RF_STAGE_REAL_MODE	= 1,	/* common trampoline, 16-bit (kept in low memory) */
	RF_STAGE_LONG_MODE	= 2,	/* common trampoline, 64-bit (kept in low memory) */
	RF_STAGE_CUSTOM		= 3,	/* customized trampoline reached */
	RF_STAGE_MSRS		= 4,	/* MTRRs and PAT restored */
	RF_STAGE_PAGE_TABLES	= 5,	/* on the partition's own page tables */
	RF_STAGE_KERNEL		= 6,	/* about to jump to the kernel's entry */
	RF_STAGE_AGENT		= 7,	/* rf_subos loaded and found its hand-off */
	RF_STAGE_CPUS		= 8,	/* all granted cores are up */
	RF_STAGE_RUNNING	= 9,	/* the agent is done, and the user's init has begun */
	RF_STAGE_NR
};

/* Why a subOS left the running state, or never reached it. */
enum rf_cause {
	RF_CAUSE_NONE		= 0,
	RF_CAUSE_OPERATOR	= 1,	/* rfm asked for it */
	RF_CAUSE_POWEROFF	= 2,	/* orderly power-off inside the subOS */
	RF_CAUSE_HALT		= 3,	/* orderly halt inside the subOS */
	RF_CAUSE_REBOOT		= 4,	/* orderly restart inside the subOS */
	RF_CAUSE_PANIC		= 5,	/* kernel panic; the message is in reason */
	RF_CAUSE_EMERGENCY	= 6,	/* emergency restart (sysrq b, panic=N, ...) */
	RF_CAUSE_ACPI_RESET	= 7,	/* reset register written, no agent in place */
	RF_CAUSE_ACPI_SLEEP	= 8,	/* sleep control written, no agent in place */
	RF_CAUSE_AGENT		= 9,	/* the agent refused to go on; see reason */
	RF_CAUSE_NO_ENTRY	= 10,	/* the boot core never left the trampolines */
	RF_CAUSE_SUPERVISOR	= 11,	/* the supervisor goes down */
	RF_CAUSE_HANG		= 12,	/* no heartbeat for longer than its hang time-out */
	RF_CAUSE_NR
};

#define RF_REASON_MAX	128

struct rf_mailbox {
	/* ACPI registers, each one byte wide, written by the subOS's kernel. */
	__u8	reset;			/* 0x00 RF_MAILBOX_RESET_VALUE */
	__u8	sleep_control;		/* 0x01 RF_MAILBOX_SLEEP_S5 */
	__u8	sleep_status;		/* 0x02 always 0 */
	__u8	pad0[61];

	/* Written by the customized trampoline, then by rf_subos. */
	__u32	stage;			/* 0x40 enum rf_stage */
	__u8	pad1[60];

	/* Written by rf_subos; magic last, after the rest up to it is valid. */
	__u32	magic;			/* 0x80 RF_MAILBOX_MAGIC once the agent is there */
	__u16	major;			/* 0x84 */
	__u16	minor;			/* 0x86 */
	__u32	cpus_online;		/* 0x88 cores that are up */
	__u32	cause;			/* 0x8c enum rf_cause; reason first, then cause */
	__u64	vmcoreinfo;		/* 0x90 physical address of the VMCOREINFO note */
	__u64	vmcoreinfo_size;	/* 0x98 its size in bytes */
	__u64	beat;			/* 0xa0 grows at least every RF_BEAT_MS; 0: not yet */
	/*
	 * 0xa8 0: this kernel rings nobody, because it is no member of FICM (yet), or is of a version
	 * before 1.2; else RF_GRANT_ACKNOWLEDGED, and in the lower half the even sequence of a grant:
	 * no ring that an older grant allowed is under way any more (wire/grant.h).
	 */
	__u64	acknowledged;
	__u64	pad2[10];
	char	reason[RF_REASON_MAX];	/* 0x100 NUL-terminated text for people */
};

#endif /* RF_WIRE_MAILBOX_H */
