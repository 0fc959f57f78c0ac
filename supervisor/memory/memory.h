/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The physical memory that changes hands: the pool, and the blocks of the supervisor's kernel
 * that it comes from. The ledger records who owns what (ledger/memory.h); only this room changes
 * that. Guarantees that memory that the ledger calls CLEAN is clean, and that memory is cleared
 * before it gets another owner. Ledger lock, unless a function says otherwise.
 */
#ifndef RF_MEMORY_H
#define RF_MEMORY_H

#include <linux/xarray.h>

#include "subos/subos.h"

int rf_memory_init(void);
void rf_memory_exit(void);

/* fill.c */
int rf_fill(u64 start, u64 size, u8 byte);

/* pool.c: memory of the pool changes hands; free memory is cleared */
int rf_pool_own(u32 owner, u64 start, u64 size);
int rf_pool_leave(u32 owner, u64 start, u64 size);
void rf_pool_put(u32 owner, u64 start, u64 size, enum rf_memory_state from);
int rf_pool_take_back(struct rf_subos *subos, u64 *returned);	/* not the ledger lock */
void rf_pool_clear_wait(void);
int rf_pool_check(u64 *wrong);

/* carve.c: decides who gets which memory, and clears it */
u64 rf_pool_at_best(const struct rf_memory *memory, u64 align);
bool rf_pool_could_take(u64 size, u64 align, int node, u64 *available);
u64 rf_pool_missing(u64 size, u64 align, int node, bool ample, u64 *available);
int rf_pool_take(struct rf_subos *subos, u64 size, int node);	/* not the ledger lock */
int rf_pool_take_top(u32 owner, u64 size, u64 *start);
int rf_pool_take_aligned(u32 owner, u64 size, u64 align, int node, struct rf_range *ranges,
			 u32 *count);				/* not the ledger lock */

/* provide.c: the pool gets what it lacks. Not the ledger lock */
struct rf_provision {
	u64 size;			/* bytes that are needed */
	u64 align;			/* in whole blocks of this size, or 0 */
	int node;			/* NUMA node, or -1 */
	const struct rf_subos *subos;	/* nobody needs it once that has ended; or NULL */
	unsigned long deadline;		/* jiffies */
	unsigned long patience;		/* so much time again after each block, or 0; jiffies */
	u64 available;			/* out: what the pool has */
	bool began;			/* a block was tried */
	u64 missing;			/* bytes, at the last look */
	u64 idle;			/* bytes taken since without any effect on that */
	u32 looks;			/* at blocks whose I/O is under way */
	u32 round;			/* of tries, longer ones each time */
	bool late;			/* in this round one had no result in time */
	struct xarray notes;		/* of candidates.c */
};

void rf_provision_init(struct rf_provision *provision, u32 timeout_ms);
int rf_pool_provide(struct rf_provision *provision);
bool rf_provisions_any(void);
void rf_pool_release(struct rf_provision *provision);

/* candidates.c */
void rf_blocks_figures(struct rf_memory *memory);
u64 rf_block_size(void);

/* give_back.c: blocks return to the supervisor's kernel. Neither the turn nor the ledger lock */
int rf_blocks_give_back(void);
int rf_blocks_home(void);
void rf_blocks_unused(void);
void rf_blocks_later(void);

#endif /* RF_MEMORY_H */
