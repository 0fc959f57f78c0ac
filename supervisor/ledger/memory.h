/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is not the supervisor's: extents, sorted by address, without overlap, each
 * with one owner and one state:
 *
 *   FREE ----> COMING ----> OWNED <---> LEAVING ----> FREE
 *     ^           |
 *     +-----------+ (not granted after all)
 *
 * Only CLEAN memory gets an owner, and memory that an owner gave up is LEFT until it is recorded
 * as CLEAN: so memory is always cleared before another owner gets it.
 *
 * The ranges of a subOS are derived: its OWNED memory, adjacent extents joined. The boot range,
 * which begins with the boot area, is the first; memory right below it is a separate range.
 *
 * Storage is the caller's: an array, replaced by a larger one when it gets full. A change in
 * the middle of an extent adds two extents, and no change adds more: a caller that makes room
 * for RF_MEMORY_SPARE extents before a change does not get -ENOMEM from it.
 */
#ifndef RF_LEDGER_MEMORY_H
#define RF_LEDGER_MEMORY_H

#include "owner.h"
#include "wire/handoff.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RF_MEMORY_SPARE	2

enum rf_memory_state {
	RF_MEMORY_FREE,			/* nobody's */
	RF_MEMORY_COMING,		/* its owner's, cleared, but in no grant yet */
	RF_MEMORY_OWNED,		/* in its owner's grant */
	RF_MEMORY_LEAVING,		/* its owner's, but out of the grant: not free yet */
	RF_MEMORY_STATES
};

/* What FREE memory holds, worst first. Owned memory is always recorded as LEFT. */
enum rf_content {
	RF_CONTENT_LEFT,		/* what its last owner left: cleared in the background */
	RF_CONTENT_BOOT,		/* what boot left: cleared before it gets an owner */
	RF_CONTENT_CLEAN,		/* nothing: it may get an owner */
};

struct rf_extent {
	__u64 start;			/* multiples of RF_EXTENT_SIZE */
	__u64 size;
	__s32 nid;			/* NUMA node */
	__u32 owner;			/* FREE: RF_OWNER_SUPERVISOR; else a subOS, or the arena */
	enum rf_memory_state state;
	enum rf_content content;
	bool reserved;			/* at boot; never goes to the supervisor's kernel */
	bool boot;			/* begins with the boot area of its owner */
};

struct rf_memory_table {
	struct rf_extent *extents;	/* by address; the caller's memory */
	__u32 count;
	__u32 capacity;
	__u64 bytes;			/* of all extents */
};

struct rf_memory_figures {
	__u64 total;			/* bytes, as all of these */
	__u64 free;			/* nobody's */
	__u64 largest;			/* free, in one piece */
	__u64 reserved;			/* at boot */
	__u64 left;			/* free, but LEFT */
};

/* extents.c, memory.c: which memory there is, and who owns it */
void rf_ledger_memory_init(struct rf_memory_table *table, struct rf_extent *extents,
			   __u32 capacity);
struct rf_extent *rf_ledger_memory_grow(struct rf_memory_table *table,
					struct rf_extent *extents, __u32 capacity);
__u32 rf_ledger_memory_spare(const struct rf_memory_table *table);
int rf_ledger_memory_add(struct rf_memory_table *table, __u64 start, __u64 size, __s32 nid,
			 bool reserved, enum rf_content content);
int rf_ledger_memory_remove(struct rf_memory_table *table, __u64 start, __u64 size);
int rf_ledger_memory_move(struct rf_memory_table *table, __u64 start, __u64 size, __u32 owner,
			  enum rf_memory_state from, enum rf_memory_state to);
int rf_ledger_memory_set_content(struct rf_memory_table *table, __u64 start, __u64 size,
				 enum rf_content content);
int rf_ledger_memory_set_boot(struct rf_memory_table *table, __u64 start, __u32 owner);
bool rf_memory_transition(enum rf_memory_state from, enum rf_memory_state to);

/* ranges.c: queries, by owner or by address (figures: memory_pick.c) */
bool rf_ledger_memory_holds(const struct rf_memory_table *table, __u32 owner, __u64 start,
			    __u64 size);
__u32 rf_ledger_memory_ranges(const struct rf_memory_table *table, __u32 owner,
			      struct rf_range *ranges, __u32 room);
bool rf_ledger_memory_next_range(const struct rf_memory_table *table, __u32 owner, __u64 from,
				 struct rf_range *range);
bool rf_ledger_memory_would_fit(const struct rf_memory_table *table, __u32 owner, __u64 start,
				__u64 size, bool granted);
__u32 rf_ledger_memory_room(const struct rf_memory_table *table, __u32 owner);
__u64 rf_ledger_memory_boot(const struct rf_memory_table *table, __u32 owner);
__u64 rf_ledger_memory_owned(const struct rf_memory_table *table, __u32 owner);
bool rf_ledger_memory_is_free(const struct rf_memory_table *table, __u64 start, __u64 size);
bool rf_ledger_memory_is_clean(const struct rf_memory_table *table, __u64 start, __u64 size);
const struct rf_extent *rf_ledger_memory_next(const struct rf_memory_table *table, __u32 owner,
					      __u64 from);
bool rf_ledger_memory_next_left(const struct rf_memory_table *table, __u64 step,
				struct rf_range *range);
bool rf_ledger_memory_next_unclean(const struct rf_memory_table *table, __u64 start, __u64 size,
				   struct rf_range *range);
void rf_ledger_memory_figures(const struct rf_memory_table *table, __s32 node,
			      struct rf_memory_figures *figures);

/* memory_pick.c: choosing free memory. @node: -1 for any */
__u64 rf_ledger_memory_usable(const struct rf_memory_table *table, __s32 node, __u64 guard);
bool rf_ledger_memory_pick(const struct rf_memory_table *table, __u64 size, __s32 node,
			   __u64 guard, struct rf_range *range);
bool rf_ledger_memory_pick_top(const struct rf_memory_table *table, __u64 size, __u64 guard,
			       struct rf_range *range);
__u64 rf_ledger_memory_usable_blocks(const struct rf_memory_table *table, __u64 block,
				     __s32 node);
bool rf_ledger_memory_pick_blocks(const struct rf_memory_table *table, __u64 size, __u64 block,
				  __s32 node, struct rf_range *range);

/* For check.c and copy.c. */
const char *rf_ledger_memory_check(const struct rf_memory_table *table);
int rf_ledger_memory_adopt(struct rf_memory_table *table, __u64 start, __u64 size, __u32 owner);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_MEMORY_H */
