/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The physical memory that changes hands: the pool, and the blocks of the supervisor's kernel
 * that it comes from. The ledger records who owns what (ledger/memory.h); only this room changes
 * that. Guarantees that memory that the ledger calls CLEAN is clean, and that memory is cleared
 * before it gets another owner. Ledger lock, unless a function says otherwise.
 */
#ifndef RF_MEMORY_H
#define RF_MEMORY_H

#include "subos/subos.h"

int rf_memory_init(void);
void rf_memory_exit(void);

/* fill.c */
int rf_fill(u64 start, u64 size, u8 byte);

/* pool.c: memory of the pool changes hands; free memory is cleared */
int rf_pool_own(u32 owner, u64 start, u64 size);
int rf_pool_leave(u32 owner, u64 start, u64 size);
void rf_pool_put(u32 owner, u64 start, u64 size, enum rf_memory_state from);
int rf_pool_take_back(struct rf_subos *subos, u64 *returned);
void rf_pool_clear_wait(void);
u64 rf_pool_check(void);

/* carve.c: decides who gets which memory, and clears it */
bool rf_pool_could_take(u64 size, int node, u64 *available);
int rf_pool_take(struct rf_subos *subos, u64 size, int node, u64 *available);
int rf_pool_take_top(u32 owner, u64 size, u64 *start);
int rf_pool_take_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *ranges,
			 u32 *count, u64 *available);

/* blocks.c: memory blocks taken from the supervisor's kernel and given back */
void rf_blocks_figures(struct rf_memory *memory);
int rf_blocks_give_back(void);
u64 rf_block_size(void);

#endif /* RF_MEMORY_H */
