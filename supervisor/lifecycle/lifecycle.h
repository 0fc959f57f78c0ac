/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A subOS from its creation to its destruction: create, load, start, watch, stop, reset,
 * destroy, and the policies that apply when it ends. Guarantees that a failed create has
 * changed nothing, that nothing a subOS owned changes hands before all its cores are held
 * and its functions quiet, and that it can be destroyed in every state. Takes `adjusting`
 * and the ledger lock where needed.
 */
#ifndef RF_LIFECYCLE_H
#define RF_LIFECYCLE_H

#include "subos/subos.h"

int rf_lifecycle_init(void);
void rf_lifecycle_exit(void);

/* create.c, load.c, start.c */
int rf_subos_create(struct rf_create *args, const u32 *cpus, const u32 *functions,
		    struct rf_subos **out);
int rf_subos_load(struct rf_subos *subos, const struct rf_segment *segments, u32 count,
		  u32 *culprit);
int rf_subos_publish(struct rf_subos *subos);
int rf_subos_start(struct rf_subos *subos, const struct rf_start *args);

/* builder.c */
void rf_subos_builder_done(void);

/* status.c, load.c */
int rf_subos_status(struct rf_subos *subos, struct rf_status *status, u32 *generation);
ssize_t rf_subos_read(struct rf_subos *subos, char __user *buf, size_t len, u64 phys);

/* stop.c, reset.c, destroy.c */
int rf_subos_stop(struct rf_subos *subos, u32 flags);
int rf_subos_reset(struct rf_subos *subos, u32 flags);
void rf_subos_reset_undo(struct rf_subos *subos);	/* the builder went away before START */
int rf_subos_destroy(struct rf_subos *subos, struct rf_destroy *args);
void rf_subos_abandon(struct rf_subos *subos);	/* the builder went away, before START or PUBLISH */

/* policy.c */
int rf_policy_check(const struct rf_policies *policies);

/* attributes.c */
int rf_attributes_init(struct kobject *parent);
void rf_attributes_exit(void);

#endif /* RF_LIFECYCLE_H */
