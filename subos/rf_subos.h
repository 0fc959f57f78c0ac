/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rf_subos: the agent inside a subOS. One header for its files.
 *
 *   main.c        the order in which everything is put in place
 *   handoff.c     what this kernel was granted at its start, found through ACPI
 *   grant.c       what it owns right now
 *   report.c      the mailbox: the way back to the supervisor that always works
 *   subcon.c      requests of the supervisor, one after the other
 *   cpus.c        the veto on cores that are not ours; cores come and go
 *   memory.c      memory comes and goes
 *   console.c     the hvc console
 *   pci.c         the host bridge that has only our functions; they come and go
 *   pci_config.c  what may be read and written in their configuration spaces
 *   statistics.c  numbers for people
 *   init.c        when the user's init has begun
 *   shutdown.c    every way down ends here, not in the machine's reset line
 */
#ifndef RF_SUBOS_H
#define RF_SUBOS_H

#include <linux/compiler_attributes.h>
#include <linux/types.h>

#include "wire/control.h"
#include "wire/grant.h"
#include "wire/handoff.h"
#include "wire/mailbox.h"

#define RF_SUPERVISOR	0	/* its member number in the arena */

/* handoff.c */
struct rf_handoff *rf_handoff_find(void);
int rf_handoff_check(const struct rf_handoff *handoff);
bool rf_range_ok(const struct rf_range *range);
u64 rf_phys_end(void);

/* grant.c */
int rf_grant_open(phys_addr_t grant);
void rf_grant_close(void);
const struct rf_grant *rf_grant_page(void);
u32 rf_grant_sequence(void);
bool rf_granted(u32 apic_id);
bool rf_grant_has_range(u64 start, u64 size);
int rf_grant_function(u32 bdf, struct rf_function *function);
int rf_grant_functions(u32 bdfs[RF_FUNCTIONS_MAX]);
bool rf_grant_function_taken(u32 bdf, u32 generation);

/* report.c */
int rf_report_open(phys_addr_t mailbox);
void rf_report_close(void);
void rf_report_agent(void);
void rf_report_stage(enum rf_stage stage);
void rf_report_beat(void);
u64 *rf_report_acknowledged(void);
void rf_report_cpus(unsigned int online);
void rf_report_cause(enum rf_cause cause, const char *reason);
__printf(1, 2) void rf_refuse(const char *fmt, ...);

/* subcon.c */
struct rf_request;

/*
 * One for each operation, called in order from one work item; may sleep, unless the operation
 * is urgent (wire/control_check.h) and comes in softirq context. Returns 0
 * (DONE, with @results), -ECANCELED (CANCELLED), or the errno that FAILED reports.
 */
typedef int (*rf_op_handler)(struct rf_request *request, const s64 *args, s64 *results);

int rf_subcon_start(void);
bool rf_request_cancelled(const struct rf_request *request);
void rf_request_progress(struct rf_request *request, s64 unit, s64 value);

/* cpus.c */
int rf_cpus_guard(const struct rf_handoff *handoff);
void rf_cpus_unguard(void);
int rf_cpus_start(const struct rf_handoff *handoff);
int rf_cores_add(struct rf_request *request, const s64 *args, s64 *results);
int rf_cores_remove(struct rf_request *request, const s64 *args, s64 *results);

/* memory.c */
int rf_memory_add(struct rf_request *request, const s64 *args, s64 *results);
int rf_memory_remove(struct rf_request *request, const s64 *args, s64 *results);

/* pci.c */
void rf_pci_start(void);
int rf_pci_add(struct rf_request *request, const s64 *args, s64 *results);
int rf_pci_remove(struct rf_request *request, const s64 *args, s64 *results);

/* console.c */
int rf_console_start(void);
void rf_console_stop(void);
bool rf_console_there(void);
int rf_console_window(struct rf_request *request, const s64 *args, s64 *results);

/* statistics.c */
int rf_statistics_fill(struct rf_request *request, const s64 *args, s64 *results);

/* init.c */
void rf_init_await(void);

/* shutdown.c */
int rf_shutdown_hook(void);
void rf_shutdown_unhook(void);
int rf_shutdown_begin(struct rf_request *request, const s64 *args, s64 *results);

#endif /* RF_SUBOS_H */
