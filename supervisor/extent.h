/* SPDX-License-Identifier: GPL-2.0 */
/* Extents of the pool: what extents.c and pool.c share. All under the ledger lock. */
#ifndef RF_EXTENT_H
#define RF_EXTENT_H

#include "supervisor.h"

struct rf_extent {
	struct list_head node;		/* in rf_pool, by address */
	u64 start, size;
	int nid;
	u32 owner;			/* RF_OWNER_SUPERVISOR: nobody */
	bool reserved;			/* reserved at boot; never goes to the supervisor's kernel */
	bool clean;			/* holds rf_free_byte() everywhere, if nobody owns it */
};

extern struct list_head rf_pool;	/* by address */

int rf_extent_split(struct rf_extent *extent, u64 address);
void rf_pool_merge(bool all);
void rf_pool_disown(u64 start, u64 size, bool clean);
u8 rf_free_byte(void);			/* what memory nobody owns holds */

#endif /* RF_EXTENT_H */
