// SPDX-License-Identifier: GPL-2.0
/* What the supervisor's kernel can do without. */
#include <linux/align.h>
#include <linux/mm.h>

#include "memory/internal.h"

/* Kept free for the supervisor itself when memory is taken from it. */
#define RF_SUPERVISOR_RESERVE	(64ULL << 20)

/**
 * rf_memory_spare() - how much memory may be taken from the supervisor's kernel now
 *
 * Context: Any.
 * Return: bytes, in whole memory blocks: no less can be taken.
 */
u64 rf_memory_spare(void)
{
	u64 available = (u64)si_mem_available() << PAGE_SHIFT;

	if (available < RF_SUPERVISOR_RESERVE)
		return 0;
	return ALIGN_DOWN(available - RF_SUPERVISOR_RESERVE, rf_block_size());
}
