/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Proof at build time that every compiler lays out the shared structs alike:
 * sizes, offsets, no holes. Include it in one source file of each program or
 * module that uses them. In C and in C++.
 */
#ifndef RF_WIRE_LAYOUT_CHECK_H
#define RF_WIRE_LAYOUT_CHECK_H

#include "arena.h"
#include "console.h"
#include "control.h"
#include "grant.h"
#include "handoff.h"
#include "layout.h"
#include "mailbox.h"
#include "message.h"
#include "pci.h"

#ifdef __cplusplus
#define RF_PROVE(condition)	static_assert(condition, #condition)
#else
#define RF_PROVE(condition)	_Static_assert(condition, #condition)
#endif

#define RF_SIZE(type, bytes)	RF_PROVE(sizeof(struct type) == (bytes))
#define RF_AT(type, field, offset) \
	RF_PROVE(__builtin_offsetof(struct type, field) == (offset))
/* A power of two: x & (size - 1) is x % size. */
#define RF_MASKABLE(size)	RF_PROVE((size) > 0 && !((size) & ((size) - 1)))
/* `field` begins where `before` ends: no hole between them. */
#define RF_NEXT(type, before, field) \
	RF_AT(type, field, __builtin_offsetof(struct type, before) + \
			   sizeof(((struct type *)0)->before))
/* `field` is the last one: no hole behind it. */
#define RF_LAST(type, field) \
	RF_SIZE(type, __builtin_offsetof(struct type, field) + \
		      sizeof(((struct type *)0)->field))

/* struct rf_range, struct rf_arena_segment */
RF_SIZE(rf_range, 16);
RF_AT(rf_range, start, 0);
RF_AT(rf_range, size, 8);
RF_SIZE(rf_arena_segment, 16);
RF_AT(rf_arena_segment, start, 0);
RF_AT(rf_arena_segment, size, 8);

/* struct rf_handoff */
RF_AT(rf_handoff, size, 0x00);
RF_AT(rf_handoff, magic, 0x04);
RF_AT(rf_handoff, major, 0x08);
RF_AT(rf_handoff, minor, 0x0a);
RF_AT(rf_handoff, checksum, 0x0c);
RF_AT(rf_handoff, id, 0x10);
RF_AT(rf_handoff, flags, 0x14);
RF_AT(rf_handoff, name, 0x18);
RF_AT(rf_handoff, mailbox, 0x38);
RF_AT(rf_handoff, low_slice, 0x40);
RF_AT(rf_handoff, low_slice_size, 0x48);
RF_AT(rf_handoff, nr_cpus, 0x4c);
RF_AT(rf_handoff, nr_ranges, 0x50);
RF_AT(rf_handoff, pad, 0x54);
RF_AT(rf_handoff, ranges, 0x58);
RF_NEXT(rf_handoff, ranges, grant);
RF_NEXT(rf_handoff, grant, reserved);
RF_NEXT(rf_handoff, reserved, apic_ids);
RF_LAST(rf_handoff, apic_ids);
RF_SIZE(rf_handoff, 0x8d8);
RF_PROVE(sizeof(struct rf_handoff) % 4 == 0);

/* struct rf_acpi_table */
RF_SIZE(rf_acpi_table, 48);
RF_AT(rf_acpi_table, header, 0);
RF_AT(rf_acpi_table, reserved, 36);
RF_AT(rf_acpi_table, handoff, 40);

/* struct rf_mailbox */
RF_AT(rf_mailbox, reset, 0x00);
RF_AT(rf_mailbox, sleep_control, 0x01);
RF_AT(rf_mailbox, sleep_status, 0x02);
RF_NEXT(rf_mailbox, sleep_status, pad0);
RF_NEXT(rf_mailbox, pad0, stage);
RF_AT(rf_mailbox, stage, 0x40);
RF_NEXT(rf_mailbox, stage, pad1);
RF_NEXT(rf_mailbox, pad1, magic);
RF_AT(rf_mailbox, magic, 0x80);
RF_AT(rf_mailbox, major, 0x84);
RF_AT(rf_mailbox, minor, 0x86);
RF_AT(rf_mailbox, cpus_online, 0x88);
RF_AT(rf_mailbox, cause, 0x8c);
RF_AT(rf_mailbox, vmcoreinfo, 0x90);
RF_AT(rf_mailbox, vmcoreinfo_size, 0x98);
RF_AT(rf_mailbox, beat, 0xa0);
RF_NEXT(rf_mailbox, beat, acknowledged);
RF_NEXT(rf_mailbox, acknowledged, pad2);
RF_NEXT(rf_mailbox, pad2, reason);
RF_AT(rf_mailbox, reason, 0x100);
RF_LAST(rf_mailbox, reason);
RF_SIZE(rf_mailbox, 0x180);

/* struct rf_message, struct rf_ring_pair */
RF_SIZE(rf_message, 64);
RF_AT(rf_message, sequence, 0);
RF_AT(rf_message, type, 4);
RF_AT(rf_message, length, 6);
RF_AT(rf_message, flags, 7);
RF_AT(rf_message, from, 8);
RF_AT(rf_message, to, 12);
RF_AT(rf_message, payload, 16);
RF_SIZE(rf_ring_line, 64);
RF_AT(rf_ring_pair, head, 0x000);
RF_AT(rf_ring_pair, tail, 0x080);
RF_AT(rf_ring_pair, urgent, 0x100);
RF_NEXT(rf_ring_pair, urgent, normal);
RF_LAST(rf_ring_pair, normal);
RF_SIZE(rf_ring_pair, 0x3100);

/* struct rf_control */
RF_SIZE(rf_control, RF_PAYLOAD_MAX);
RF_AT(rf_control, id, 0);
RF_AT(rf_control, op, 4);
RF_AT(rf_control, answer, 6);
RF_AT(rf_control, args, 8);

/* struct rf_grant */
RF_AT(rf_grant, size, 0x00);
RF_AT(rf_grant, magic, 0x04);
RF_AT(rf_grant, major, 0x08);
RF_AT(rf_grant, minor, 0x0a);
RF_AT(rf_grant, sequence, 0x0c);
RF_AT(rf_grant, member, 0x10);
RF_AT(rf_grant, nr_ranges, 0x14);
RF_AT(rf_grant, nr_functions, 0x18);
RF_AT(rf_grant, reserved, 0x1c);
RF_AT(rf_grant, ranges, 0x20);
RF_NEXT(rf_grant, ranges, segments);
RF_NEXT(rf_grant, segments, kernel_ids);
RF_NEXT(rf_grant, kernel_ids, owner);
RF_NEXT(rf_grant, owner, functions);
RF_LAST(rf_grant, functions);
RF_SIZE(rf_grant, 0xf60);	/* at most 4 KiB, see RF_GRANT_OFF */

/* struct rf_bar, struct rf_function */
RF_SIZE(rf_bar, 16);
RF_AT(rf_function, bdf, 0x00);
RF_AT(rf_function, vendor, 0x04);
RF_AT(rf_function, device, 0x06);
RF_AT(rf_function, flags, 0x08);
RF_AT(rf_function, generation, 0x0c);
RF_AT(rf_function, config, 0x10);
RF_NEXT(rf_function, config, bars);
RF_NEXT(rf_function, bars, bar_types);
RF_NEXT(rf_function, bar_types, pad);
RF_LAST(rf_function, pad);
RF_SIZE(rf_function, 0x80);

/* struct rf_endpoint, struct rf_statistics */
RF_AT(rf_endpoint, magic, 0x000);
RF_AT(rf_endpoint, major, 0x004);
RF_AT(rf_endpoint, minor, 0x006);
RF_AT(rf_endpoint, kernel_id, 0x008);
RF_NEXT(rf_endpoint, kernel_id, pad0);
RF_AT(rf_endpoint, armed, 0x040);
RF_NEXT(rf_endpoint, armed, pad1);
RF_AT(rf_endpoint, beat, 0x080);
RF_NEXT(rf_endpoint, beat, pad2);
RF_AT(rf_endpoint, doorbells, 0x0c0);
RF_AT(rf_endpoint, statistics, 0x140);
RF_LAST(rf_endpoint, statistics);
RF_AT(rf_statistics, load, 64);
RF_AT(rf_statistics, pressure, 76);
RF_AT(rf_statistics, processes, 88);
RF_AT(rf_statistics, cpus_online, 92);
RF_AT(rf_statistics, release, 96);
RF_SIZE(rf_statistics, 160);

/* struct rf_machine and its parts */
RF_AT(rf_member, mac, 16);
RF_AT(rf_member, name, 32);
RF_SIZE(rf_member, 64);
RF_AT(rf_ledger, low_owner, 16);
RF_NEXT(rf_ledger, low_owner, core_owner);
RF_NEXT(rf_ledger, core_owner, ranges);
RF_LAST(rf_ledger, ranges);
RF_PROVE(sizeof(struct rf_ledger) % 4 == 0);
RF_AT(rf_machine, nr_segments, 8);
RF_AT(rf_machine, segments, 16);
RF_NEXT(rf_machine, segments, members);
RF_NEXT(rf_machine, members, ledger);
RF_LAST(rf_machine, ledger);

/* struct rf_console */
RF_AT(rf_console, out_head, 0x00);
RF_AT(rf_console, out_dropped, 0x04);
RF_AT(rf_console, in_tail, 0x08);
RF_AT(rf_console, out_tail, 0x40);
RF_AT(rf_console, out_waiting, 0x44);
RF_AT(rf_console, in_head, 0x48);
RF_AT(rf_console, in, 0x80);
RF_NEXT(rf_console, in, out);
RF_LAST(rf_console, out);

/* Positions in rings are masked, and so are members that take turns. */
RF_MASKABLE(RF_URGENT_SLOTS);
RF_MASKABLE(RF_NORMAL_SLOTS);
RF_MASKABLE(RF_MEMBERS_MAX);
RF_MASKABLE(RF_CONSOLE_IN_SIZE);
RF_MASKABLE(RF_CONSOLE_OUT_SIZE);

/* A home segment: everything fits where it goes. */
RF_PROVE(RF_HOME_ENDPOINT_OFF - RF_HOME_MACHINE_OFF >= (int)sizeof(struct rf_machine));
RF_PROVE(RF_HOME_RINGS_OFF - RF_HOME_ENDPOINT_OFF >= (int)sizeof(struct rf_endpoint));
RF_PROVE(RF_HOME_CONSOLE_OFF - RF_HOME_RINGS_OFF >=
	 (int)sizeof(struct rf_ring_pair) * RF_MEMBERS_MAX);
RF_PROVE(RF_HOME_SIZE - RF_HOME_CONSOLE_OFF >= (int)sizeof(struct rf_console));

/* The boot area: everything fits where it goes. */
RF_PROVE(RF_CMDLINE_OFF - RF_BOOT_PARAMS_OFF >= 4096);
RF_PROVE(RF_MAILBOX_OFF - RF_CMDLINE_OFF >= RF_CMDLINE_MAX);
RF_PROVE(RF_HANDOFF_OFF - RF_MAILBOX_OFF >= (int)sizeof(struct rf_mailbox));
RF_PROVE(RF_TRAMPOLINE_OFF - RF_HANDOFF_OFF >= (int)sizeof(struct rf_handoff));
RF_PROVE(RF_GRANT_OFF - RF_TRAMPOLINE_OFF >= 4096);
RF_PROVE(RF_ACPI_OFF - RF_GRANT_OFF >= (int)sizeof(struct rf_grant));
RF_PROVE(RF_PAGE_TABLES_OFF - RF_ACPI_OFF >= RF_ACPI_SIZE);
RF_PROVE(RF_BOOT_AREA_SIZE - RF_PAGE_TABLES_OFF >= RF_PAGE_TABLES_SIZE);

#undef RF_PROVE
#undef RF_SIZE
#undef RF_AT
#undef RF_NEXT
#undef RF_LAST

#endif /* RF_WIRE_LAYOUT_CHECK_H */
