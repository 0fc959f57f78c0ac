/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of memory/ share. All under the ledger lock, but for fill.c. */
#ifndef RF_MEMORY_INTERNAL_H
#define RF_MEMORY_INTERNAL_H

#include "memory/memory.h"

/* extents.c: changes of the ledger's table of memory */
int rf_extents_add(u64 start, u64 size, int node, bool reserved, enum rf_content content);
int rf_extents_remove(u64 start, u64 size);
int rf_extents_move(u32 owner, u64 start, u64 size, enum rf_memory_state from,
		    enum rf_memory_state to);
int rf_extents_set_content(u64 start, u64 size, enum rf_content content);
int rf_extents_set_boot(u32 owner, u64 start);
void rf_extents_exit(void);

/* fill.c */
u8 rf_free_byte(void);
u64 rf_find_other(u64 start, u64 size, u8 byte);

/* pool.c */
int rf_pool_add(u64 start, u64 size, int node, bool reserved);

/* reserved.c: what was reserved at boot */
int rf_reserved_init(void);
void rf_reserved_exit(void);

/* blocks.c */
int rf_blocks_take(u64 size, int node, u64 *taken);
void rf_blocks_exit(void);

#endif /* RF_MEMORY_INTERNAL_H */
