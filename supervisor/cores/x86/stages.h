/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Constants for assembly whose C definition is not a macro. trampoline.c
 * asserts each against its enum.
 */
#ifndef RF_STAGES_H
#define RF_STAGES_H

#define RF_STAGE_REAL_MODE_	1
#define RF_STAGE_LONG_MODE_	2
#define RF_STAGE_CUSTOM_	3
#define RF_STAGE_MSRS_		4
#define RF_STAGE_PAGE_TABLES_	5
#define RF_STAGE_KERNEL_	6

#define EFER_LME_		0x100	/* 1 << _EFER_LME */

#endif /* RF_STAGES_H */
