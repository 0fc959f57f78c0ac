// SPDX-License-Identifier: GPL-2.0
/* Brings the pool up with what was reserved for it, and down when nobody owns anything. */
#include "memory/internal.h"

int rf_memory_init(void)
{
	return rf_reserved_init();
}

void rf_memory_exit(void)
{
	rf_pool_clear_wait();
	rf_blocks_exit();
	rf_reserved_exit();
}
