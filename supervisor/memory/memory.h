/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who owns which physical memory: the pool, its extents, the blocks of the supervisor's
 * kernel that they come from. Guarantees that each byte of the pool has exactly one owner,
 * and that memory is cleared before it gets another one. Ledger lock, unless a function
 * says otherwise.
 */
#ifndef RF_MEMORY_H
#define RF_MEMORY_H

#include "subos/subos.h"
#include "wire/arena.h"

int rf_memory_init(void);
void rf_memory_exit(void);

/* fill.c */
int rf_fill(u64 start, u64 size, u8 byte);

/* extents.c: memory that is not the supervisor's, and who owns it. All: ledger lock */
u64 rf_pool_owned(u32 owner);
void rf_pool_ledger(struct rf_ledger *ledger);
void rf_pool_figures(int node, u64 *total, u64 *free, u64 *largest, u64 *reserved);
int rf_pool_cut(u64 start, u64 size);

/* pool.c: who is given which memory, cleared */
bool rf_pool_could_take(u64 size, int node, u64 *available);
int rf_pool_take(struct rf_subos *subos, u64 size, int node, u64 *available);
int rf_pool_take_top(u32 owner, u64 size, u64 *start);
int rf_pool_take_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *ranges,
			 u32 *count, u64 *available);
void rf_pool_put(u64 start, u64 size);
void rf_pool_clear_wait(void);
u64 rf_pool_left(void);
int rf_pool_take_back(struct rf_subos *subos, u64 *returned);
u64 rf_pool_check(void);

/* ranges.c: the memory ranges of one subOS */
bool rf_ranges_hold(struct rf_subos *subos, u64 start, u64 size);
int rf_ranges_add(struct rf_subos *subos, u64 start, u64 size);
int rf_ranges_remove(struct rf_subos *subos, u64 start, u64 size);

/* blocks.c: memory blocks taken from the supervisor's kernel and given back */
void rf_blocks_figures(struct rf_memory *memory);
int rf_blocks_give_back(void);
u64 rf_block_size(void);

#endif /* RF_MEMORY_H */
