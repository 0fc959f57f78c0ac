/* SPDX-License-Identifier: GPL-2.0 */
/* Extents of the pool: what extents.c and pool.c share. All under the ledger lock. */
#ifndef RF_EXTENT_H
#define RF_EXTENT_H

#include "supervisor.h"

/*
 * What an extent that nobody owns holds. Joined extents hold the lower of both; an
 * extent that has an owner is of the first kind.
 */
enum rf_content {
	RF_CONTENT_LEFT,		/* what its last owner left: cleared in the background */
	RF_CONTENT_BOOT,		/* what boot left: cleared when it gets an owner */
	RF_CONTENT_CLEAN,		/* rf_free_byte() everywhere */
};

struct rf_extent {
	struct list_head node;		/* in rf_pool, by address */
	u64 start, size;
	int nid;
	u32 owner;			/* RF_OWNER_SUPERVISOR: nobody */
	bool reserved;			/* reserved at boot; never goes to the supervisor's kernel */
	enum rf_content content;
};

extern struct list_head rf_pool;	/* by address */

int rf_extent_split(struct rf_extent *extent, u64 address);
void rf_pool_merge(bool all);
void rf_pool_disown(u64 start, u64 size, enum rf_content content);
u8 rf_free_byte(void);			/* what memory nobody owns holds */

#endif /* RF_EXTENT_H */
