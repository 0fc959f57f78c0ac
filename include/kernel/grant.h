/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Readers of a grant page, and its writer (wire/grant.h). The page changes under its
 * readers: what was read counts only if the sequence was even before and is the same
 * after. One look compiles in user space as well, where it is tested.
 */
#ifndef RF_KERNEL_GRANT_H
#define RF_KERNEL_GRANT_H

#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/stddef.h>
#include <linux/string.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#endif

#include "kernel/barriers.h"
#include "wire/grant.h"

/* The writer holds the sequence odd for microseconds; but it may be delayed. */
#define RF_GRANT_TRIES		100

/**
 * rf_grant_begin() - begin to look at a page
 * @page: the page
 *
 * Context: Any.
 * Return: for rf_grant_kept_still().
 */
static inline __u32 rf_grant_begin(const struct rf_grant *page)
{
	/* Pairs with the second barrier in rf_grant_write(): even, then all of the page. */
	return smp_load_acquire(&page->sequence);
}

/**
 * rf_grant_kept_still() - is what was read since rf_grant_begin() one state of the page?
 * @page: the page
 * @sequence: from rf_grant_begin()
 *
 * Context: Any.
 */
static inline bool rf_grant_kept_still(const struct rf_grant *page, __u32 sequence)
{
	/* Pairs with the first barrier in rf_grant_write(): a change that was read is seen. */
	smp_rmb();
	return !(sequence & 1) && READ_ONCE(page->sequence) == sequence;
}

/**
 * rf_grant_try() - copy a page, with one look
 * @page: the page
 * @copy: receives it; undefined unless the result is true
 * @sequence: receives the sequence at which it was begun, whatever the result
 *
 * Context: Any.
 * Return: true if the copy is one state of the page.
 */
static inline bool rf_grant_try(const struct rf_grant *page, struct rf_grant *copy,
				__u32 *sequence)
{
	*sequence = rf_grant_begin(page);
	memcpy(copy, page, sizeof(*copy));
	return rf_grant_kept_still(page, *sequence);
}

/**
 * rf_grant_is_valid() - is a copy a grant of a version that we know, with counts in range?
 * @copy: private
 *
 * Context: Any.
 * Return: false also if it does not name a member; ranges and segments are not looked at.
 */
static inline bool rf_grant_is_valid(const struct rf_grant *copy)
{
	return copy->size >= sizeof(*copy) && copy->magic == RF_GRANT_MAGIC &&
	       copy->major == RF_GRANT_MAJOR && copy->member < RF_MEMBERS_MAX &&
	       copy->nr_ranges <= RF_RANGES_MAX;
}

/**
 * rf_grant_write() - change a page that its readers may be looking at
 * @page: the page
 * @draft: all of it, but for the sequence
 * @sequence: even, and another one than that of the page
 *
 * Context: Any; the only writer.
 */
static inline void rf_grant_write(struct rf_grant *page, const struct rf_grant *draft,
				  __u32 sequence)
{
	const size_t rest = offsetof(struct rf_grant, member);

	WRITE_ONCE(page->sequence, sequence - 1);
	/* Pairs with the barrier in rf_grant_kept_still(): odd before the first change. */
	smp_wmb();
	memcpy(page, draft, offsetof(struct rf_grant, sequence));
	memcpy((__u8 *)page + rest, (const __u8 *)draft + rest, sizeof(*page) - rest);
	/* Pairs with the acquire in rf_grant_begin(): even after the last change. */
	smp_wmb();
	WRITE_ONCE(page->sequence, sequence);
}

/**
 * rf_grant_acknowledgement() - what says that no older grant is acted upon any more
 * @sequence: of the page, also an odd one: the grant before the change counts then
 *
 * Context: Any.
 */
static inline __u64 rf_grant_acknowledgement(__u32 sequence)
{
	return RF_GRANT_ACKNOWLEDGED | (sequence & ~1u);
}

/**
 * rf_grant_is_owed() - may a member still act upon a grant older than @wanted?
 * @word: its word, read once; any value
 * @wanted: sequence of a grant that was published
 * @last: the newest one, read after @word: what was never published acknowledges nothing
 *
 * Sequences wrap. Context: Any.
 * Return: false also if it does not act upon grants at all.
 */
static inline bool rf_grant_is_owed(__u64 word, __u32 wanted, __u32 last)
{
	__u32 sequence = (__u32)word;

	if (!word)
		return false;
	return word != rf_grant_acknowledgement(sequence) || last - sequence > last - wanted;
}

#ifdef __KERNEL__
/**
 * rf_grant_read() - copy a page
 * @page: the page
 * @copy: receives it
 * @sequence: as for rf_grant_try(), of the last look
 *
 * Context: Process context, may sleep: for some 20 ms at most.
 * Return: 0; -EAGAIN if the page does not keep still.
 */
static inline int rf_grant_read(const struct rf_grant *page, struct rf_grant *copy, u32 *sequence)
{
	int i;

	for (i = 0; i < RF_GRANT_TRIES; i++) {
		if (rf_grant_try(page, copy, sequence))
			return 0;
		usleep_range(100, 200);
	}
	return -EAGAIN;
}
#endif

#endif /* RF_KERNEL_GRANT_H */
