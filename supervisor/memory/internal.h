/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of memory/ share. All under the ledger lock, but for fill.c. */
#ifndef RF_MEMORY_INTERNAL_H
#define RF_MEMORY_INTERNAL_H

#include "memory/memory.h"

struct rf_pool_extent {
	struct list_head node;		/* in rf_pool, by address */
	u64 start, size;
	int nid;
	u32 owner;			/* RF_OWNER_SUPERVISOR: nobody */
	bool reserved;			/* reserved at boot; never goes to the supervisor's kernel */
	enum rf_content content;
};

/* extents.c */
extern struct list_head rf_pool;	/* by address */

int rf_pool_split(struct rf_pool_extent *extent, u64 address);
int rf_pool_add(u64 start, u64 size, int node, bool reserved);
int rf_pool_remove(u64 start, u64 size);
bool rf_pool_is_free(u64 start, u64 size);
bool rf_pool_is_zero(u64 start, u64 size);
void rf_pool_merge(bool all);
void rf_extents_exit(void);
void rf_extents_disown(u64 start, u64 size, enum rf_content content);

/* fill.c */
u8 rf_free_byte(void);
u64 rf_find_other(u64 start, u64 size, u8 byte);

/* reserved.c: what was reserved at boot */
int rf_reserved_init(void);
void rf_reserved_exit(void);

/* blocks.c */
int rf_blocks_take(u64 size, int node, u64 *taken);
void rf_blocks_exit(void);

#endif /* RF_MEMORY_INTERNAL_H */
