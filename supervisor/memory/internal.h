/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of memory/ share. Ledger lock, but for fill.c, candidates.c, blocks.c and
 * give_back.c.
 */
#ifndef RF_MEMORY_INTERNAL_H
#define RF_MEMORY_INTERNAL_H

#include <linux/list.h>

#include "memory/memory.h"

/* extents.c: changes of the ledger's table of memory */
int rf_extents_add(u64 start, u64 size, int node, bool reserved, enum rf_content content);
int rf_extents_remove(u64 start, u64 size);
int rf_extents_move(u32 owner, u64 start, u64 size, enum rf_memory_state from,
		    enum rf_memory_state to);
int rf_extents_set_content(u64 start, u64 size, enum rf_content content);
int rf_extents_set_boot(u32 owner, u64 start);
void rf_extents_exit(void);

/* pool.c */
int rf_pool_clear_part(const struct rf_range *range);

/* fill.c */
u8 rf_free_byte(void);
int rf_find_other(u64 start, u64 size, u8 byte, u64 *other);

/* reserved.c: what was reserved at boot */
int rf_reserved_init(void);
void rf_reserved_exit(void);

/* spare.c */
u64 rf_memory_spare(void);

/* candidates.c: which block to take. Turn to hotplug */
u64 rf_blocks_returning(void);
struct page *rf_block_page(u64 start, int node);
/* So often are movable blocks waited for whose I/O is under way, before others are tried instead. */
#define RF_BUSY_LOOKS	10
u64 rf_block_pick(struct rf_provision *provision, bool *busy);
int rf_block_note_try(struct rf_provision *provision, u64 start, bool late);

/*
 * A block that was taken, or is being taken; in rf_blocks. Ledger lock; while it is in transit
 * only its thread uses what stands below that.
 */
struct rf_block {
	struct list_head node;
	const void *holder;		/* for whom it was taken, and who still needs it */
	u32 round;			/* the last one of rf_blocks_give_back() that tried it */
	bool pooled;			/* in the ledger's table */
	bool transit;
	struct rf_hotplug_job job;
	u64 start;
	int nid;
	bool movable;
	bool out;			/* of the kernel; else it is there, but not online */
	bool claimed;			/* in the resource tree */
	bool unclean;
};

extern struct list_head rf_blocks;

/* blocks.c. Turn to hotplug, not the ledger lock */
int rf_block_take(u64 start, const void *holder, unsigned long patience);
void rf_blocks_release(const void *holder);

/* give_back.c */
void rf_blocks_exit(void);

#endif /* RF_MEMORY_INTERNAL_H */
