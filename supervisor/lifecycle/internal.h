/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of lifecycle/ share. */
#ifndef RF_LIFECYCLE_INTERNAL_H
#define RF_LIFECYCLE_INTERNAL_H

#include "lifecycle/lifecycle.h"

/* attributes.c: a subOS's kobject type and sysfs files */
extern const struct kobj_type rf_subos_ktype;
int rf_attributes_add(struct rf_subos *subos);

/* builder.c */
int rf_subos_builder_take(void);
bool rf_subos_builders_stop(void);
void rf_subos_builders_go_on(void);

/* load.c. Ledger lock */
int rf_subos_check_start(struct rf_subos *subos, const struct rf_start *args);

/* policy.c */
int rf_policy_init(void);
void rf_policy_exit(void);
void rf_policy_setup(struct rf_subos *subos);	/* for a new subOS: defaults, work item */
enum rf_policy rf_policy_on_crash(const struct rf_subos *subos);	/* state lock */
void rf_policy_ended(struct rf_subos *subos);	/* state lock: it ended, its cores are held */
void rf_policy_off(void);			/* any context: the supervisor goes down */

/* destroy.c */
void rf_subos_undo(struct rf_subos *subos);
void rf_destroy_setup(struct rf_subos *subos);	/* for a new subOS */
int rf_destroy_init(void);
void rf_destroy_exit(void);

/* watch.c: polls mailboxes and heartbeats */
void rf_watch_init(void);
void rf_watch_exit(void);
void rf_watch_kick(void);

/* start.c */
int rf_start_refusal(const struct rf_subos *subos);	/* any context */

/* power.c */
int rf_power_init(void);
void rf_power_exit(void);

/* crash.c */
void rf_crash_init(void);
void rf_crash_exit(void);

#endif /* RF_LIFECYCLE_INTERNAL_H */
