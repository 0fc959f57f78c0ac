/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Moves cores, memory and PCI functions while their subOS runs. Guarantees that a subOS only
 * ever uses what it owns, that each request ends in bounded time, and that whatever cannot
 * be completed is undone or stays with its last owner. Takes `adjusting` and the ledger
 * lock, but never waits for an agent under the ledger lock.
 */
#ifndef RF_RESIZE_H
#define RF_RESIZE_H

#include "subos/subos.h"

int rf_resize_init(void);
void rf_resize_exit(void);

int rf_subos_resize(struct rf_subos *subos, struct rf_resize *args, const u32 *units,
		    struct rf_subos *to);

/* loans.c. Ledger lock; idempotent */
void rf_loans_end(struct rf_subos *subos);

/* settle.c. Any context */
void rf_functions_settle_soon(struct rf_subos *subos);

#endif /* RF_RESIZE_H */
