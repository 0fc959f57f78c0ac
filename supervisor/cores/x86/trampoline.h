/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the trampolines' assembly and trampoline.c. The structs are
 * authoritative; trampoline.c asserts every offset below against them.
 */
#ifndef RF_TRAMPOLINE_H
#define RF_TRAMPOLINE_H

/* struct rf_common_header, from the start of the common trampoline */
#define RF_COMMON_HEADER	0x08
#define RF_COMMON_STAGE		0x08
#define RF_COMMON_CR4		0x0c
#define RF_COMMON_CR3		0x10
#define RF_COMMON_CUSTOM	0x18
#define RF_COMMON_GDTR		0x20
#define RF_COMMON_FAR		0x28
#define RF_COMMON_GDT		0x30

/* struct rf_custom_header, from the start of the customized trampoline */
#define RF_CUSTOM_HEADER	0x10
#define RF_CUSTOM_MAILBOX	0x10
#define RF_CUSTOM_CR3		0x18
#define RF_CUSTOM_ENTRY		0x20
#define RF_CUSTOM_BOOT_PARAMS	0x28
#define RF_CUSTOM_GDTR		0x30
#define RF_CUSTOM_NR_MSRS	0x3c
#define RF_CUSTOM_GDT		0x40
#define RF_CUSTOM_MSRS		0x60
#define RF_CUSTOM_MSRS_MAX	48

#define RF_GDT_CODE		0x10	/* 64-bit boot protocol: __BOOT_CS */
#define RF_GDT_DATA		0x18	/* __BOOT_DS */

#define RF_MAILBOX_STAGE	0x40	/* offsetof(struct rf_mailbox, stage) */

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct rf_gdtr {
	u16 limit;
	u64 base;			/* 16- and 32-bit code reads its low half only */
} __packed;

/* In low memory, at the start of the common trampoline. Filled before each start. */
struct rf_common_header {
	u32 stage;			/* enum rf_stage, written by the starting core */
	u32 cr4;			/* PAE, and LA57 if the custom tables have 5 levels */
	u32 cr3;			/* page tables in low memory: map it and the boot area */
	u32 pad;
	u64 custom;			/* physical address of the customized trampoline */
	struct {
		u16 limit;
		u32 base;
	} __packed gdtr;
	u16 pad2;
	u32 far_offset;			/* linear address of the 64-bit part */
	u16 far_selector;
	u16 pad3;
	u64 gdt[4];
};

struct rf_msr {
	u32 index;
	u32 pad;
	u64 value;
};

/* In the partition, at the start of the customized trampoline. */
struct rf_custom_header {
	u64 mailbox;			/* physical addresses, all of them */
	u64 cr3;
	u64 entry;
	u64 boot_params;
	struct rf_gdtr gdtr;
	u16 pad;
	u32 nr_msrs;
	u64 gdt[4];
	struct rf_msr msrs[RF_CUSTOM_MSRS_MAX];	/* restored in this order */
};

#define RF_COMMON_TABLE_PAGES	6

void rf_common_fill(u64 base, u64 tables, u64 to, bool la57);

extern const u64 rf_flat_gdt[4];
extern const char rf_common_start[], rf_common_long[], rf_common_end[];
extern const char rf_custom_start[], rf_custom_end[];
#endif /* !__ASSEMBLY__ */
#endif /* RF_TRAMPOLINE_H */
