/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of shared/ share. Ledger lock. */
#ifndef RF_SHARED_INTERNAL_H
#define RF_SHARED_INTERNAL_H

#include "shared/shared.h"

/* arena.c */
void rf_arena_segments(struct rf_arena_segment *segments);

/* grant.c */
u32 rf_grant_published(void);			/* any context */
bool rf_subos_executes(const struct rf_subos *subos);	/* state lock */

/* machine_page.c */
void rf_machine_page_update(void);

#endif /* RF_SHARED_INTERNAL_H */
