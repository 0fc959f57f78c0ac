/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of base/ share. */
#ifndef RF_BASE_INTERNAL_H
#define RF_BASE_INTERNAL_H

#include "base/base.h"

/* work.c */
int rf_work_init(void);
void rf_work_exit(void);

/* step.c */
void rf_step_stall(const u32 *seconds);

/* hotplug.c */
void rf_hotplug_pass(void);

/* platform.c */
int rf_platform_check(void);

#endif /* RF_BASE_INTERNAL_H */
