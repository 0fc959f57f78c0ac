// SPDX-License-Identifier: GPL-2.0
/*
 * INIT and SIPI: the only way in which the supervisor acts on a core it lent.
 * One small interface, so that another addressing mode (x2APIC) needs only
 * another implementation here.
 */
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <asm/apic.h>

#include "cores/internal.h"

/* In xAPIC mode an ICR write is two register writes: nothing may come between them. */
static void rf_icr_write(u32 low, u32 apic_id)
{
	unsigned long flags;
	int i;

	local_irq_save(flags);
	apic->icr_write(low | APIC_DEST_PHYSICAL, apic_id);
	for (i = 0; i < 1000 && (apic->icr_read() & APIC_ICR_BUSY); i++)
		cpu_relax();
	local_irq_restore(flags);
}

/**
 * rf_core_init_ipi() - put a core into wait-for-SIPI
 * @apic_id: its physical APIC id
 *
 * In that state a core executes nothing and needs no memory (SDM 3A, 8.4).
 * Not possible for a core in VMX root operation.
 *
 * Context: Any, also with interrupts off.
 */
void rf_core_init_ipi(u32 apic_id)
{
	rf_icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apic_id);
}

/**
 * rf_core_sipi() - start a held core
 * @apic_id: its physical APIC id
 * @trampoline: physical address of real-mode code, 4 KiB aligned, below 1 MiB
 *
 * Context: Any.
 */
void rf_core_sipi(u32 apic_id, u64 trampoline)
{
	rf_icr_write(APIC_DM_STARTUP | (u32)(trampoline >> PAGE_SHIFT), apic_id);
}
