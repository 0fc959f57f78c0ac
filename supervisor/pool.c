// SPDX-License-Identifier: GPL-2.0
/*
 * The pool: memory that is not the supervisor's. It comes from ranges reserved
 * at boot (parameter pool=) and from memory blocks taken at run time, and is
 * carved into partitions in steps of RF_EXTENT_SIZE. The list of extents is the
 * ledger of memory: sorted, without overlap, each with exactly one owner.
 *
 * Memory is cleared when it leaves an owner, so memory nobody owns holds only
 * zeros. With poison=1 (for tests) it holds RF_POISON instead, is verified and
 * cleared when it gets an owner, and partitions keep a distance of one extent.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "supervisor.h"

#define RF_POISON		0xa5
#define RF_WINDOW		(64ULL << 20)	/* mapped at a time */

static char *rf_pool_parameter;
module_param_named(pool, rf_pool_parameter, charp, 0444);
MODULE_PARM_DESC(pool, "SIZE@ADDRESS[,...]: ranges reserved at boot by memmap=SIZE$ADDRESS");

static bool rf_poison;
module_param_named(poison, rf_poison, bool, 0444);
MODULE_PARM_DESC(poison, "fill memory nobody owns with a pattern and check it (for tests)");

struct rf_extent {
	struct list_head node;		/* in rf_pool, by address */
	u64 start, size;
	int nid;
	u32 owner;			/* RF_OWNER_SUPERVISOR: nobody */
	bool reserved;			/* reserved at boot; never goes to the supervisor's kernel */
	bool clean;			/* holds rf_free_byte() everywhere, if nobody owns it */
};

static LIST_HEAD(rf_pool);		/* ledger lock */

/* Ranges claimed in the resource tree at load, released at unload. */
static struct rf_range rf_claimed[RF_RANGES_MAX];
static u32 rf_nr_claimed;

static u8 rf_free_byte(void)
{
	return rf_poison ? RF_POISON : 0;
}

/**
 * rf_fill() - fill physical memory that the supervisor's kernel does not use
 * @start: physical address, page aligned
 * @size: bytes, a multiple of 4 KiB
 * @byte: what to fill it with
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int rf_fill(u64 start, u64 size, u8 byte)
{
	const u64 pattern = byte * 0x0101010101010101ULL;
	u64 at, length;

	for (at = start; at < start + size; at += length) {
		void *window;

		length = min(start + size - at, RF_WINDOW);
		window = memremap(at, length, MEMREMAP_WB);
		if (!window)
			return -ENOMEM;
		memset64(window, pattern, length / sizeof(pattern));
		memunmap(window);
		cond_resched();
	}
	return 0;
}

/* Physical address of the first byte in the range that is not @byte, or 0. */
static u64 rf_find_other(u64 start, u64 size, u8 byte)
{
	u64 at, length;
	void *window, *found;

	for (at = start; at < start + size; at += length) {
		length = min(start + size - at, RF_WINDOW);
		window = memremap(at, length, MEMREMAP_WB);
		if (!window)
			return at;
		found = memchr_inv(window, byte, length);
		memunmap(window);
		if (found)
			return at + (found - window);
		cond_resched();
	}
	return 0;
}

/* A new extent in its place in the list, otherwise like @like. */
static struct rf_extent *rf_extent_insert(u64 start, u64 size, const struct rf_extent *like)
{
	struct rf_extent *extent = kzalloc(sizeof(*extent), GFP_KERNEL), *at;

	if (!extent)
		return NULL;
	*extent = *like;
	extent->start = start;
	extent->size = size;
	list_for_each_entry(at, &rf_pool, node)
		if (at->start > start)
			break;
	list_add_tail(&extent->node, &at->node);
	return extent;
}

/* Cut @extent at @address (inside it): it keeps the lower part. */
static int rf_extent_split(struct rf_extent *extent, u64 address)
{
	u64 lower = address - extent->start;

	if (!lower || lower >= extent->size)
		return 0;
	if (!rf_extent_insert(address, extent->size - lower, extent))
		return -ENOMEM;
	extent->size = lower;
	return 0;
}

/* Join neighbours that nobody owns. */
static void rf_pool_merge(void)
{
	struct rf_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		while (!list_entry_is_head(next, &rf_pool, node) && !extent->owner &&
		       !next->owner && extent->start + extent->size == next->start &&
		       extent->nid == next->nid && extent->reserved == next->reserved &&
		       extent->clean == next->clean) {
			struct rf_extent *after = list_next_entry(next, node);

			extent->size += next->size;
			list_del(&next->node);
			kfree(next);
			next = after;
		}
	}
}

/**
 * rf_pool_add() - memory that nobody owns any more joins the pool
 * @start: physical address, RF_EXTENT_SIZE aligned
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node
 * @reserved: reserved at boot
 *
 * Context: Process context. Ledger lock held.
 * Return: 0 or -ENOMEM; on error the pool is as before.
 */
int rf_pool_add(u64 start, u64 size, int node, bool reserved)
{
	struct rf_extent extent = { .nid = node, .reserved = reserved };

	/* What was reserved at boot is large, and nobody's: it is cleared when it is carved. */
	if (!reserved || rf_poison) {
		if (rf_fill(start, size, rf_free_byte()))
			return -ENOMEM;
		extent.clean = true;
	}
	if (!rf_extent_insert(start, size, &extent))
		return -ENOMEM;
	rf_pool_merge();
	return 0;
}

/* Take memory that nobody owns out of the pool. Ledger lock held. */
int rf_pool_remove(u64 start, u64 size)
{
	struct rf_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		if (extent->start + extent->size <= start || extent->start >= start + size)
			continue;
		if (rf_extent_split(extent, start))
			return -ENOMEM;
		if (extent->start < start) {
			next = list_next_entry(extent, node);
			continue;
		}
		if (rf_extent_split(extent, start + size))
			return -ENOMEM;
		list_del(&extent->node);
		kfree(extent);
	}
	return 0;
}

/* Does nobody own anything in this range? Ledger lock held. */
bool rf_pool_is_free(u64 start, u64 size)
{
	struct rf_extent *extent;

	list_for_each_entry(extent, &rf_pool, node)
		if (extent->owner && extent->start < start + size &&
		    extent->start + extent->size > start)
			return false;
	return true;
}

/* Figures of the pool, in bytes, any pointer may be NULL. Ledger lock held. */
void rf_pool_figures(int node, u64 *total, u64 *free, u64 *largest, u64 *reserved)
{
	u64 sum = 0, sum_free = 0, sum_reserved = 0, max_free = 0;
	struct rf_extent *extent;

	list_for_each_entry(extent, &rf_pool, node) {
		if (node >= 0 && extent->nid != node)
			continue;
		sum += extent->size;
		if (extent->reserved)
			sum_reserved += extent->size;
		if (extent->owner)
			continue;
		sum_free += extent->size;
		max_free = max(max_free, extent->size);
	}
	if (total)
		*total = sum;
	if (free)
		*free = sum_free;
	if (largest)
		*largest = max_free;
	if (reserved)
		*reserved = sum_reserved;
}

/* Distance from other partitions that a carve keeps at both ends of a free extent. */
static u64 rf_guard(void)
{
	return rf_poison ? RF_EXTENT_SIZE : 0;
}

static u64 rf_extent_usable(const struct rf_extent *extent, int node)
{
	if (extent->owner || (node >= 0 && extent->nid != node) ||
	    extent->size <= 2 * rf_guard())
		return 0;
	return extent->size - 2 * rf_guard();
}

/* The free extent to carve from: the smallest that holds all, else the largest. */
static struct rf_extent *rf_pool_pick(u64 size, int node)
{
	struct rf_extent *extent, *fits = NULL, *largest = NULL;

	list_for_each_entry(extent, &rf_pool, node) {
		u64 usable = rf_extent_usable(extent, node);

		if (usable >= size && (!fits || extent->size < fits->size))
			fits = extent;
		if (usable && (!largest || extent->size > largest->size))
			largest = extent;
	}
	return fits ?: largest;
}

static u64 rf_pool_usable(int node)
{
	struct rf_extent *extent;
	u64 sum = 0;

	list_for_each_entry(extent, &rf_pool, node)
		sum += rf_extent_usable(extent, node);
	return sum;
}

/* Memory gets an owner: it must hold only zeros, and must have been left alone so far. */
static int rf_extent_clear(struct rf_extent *extent)
{
	u64 wrong;

	if (extent->clean && rf_poison) {
		wrong = rf_find_other(extent->start, extent->size, RF_POISON);
		if (wrong)
			pr_err("memory nobody owned was written at 0x%llx\n", wrong);
	} else if (extent->clean) {
		return 0;
	}
	return rf_fill(extent->start, extent->size, 0);
}

/* Give @size bytes from free extents to @subos. -ENOMEM leaves what was carved with it. */
static int rf_pool_carve(struct rf_subos *subos, u64 size, int node)
{
	while (size) {
		struct rf_extent *extent = rf_pool_pick(size, node);
		u64 start, part;
		int rc;

		if (!extent || subos->nr_ranges == RF_RANGES_MAX)
			return -ENOMEM;
		start = extent->start + rf_guard();
		part = min(size, rf_extent_usable(extent, node));
		if (rf_extent_split(extent, start))
			return -ENOMEM;
		if (extent->start < start)
			extent = list_next_entry(extent, node);
		if (rf_extent_split(extent, start + part))
			return -ENOMEM;
		extent->owner = subos->id;
		subos->ranges[subos->nr_ranges++] = (struct rf_range){ start, part };
		size -= part;
		rc = rf_extent_clear(extent);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * rf_pool_could_take() - is a rf_pool_take() worth trying?
 * @size: bytes
 * @node: NUMA node, or -1
 * @available: how much could be given at best
 *
 * Context: Process context. Ledger lock held.
 */
bool rf_pool_could_take(u64 size, int node, u64 *available)
{
	struct rf_memory memory = { .node = node };

	lockdep_assert_held(&rf_ledger_lock);
	*available = rf_pool_usable(node);
	if (*available >= size)
		return true;
	rf_blocks_figures(&memory);
	*available += memory.movable + memory.other;
	return *available >= size + 2 * rf_guard();
}

/**
 * rf_pool_take() - give a subOS its memory, cleared
 * @subos: the new owner; its ranges[] also hold what it got before an error
 * @size: bytes, a multiple of RF_EXTENT_SIZE
 * @node: NUMA node, or -1
 * @available: on -ENOMEM, how much could have been given
 *
 * Takes memory blocks from the supervisor if the pool is too small.
 *
 * Context: Process context, interruptible. Ledger lock held.
 * Return: 0, -ENOMEM, -EINTR.
 */
int rf_pool_take(struct rf_subos *subos, u64 size, int node, u64 *available)
{
	u64 usable = rf_pool_usable(node), taken;
	int rc;

	lockdep_assert_held(&rf_ledger_lock);
	if (usable < size) {
		rc = rf_blocks_take(size - usable + 2 * rf_guard(), node, &taken);
		*available = rf_pool_usable(node);
		if (rc)
			return rc;
	}
	rc = rf_step("memory-carve");
	if (!rc)
		rc = rf_pool_carve(subos, size, node);
	return rc;
}

/**
 * rf_pool_release() - take a subOS's memory back, cleared
 * @subos: the owner; none of its cores or devices can write any more
 * @returned: counts the bytes
 *
 * Context: Process context. Ledger lock held.
 * Return: 0 or an error; the subOS keeps the ranges that could not be cleared.
 */
int rf_pool_release(struct rf_subos *subos, u64 *returned)
{
	struct rf_extent *extent;
	u32 i, kept = 0;
	int rc, result = 0;

	lockdep_assert_held(&rf_ledger_lock);
	for (i = 0; i < subos->nr_ranges; i++) {
		struct rf_range range = subos->ranges[i];

		rc = rf_step("memory-clear");
		if (!rc)
			rc = rf_fill(range.start, range.size, rf_free_byte());
		if (rc) {
			subos->ranges[kept++] = range;
			result = rc;
			continue;
		}
		list_for_each_entry(extent, &rf_pool, node)
			if (extent->start == range.start) {
				extent->owner = RF_OWNER_SUPERVISOR;
				extent->clean = true;
			}
		*returned += range.size;
	}
	subos->nr_ranges = kept;
	rf_pool_merge();
	return result;
}

/* First address in memory nobody owns that does not hold what it should, or 0. Reads it all. */
u64 rf_pool_check(void)
{
	struct rf_extent *extent;
	u64 wrong;

	lockdep_assert_held(&rf_ledger_lock);
	list_for_each_entry(extent, &rf_pool, node) {
		if (extent->owner || !extent->clean)
			continue;
		wrong = rf_find_other(extent->start, extent->size, rf_free_byte());
		if (wrong)
			return wrong;
	}
	return 0;
}

/* Is the range inside one memmap=SIZE$START of the kernel command line? */
static bool rf_reserved_at_boot(char *cmdline, u64 start, u64 size)
{
	static const char option[] = "memmap=";
	char *at = cmdline;

	while ((at = strstr(at, option))) {
		at += sizeof(option) - 1;
		for (;;) {
			u64 length = memparse(at, &at), base;
			char kind = *at;

			base = *at ? memparse(at + 1, &at) : 0;
			if (kind == '$' && start >= base && size <= length &&
			    start - base <= length - size)
				return true;
			if (*at != ',')
				break;
			at++;
		}
	}
	return false;
}

static int rf_pool_add_reserved(char *cmdline, u64 start, u64 size)
{
	if (!size || !IS_ALIGNED(start | size, RF_EXTENT_SIZE)) {
		pr_err("pool=: 0x%llx@0x%llx is not in steps of 2 MiB\n", size, start);
		return -EINVAL;
	}
	if (!rf_reserved_at_boot(cmdline, start, size) ||
	    region_intersects(start, size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
		    REGION_DISJOINT) {
		pr_err("pool=: 0x%llx@0x%llx was not reserved by memmap=SIZE$START at boot\n",
		       size, start);
		return -EINVAL;
	}
	if (rf_nr_claimed == RF_RANGES_MAX ||
	    !request_mem_region(start, size, "rainforest pool")) {
		pr_err("pool=: 0x%llx@0x%llx is used by somebody else\n", size, start);
		return -EBUSY;
	}
	rf_claimed[rf_nr_claimed++] = (struct rf_range){ start, size };
	return rf_pool_add(start, size, memory_add_physaddr_to_nid(start), true);
}

int rf_pool_init(void)
{
	char *cmdline, *at = rf_pool_parameter;
	int rc = 0;

	if (!at || !*at)
		return 0;
	cmdline = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!cmdline)
		return -ENOMEM;
	rf_file_read("/proc/cmdline", cmdline, PAGE_SIZE);
	mutex_lock(&rf_ledger_lock);
	while (!rc && *at) {
		u64 size = memparse(at, &at), start = 0;
		bool valid = *at == '@';

		if (valid)
			start = memparse(at + 1, &at);
		if (!valid || (*at && *at != ',')) {
			pr_err("pool=%s: expected SIZE@ADDRESS[,...]\n", rf_pool_parameter);
			rc = -EINVAL;
			break;
		}
		rc = rf_pool_add_reserved(cmdline, start, size);
		if (*at)
			at++;
	}
	mutex_unlock(&rf_ledger_lock);
	kfree(cmdline);
	if (rc)
		rf_pool_exit();
	return rc;
}

/* Nobody owns anything any more, and all blocks went back: only reserved memory is left. */
void rf_pool_exit(void)
{
	struct rf_extent *extent, *next;

	list_for_each_entry_safe(extent, next, &rf_pool, node) {
		list_del(&extent->node);
		kfree(extent);
	}
	while (rf_nr_claimed--)
		release_mem_region(rf_claimed[rf_nr_claimed].start,
				   rf_claimed[rf_nr_claimed].size);
}
