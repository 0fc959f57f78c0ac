// SPDX-License-Identifier: GPL-2.0
/*
 * The hand-off: found through the private ACPI table RFOS, copied once, and
 * only the copy is looked at from then on. Nothing in it is used before it was
 * checked: a wrong core or address here would reach into another kernel.
 */
#include <linux/acpi.h>
#include <linux/align.h>
#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/apicdef.h>
#include <asm/processor.h>

#include "rf_subos.h"

#define RF_HANDOFF_MAX	SZ_8K
#define RF_LOW_END	(640 * SZ_1K)

static_assert(sizeof(struct rf_acpi_table) == 48);
static_assert(sizeof(struct rf_handoff) == 2264);
static_assert(sizeof(struct rf_handoff) <= RF_HANDOFF_MAX);
static_assert(RF_HANDOFF_OFF + RF_HANDOFF_MAX <= RF_TRAMPOLINE_OFF);

/* First address this processor cannot form. Context: any. */
u64 rf_phys_end(void)
{
	return 1ULL << boot_cpu_data.x86_phys_bits;
}

/*
 * Where the RFOS table says the hand-off is, or 0. Only its place in the boot
 * area is taken for granted; memory of this kernel's own allocator is refused,
 * because there the hand-off and the mailbox would not keep still.
 */
static u64 rf_handoff_address(void)
{
	struct acpi_table_header *header;
	u64 addr = 0;

	if (ACPI_FAILURE(acpi_get_table(RF_ACPI_SIGNATURE, 0, &header))) {
		rf_refuse("no ACPI table " RF_ACPI_SIGNATURE ": this kernel was not started as a subOS");
		return 0;
	}
	if (header->length >= sizeof(struct rf_acpi_table))
		addr = ((struct rf_acpi_table *)header)->handoff;
	acpi_put_table(header);

	if ((addr & (RF_BOOT_AREA_SIZE - 1)) != RF_HANDOFF_OFF || addr >= rf_phys_end() ||
	    region_intersects(addr - RF_HANDOFF_OFF, RF_BOOT_AREA_SIZE, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT) {
		rf_refuse("ACPI table " RF_ACPI_SIGNATURE " points at %#llx, which is not a hand-off", addr);
		return 0;
	}
	return addr;
}

static bool rf_sums_to_zero(const void *data, size_t size)
{
	const u32 *word = data;
	u32 sum = 0;
	size_t i;

	for (i = 0; i < size / sizeof(*word); i++)
		sum += word[i];
	return sum == 0;
}

/* Is the copy whole, of a version we know, and does it belong where it was found? */
static int rf_handoff_verify(const struct rf_handoff *handoff, u64 addr)
{
	if (handoff->magic != RF_HANDOFF_MAGIC) {
		rf_refuse("hand-off: magic %#x, expected %#x", handoff->magic, RF_HANDOFF_MAGIC);
		return -EINVAL;
	}
	if (handoff->major != RF_HANDOFF_MAJOR) {
		rf_refuse("hand-off: version %u.%u, this agent knows %u", handoff->major,
			  handoff->minor, RF_HANDOFF_MAJOR);
		return -EPROTONOSUPPORT;
	}
	if (handoff->size < sizeof(*handoff) || handoff->size > RF_HANDOFF_MAX ||
	    handoff->size % sizeof(u32)) {
		rf_refuse("hand-off: size %u, expected %zu to %u", handoff->size, sizeof(*handoff),
			  RF_HANDOFF_MAX);
		return -EINVAL;
	}
	if (!rf_sums_to_zero(handoff, handoff->size)) {
		rf_refuse("hand-off: wrong checksum");
		return -EBADMSG;
	}
	if (handoff->mailbox != addr - RF_HANDOFF_OFF + RF_MAILBOX_OFF ||
	    handoff->ranges[0].start != addr - RF_HANDOFF_OFF) {
		rf_refuse("hand-off at %#llx does not belong to boot range %#llx or mailbox %#llx",
			  addr, handoff->ranges[0].start, handoff->mailbox);
		return -EINVAL;
	}
	if (handoff->grant != addr - RF_HANDOFF_OFF + RF_GRANT_OFF) {
		rf_refuse("hand-off at %#llx does not belong to grant page %#llx", addr,
			  handoff->grant);
		return -EINVAL;
	}
	return 0;
}

/**
 * rf_handoff_find() - find the hand-off, copy it and verify that it is one.
 *
 * On success the addresses of mailbox and grant page in the copy can be used; the
 * rest must pass rf_handoff_check() first.
 *
 * Context: process context, may sleep.
 * Return: the copy, to be freed with kvfree(), or an ERR_PTR(). The reason was
 * printed.
 */
struct rf_handoff *rf_handoff_find(void)
{
	struct rf_handoff *copy;
	u64 addr;
	void *map;
	int err;

	addr = rf_handoff_address();
	if (!addr)
		return ERR_PTR(-ENODEV);

	copy = kvmalloc(RF_HANDOFF_MAX, GFP_KERNEL);
	if (!copy)
		return ERR_PTR(-ENOMEM);

	map = memremap(addr, RF_HANDOFF_MAX, MEMREMAP_WB);
	if (!map) {
		rf_refuse("hand-off at %#llx: cannot be mapped", addr);
		err = -ENOMEM;
		goto free_copy;
	}
	memcpy(copy, map, RF_HANDOFF_MAX);
	memunmap(map);

	err = rf_handoff_verify(copy, addr);
	if (err)
		goto free_copy;
	return copy;

free_copy:
	kvfree(copy);
	return ERR_PTR(err);
}

static bool rf_name_ok(const char *name)
{
	size_t len = strnlen(name, RF_NAME_MAX);
	size_t i;

	if (!len || len == RF_NAME_MAX || !(islower(name[0]) || isdigit(name[0])))
		return false;
	for (i = 1; i < len; i++)
		if (!islower(name[i]) && !isdigit(name[i]) && name[i] != '-' && name[i] != '_')
			return false;
	return true;
}

static int rf_check_cpus(const struct rf_handoff *handoff)
{
	u32 i, j;

	if (!handoff->nr_cpus || handoff->nr_cpus > RF_CPUS_MAX) {
		rf_refuse("hand-off: %u cores, expected 1 to %u", handoff->nr_cpus, RF_CPUS_MAX);
		return -EINVAL;
	}
	for (i = 0; i < handoff->nr_cpus; i++) {
		u32 apic_id = handoff->apic_ids[i];

		/* From BAD_APICID up a kernel means "none" by it. */
		if (apic_id >= BAD_APICID) {
			rf_refuse("hand-off: APIC id %u is out of range", apic_id);
			return -EINVAL;
		}
		for (j = 0; j < i; j++) {
			if (handoff->apic_ids[j] == apic_id) {
				rf_refuse("hand-off: APIC id %u is there twice", apic_id);
				return -EINVAL;
			}
		}
	}
	return 0;
}

/* Could this range belong to a subOS? */
bool rf_range_ok(const struct rf_range *range)
{
	return range->size && IS_ALIGNED(range->start | range->size, RF_EXTENT_SIZE) &&
	       range->start < rf_phys_end() && range->size <= rf_phys_end() - range->start;
}

static int rf_check_memory(const struct rf_handoff *handoff)
{
	u32 i;

	if (!handoff->nr_ranges || handoff->nr_ranges > RF_RANGES_MAX) {
		rf_refuse("hand-off: %u memory ranges, expected 1 to %u", handoff->nr_ranges,
			  RF_RANGES_MAX);
		return -EINVAL;
	}
	for (i = 0; i < handoff->nr_ranges; i++) {
		const struct rf_range *range = &handoff->ranges[i];

		if (!rf_range_ok(range)) {
			rf_refuse("hand-off: bad memory range %#llx+%#llx", range->start,
				  range->size);
			return -EINVAL;
		}
	}
	if (handoff->low_slice < SZ_64K || handoff->low_slice >= RF_LOW_END ||
	    !handoff->low_slice_size || handoff->low_slice_size > RF_LOW_END - handoff->low_slice ||
	    !IS_ALIGNED(handoff->low_slice | handoff->low_slice_size, SZ_4K)) {
		rf_refuse("hand-off: bad low-memory slice %#llx+%#x", handoff->low_slice,
			  handoff->low_slice_size);
		return -EINVAL;
	}
	return 0;
}

/**
 * rf_handoff_check() - check the bounds of everything the hand-off grants.
 * @handoff: the copy made by rf_handoff_find()
 *
 * Fields that a later minor version may have added are not looked at.
 *
 * Return: 0, or a negative error; the reason was printed and reported.
 */
int rf_handoff_check(const struct rf_handoff *handoff)
{
	int err;

	if (!rf_name_ok(handoff->name)) {
		rf_refuse("hand-off: bad name");
		return -EINVAL;
	}
	err = rf_check_cpus(handoff);
	if (err)
		return err;
	return rf_check_memory(handoff);
}
