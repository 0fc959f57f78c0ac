// SPDX-License-Identifier: GPL-2.0
/* Nothing is brought up on a machine that cannot be partitioned. */
#include "base/internal.h"

int rf_base_init(void)
{
	return rf_platform_check() ?: rf_work_init();
}

void rf_base_exit(void)
{
	rf_work_exit();
}
