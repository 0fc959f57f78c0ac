// SPDX-License-Identifier: GPL-2.0
/*
 * Fills memory, and searches it for bytes that do not belong there, through windows that are
 * mapped temporarily.
 *
 * Unowned memory that was cleared holds only zeros; with poison=1 (for tests) RF_POISON
 * instead, so that stray writes to it are found.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "memory/internal.h"

#define RF_POISON		0xa5
#define RF_WINDOW		(64ULL << 20)	/* mapped at a time */

static bool rf_poison;
module_param_named(poison, rf_poison, bool, 0444);
MODULE_PARM_DESC(poison, "fill memory nobody owns with a pattern and check it (for tests)");

/* The byte that cleared unowned memory holds. Context: any. */
u8 rf_free_byte(void)
{
	return rf_poison ? RF_POISON : 0;
}

/* Page by page, as the kernel clears huge pages: no other task waits long for this CPU. */
static void rf_fill_window(void *window, u64 pattern, u64 length)
{
	u64 done;

	for (done = 0; done < length; done += PAGE_SIZE) {
		memset64(window + done, pattern, PAGE_SIZE / sizeof(pattern));
		cond_resched();
	}
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
		rf_fill_window(window, pattern, length);
		memunmap(window);
	}
	return 0;
}

/**
 * rf_find_other() - search physical memory that the supervisor's kernel does not use
 * @start: physical address, page aligned
 * @size: bytes, a multiple of 4 KiB
 * @byte: what it should hold
 * @other: set to the physical address of the first byte that is another one, or 0
 *
 * Context: Process context, may sleep.
 * Return: 0, or -ENOMEM if it cannot be read.
 */
int rf_find_other(u64 start, u64 size, u8 byte, u64 *other)
{
	u64 at, length;
	void *window, *found;

	*other = 0;
	for (at = start; at < start + size && !*other; at += length) {
		length = min(start + size - at, RF_WINDOW);
		window = memremap(at, length, MEMREMAP_WB);
		if (!window)
			return -ENOMEM;
		found = memchr_inv(window, byte, length);
		memunmap(window);
		if (found)
			*other = at + (found - window);
		cond_resched();
	}
	return 0;
}
