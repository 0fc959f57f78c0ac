/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of cores/ share. */
#ifndef RF_CORES_INTERNAL_H
#define RF_CORES_INTERNAL_H

#include "cores/cores.h"

/* lowmem.c */
int rf_lowmem_init(void);
void rf_lowmem_exit(void);

/* x86/wakeup.c */
void rf_core_init_ipi(u32 apic_id);
void rf_core_sipi(u32 apic_id, u64 trampoline);

/* x86/trampoline.c */
int rf_trampoline_init(void);

#endif /* RF_CORES_INTERNAL_H */
