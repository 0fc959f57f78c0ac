/* SPDX-License-Identifier: GPL-2.0 */
/* The direct map, before memory is taken out of a kernel. */
#ifndef RF_KERNEL_DIRECT_MAP_H
#define RF_KERNEL_DIRECT_MAP_H

#include <linux/align.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/set_memory.h>
#include <linux/types.h>

/**
 * rf_direct_map_split() - prepare the removal of memory.
 * @start: physical address, of memory that this kernel has
 * @size: bytes
 *
 * Hot-remove cannot take less than 1 GiB out of a 1 GiB page of the direct map
 * (it mistakes the entry for a table). A change of attributes splits it. To
 * repeat it is harmless.
 *
 * Context: process context, may sleep.
 * Return: 0 or a negative error.
 */
static inline int rf_direct_map_split(u64 start, u64 size)
{
	u64 address, end = start + size;
	unsigned int level;
	int rc;

	for (address = start; address < end; address = ALIGN_DOWN(address, PUD_SIZE) + PUD_SIZE) {
		unsigned long virt = (unsigned long)__va(address);

		if (!lookup_address(virt, &level) || level != PG_LEVEL_1G)
			continue;
		if (IS_ALIGNED(address, PUD_SIZE) && address + PUD_SIZE <= end)
			continue;
		rc = set_memory_uc(virt, 1);
		if (!rc)
			rc = set_memory_wb(virt, 1);
		if (rc)
			return rc;
	}
	return 0;
}

#endif /* RF_KERNEL_DIRECT_MAP_H */
