/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The boot area: how the first 2 MiB of a partition's boot range are used.
 *
 * The boot range is the first range of a partition; it starts at a 2 MiB
 * boundary. All offsets below are from its first byte. rfm fills the boot area
 * through RF_IOC_LOAD, except for the mailbox (zeroed by the supervisor, then
 * written by the subOS), the customized trampoline (written by the supervisor
 * when it starts the boot core) and the grant page (written by the supervisor).
 *
 * The subOS's e820 map lists the boot area as reserved, but for the ACPI
 * tables: a kernel never allocates from it, so both sides can rely on it for
 * the whole life of the subOS.
 */
#ifndef RF_WIRE_LAYOUT_H
#define RF_WIRE_LAYOUT_H

#define RF_BOOT_AREA_SIZE	0x200000

#define RF_BOOT_PARAMS_OFF	0x0000	/* struct boot_params, 4 KiB */
#define RF_CMDLINE_OFF		0x1000	/* NUL-terminated, at most RF_CMDLINE_MAX bytes */
#define RF_MAILBOX_OFF		0x2000	/* struct rf_mailbox, 4 KiB */
#define RF_HANDOFF_OFF		0x3000	/* struct rf_handoff, 8 KiB */
#define RF_TRAMPOLINE_OFF	0x5000	/* customized trampoline, 4 KiB */
#define RF_GRANT_OFF		0x6000	/* struct rf_grant, 4 KiB; written by the supervisor */
#define RF_ACPI_OFF		0x10000	/* RSDP first, then the tables, 64 KiB */
#define RF_ACPI_SIZE		0x10000
#define RF_PAGE_TABLES_OFF	0x20000	/* identity page tables, 256 KiB */
#define RF_PAGE_TABLES_SIZE	0x40000

#define RF_CMDLINE_MAX		2048	/* COMMAND_LINE_SIZE of x86, with the NUL */

/* Granularity in which partitions are carved from the pool. */
#define RF_EXTENT_SIZE		0x200000

/*
 * The slice of low memory (below 640 KiB, at or above 64 KiB) that every subOS
 * owns: its first page stands in for an IO-APIC that is not there (the MADT
 * points at it; zeroed RAM), the rest is RAM for the real-mode code with which
 * the subOS starts its other cores.
 */
#define RF_LOW_SLICE_SIZE	0x8000
#define RF_LOW_IOAPIC_OFF	0x0
#define RF_LOW_RAM_OFF		0x1000

#define RF_NAME_MAX		32	/* with the NUL; [a-z0-9][a-z0-9_-]* */
#define RF_CPUS_MAX		256	/* cores of one subOS */
#define RF_RANGES_MAX		64	/* memory ranges of one subOS */
#define RF_MEMBERS_MAX		16	/* kernels on one machine, the supervisor included */
#define RF_SEGMENTS_MAX_ARENA	32	/* segments of the arena */
#define RF_LEDGER_RANGES	256	/* memory ranges in the ledger's copy */

#endif /* RF_WIRE_LAYOUT_H */
