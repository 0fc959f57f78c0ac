// SPDX-License-Identifier: GPL-2.0
/*
 * An MP table with nothing in it (MultiProcessor Specification 1.4), where kernels look first: in the
 * first KiB of memory. A kernel that gets no interrupt controllers from ACPI looks for such a table,
 * and would find that of the machine, with its IO-APIC, and program that one: the supervisor would
 * get no interrupt any more. Ours has no processor and no IO-APIC; its one entry is an interrupt of
 * neither, for a kernel that finds none takes a default table instead. A kernel with ACPI, as all
 * that are started from here, does not use it.
 *
 * It lies in vectors 0x60 to 0x63 and 0xf0 to 0xfc of the real mode's interrupt table, which
 * are nobody's or the user's, and that kernels leave alone. What was there comes back.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/moduleparam.h>
#include <linux/string.h>
#include <asm/apicdef.h>
#include <asm/mpspec_def.h>

#include "cores/internal.h"

#define RF_MP_POINTER		0x180
#define RF_MP_TABLE		0x3c0
#define RF_MP_END		0x400		/* of what is looked through here */
#define RF_MP_PARAGRAPH		16		/* a pointer begins at a multiple of that */
#define RF_MP_VERSION		4		/* 1.4 */

static bool rf_mp_wanted = true;
module_param_named(mp_table, rf_mp_wanted, bool, 0444);
MODULE_PARM_DESC(mp_table, "write an empty MP table into the first KiB of memory, for kernels without ACPI");

struct rf_mp_table {
	struct mpc_table header;
	struct mpc_intsrc source;
};

static_assert(RF_MP_POINTER + sizeof(struct mpf_intel) <= RF_MP_TABLE);
static_assert(RF_MP_TABLE + sizeof(struct rf_mp_table) <= RF_MP_END);

static struct mpf_intel rf_mp_pointer_before;
static struct rf_mp_table rf_mp_table_before;
static bool rf_mp_written;

/* What makes all bytes sum to 0. */
static u8 rf_mp_complement(const void *data, size_t size)
{
	const u8 *byte = data;
	u8 sum = 0;

	while (size--)
		sum += *byte++;
	return -sum;
}

static struct rf_mp_table rf_mp_table_made(void)
{
	struct rf_mp_table table = {
		.header = {
			.signature = { 'P', 'C', 'M', 'P' },
			.length = sizeof(table),
			.spec = RF_MP_VERSION,
			.oem = { 'R', 'A', 'I', 'N', 'F', 'O', 'R', 'E' },
			.productid = { 'N', 'O', 'N', 'E', ' ', ' ', ' ', ' ', ' ', ' ', ' ', ' ' },
			.oemcount = 1,		/* entries: the kernel's names are shifted */
			.lapic = APIC_DEFAULT_PHYS_BASE,
		},
		.source = { .type = MP_INTSRC, .irqtype = mp_INT },
	};

	table.header.checksum = rf_mp_complement(&table, sizeof(table));
	return table;
}

static struct mpf_intel rf_mp_pointer_made(void)
{
	struct mpf_intel pointer = {
		.signature = { '_', 'M', 'P', '_' },
		.physptr = RF_MP_TABLE,
		.length = 1,
		.specification = RF_MP_VERSION,
	};

	pointer.checksum = rf_mp_complement(&pointer, sizeof(pointer));
	return pointer;
}

/* Would a kernel find another one before ours? */
static bool rf_mp_preceded(void)
{
	u32 at;

	for (at = 0; at < RF_MP_POINTER; at += RF_MP_PARAGRAPH)
		if (!memcmp(__va(at), "_MP_", 4))
			return true;
	return false;
}

/* Context: process context, before any subOS is started. */
void rf_mp_init(void)
{
	const struct rf_mp_table table = rf_mp_table_made();
	const struct mpf_intel pointer = rf_mp_pointer_made();

	if (!rf_mp_wanted)
		return;
	if (rf_mp_preceded()) {
		pr_notice("the machine has an MP table in its first KiB: a kernel without ACPI would find that one\n");
		return;
	}
	/* One of ours, of before a reboot that left memory as it was, is not to come back. */
	if (memcmp(__va(RF_MP_POINTER), &pointer, sizeof(pointer))) {
		memcpy(&rf_mp_table_before, __va(RF_MP_TABLE), sizeof(table));
		memcpy(&rf_mp_pointer_before, __va(RF_MP_POINTER), sizeof(pointer));
	}
	memcpy(__va(RF_MP_TABLE), &table, sizeof(table));
	/* Whoever finds the pointer finds the table. */
	wmb();
	memcpy(__va(RF_MP_POINTER), &pointer, sizeof(pointer));
	rf_mp_written = true;
}

/* Undo rf_mp_init(). Context: process context, when no subOS is left, or all are held for good. */
void rf_mp_exit(void)
{
	if (!rf_mp_written)
		return;
	memcpy(__va(RF_MP_POINTER), &rf_mp_pointer_before, sizeof(rf_mp_pointer_before));
	wmb();
	memcpy(__va(RF_MP_TABLE), &rf_mp_table_before, sizeof(rf_mp_table_before));
	rf_mp_written = false;
}
