/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of memory/ share. Ledger lock, but for fill.c, candidates.c and blocks.c. */
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

/* reserved.c: what was reserved at boot */
int rf_reserved_init(void);
void rf_reserved_exit(void);

/* candidates.c: which block to take. Turn to hotplug */
struct page *rf_block_page(u64 start, int node);
u64 rf_block_pick(int node, struct xarray *notes, bool *busy);
int rf_block_exclude(struct xarray *notes, u64 start);

/* blocks.c. Turn to hotplug, not the ledger lock */
int rf_block_take(u64 start, const void *holder, unsigned long deadline);
void rf_blocks_release(const void *holder);
void rf_blocks_exit(void);

#endif /* RF_MEMORY_INTERNAL_H */
