/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory that is new to a kernel gets page tables in the direct map. The kernel takes pages for
 * them without waiting, and writes to them without looking whether it got any (alloc_low_pages()):
 * with no memory left it dies. So somebody who may wait, and is told, asks for them first.
 */
#ifndef RF_KERNEL_PAGE_TABLES_H
#define RF_KERNEL_PAGE_TABLES_H

#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/pgtable.h>

/* Of the levels above those that the size of the memory tells. */
#define RF_UPPER_TABLES	8

/**
 * rf_page_tables_possible() - is there memory for the page tables of so much memory?
 * @size: bytes
 *
 * What was had is freed at once: pages like these are taken down to the kernel's reserve only,
 * which stays for who does not wait.
 *
 * Context: Process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
static inline int rf_page_tables_possible(u64 size)
{
	/* As if there were no large pages, which a debugging kernel does not use. */
	unsigned long left = RF_UPPER_TABLES + DIV_ROUND_UP_ULL(size, PMD_SIZE);
	struct page *page, *next;
	LIST_HEAD(pages);

	for (; left; left--) {
		page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOMEMALLOC | __GFP_NOWARN);
		if (!page)
			break;
		list_add(&page->lru, &pages);
	}
	list_for_each_entry_safe(page, next, &pages, lru)
		__free_page(page);
	return left ? -ENOMEM : 0;
}

#endif /* RF_KERNEL_PAGE_TABLES_H */
