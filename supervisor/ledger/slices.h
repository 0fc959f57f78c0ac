/* SPDX-License-Identifier: GPL-2.0 */
/* Slices of low memory, by number: one for each subOS, and one for the common trampoline. */
#ifndef RF_LEDGER_SLICES_H
#define RF_LEDGER_SLICES_H

#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RF_SLICES_MAX	32

struct rf_slice_table {
	__u32 count;
	__u32 owner[RF_SLICES_MAX];	/* RF_OWNER_SUPERVISOR: free */
};

void rf_ledger_slice_init(struct rf_slice_table *table, __u32 count);
int rf_ledger_slice_set_usable(struct rf_slice_table *table, __u32 slice, bool usable);
int rf_ledger_slice_take(struct rf_slice_table *table, __u32 owner);
int rf_ledger_slice_free(struct rf_slice_table *table, __u32 slice, __u32 owner);
int rf_ledger_slice_of(const struct rf_slice_table *table, __u32 owner);
void rf_ledger_slice_figures(const struct rf_slice_table *table, __u32 *total, __u32 *free);

/* For check.c and copy.c. */
const char *rf_ledger_slice_check(const struct rf_slice_table *table);
int rf_ledger_slice_adopt(struct rf_slice_table *table, __u32 slice, __u32 owner);

#ifdef __cplusplus
}
#endif

#endif /* RF_LEDGER_SLICES_H */
