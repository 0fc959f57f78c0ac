/* SPDX-License-Identifier: GPL-2.0 */
/* Owners in the ledger: the supervisor, or the id of a subOS (1 and up, never reused). */
#ifndef RF_LEDGER_OWNER_H
#define RF_LEDGER_OWNER_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#define RF_OWNER_SUPERVISOR	0		/* cores and slices; memory and functions: nobody */
#define RF_OWNER_ARENA		0xffffffffu	/* memory that all kernels share */
#define RF_OWNER_TRAMPOLINE	0xfffffffeu	/* the slice that starts boot cores */
#define RF_OWNER_UNUSABLE	0xfffffffdu	/* a slice that can never be given */

static inline bool rf_owner_is_subos(__u32 owner)
{
	return owner != RF_OWNER_SUPERVISOR && owner < RF_OWNER_UNUSABLE;
}

#endif /* RF_LEDGER_OWNER_H */
