/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the park stub's assembly and park.c, which asserts every offset below. */
#ifndef RF_PARK_H
#define RF_PARK_H

/* struct rf_park_header, from the start of the stub */
#define RF_PARK_HEADER		0x08
#define RF_PARK_RECORDS		0x08
#define RF_PARK_GDTR		0x10
#define RF_PARK_NR_CLEAR	0x1c
#define RF_PARK_IDTR		0x20
#define RF_PARK_NR_RESTORE	0x2c
#define RF_PARK_GDT		0x30
#define RF_PARK_CLEAR		0x50
#define RF_PARK_CLEAR_MAX	32
#define RF_PARK_RESTORE		(RF_PARK_CLEAR + 4 * RF_PARK_CLEAR_MAX)
#define RF_PARK_RESTORE_MAX	4

/* struct rf_park_record */
#define RF_PARK_RECORD_SHIFT	8		/* its size */
#define RF_PARK_WANTED		0x00
#define RF_PARK_HELD		0x04
#define RF_PARK_NMIS		0x08
#define RF_PARK_CHECKS		0x0c
#define RF_PARK_VALID		0x10
#define RF_PARK_VALUES		0x18

#define RF_PARK_IDS		256

#ifndef __ASSEMBLY__
#include <linux/types.h>

#include "trampoline.h"

/* At the start of the stub. Written once, before the first core is sent here. */
struct rf_park_header {
	u64 records;			/* physical address: struct rf_park_record[RF_PARK_IDS] */
	struct rf_gdtr gdtr;
	u16 pad;
	u32 nr_clear;
	struct rf_gdtr idtr;
	u16 pad2;
	u32 nr_restore;
	u64 gdt[4];
	u32 clear[RF_PARK_CLEAR_MAX];	/* MSRs that are set to 0, in this order */
	u32 restore[RF_PARK_RESTORE_MAX];	/* MSRs that get back the supervisor's values */
};

extern const char rf_park_start[], rf_park_end[];
extern const char rf_park_nmi[], rf_park_check[], rf_park_skip[], rf_park_stuck[];
#endif /* !__ASSEMBLY__ */
#endif /* RF_PARK_H */
