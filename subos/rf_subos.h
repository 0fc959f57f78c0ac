/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf_subos: the agent inside a subOS. One header for its five files.
 *
 *   main.c      the order in which everything is put in place
 *   handoff.c   what this kernel was granted, found through ACPI and checked
 *   report.c    the mailbox: the only way back to the supervisor
 *   cpus.c      the veto on cores that are not ours, and the start of ours
 *   shutdown.c  every way down ends here, not in the machine's reset line
 */
#ifndef RF_SUBOS_H
#define RF_SUBOS_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

#include "wire/handoff.h"
#include "wire/mailbox.h"

/* handoff.c */
struct rf_handoff *rf_handoff_find(void);
int rf_handoff_check(const struct rf_handoff *handoff);

/* report.c */
int rf_report_open(phys_addr_t mailbox);
void rf_report_close(void);
void rf_report_agent(void);
void rf_report_stage(enum rf_stage stage);
void rf_report_cpus(unsigned int online);
void rf_report_cause(enum rf_cause cause, const char *reason);
__printf(1, 2) void rf_refuse(const char *fmt, ...);

/* cpus.c */
int rf_cpus_guard(const struct rf_handoff *handoff);
void rf_cpus_unguard(void);
int rf_cpus_start(const struct rf_handoff *handoff);

/* shutdown.c */
int rf_shutdown_hook(void);
void rf_shutdown_unhook(void);

#endif /* RF_SUBOS_H */
