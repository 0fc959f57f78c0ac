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

/* Between INIT and SIPI. Linux waits 10 ms, or not at all (smp_quirk_init_udelay()); all worked. */
#define RF_SIPI_US		10
#define RF_ICR_TRIES		1000	/* microseconds for an interrupt command to be sent */

/* In xAPIC mode an ICR write is two register writes: nothing may come between them. */
static void rf_icr_write(u32 low, u32 apic_id)
{
	unsigned long flags;
	int i;

	local_irq_save(flags);
	apic->icr_write(low | APIC_DEST_PHYSICAL, apic_id);
	for (i = 0; i < RF_ICR_TRIES && (apic->icr_read() & APIC_ICR_BUSY); i++)
		udelay(1);
	local_irq_restore(flags);
}

/**
 * rf_core_init_ipi() - put a core into wait-for-SIPI
 * @apic_id: its physical APIC id
 *
 * In that state a core executes nothing and needs no memory (SDM 3A, 8.4). Not possible for a
 * core in VMX root operation, and nobody tells: see park.c. Asserted and de-asserted, as Linux
 * does it (wakeup_secondary_cpu_via_init()).
 *
 * Context: Any, also with interrupts off.
 */
void rf_core_init_ipi(u32 apic_id)
{
	rf_icr_write(APIC_INT_LEVELTRIG | APIC_INT_ASSERT | APIC_DM_INIT, apic_id);
	rf_icr_write(APIC_INT_LEVELTRIG | APIC_DM_INIT, apic_id);
}

/**
 * rf_core_sipi() - have a core that is in wait-for-SIPI execute
 * @apic_id: its physical APIC id
 * @entry: physical address of real-mode code, 4 KiB aligned, below 1 MiB
 *
 * Does nothing to a core that is not. Context: Any.
 */
void rf_core_sipi(u32 apic_id, u64 entry)
{
	rf_icr_write(APIC_DM_STARTUP | (u32)(entry >> PAGE_SHIFT), apic_id);
}

/* NMI to a core that is in the park: see rf_park_ask(). Context: any. */
void rf_core_nmi(u32 apic_id)
{
	rf_icr_write(APIC_DM_NMI, apic_id);
}

/**
 * rf_core_init_delay() - the pause that a core needs between INIT and SIPI
 *
 * Context: Any. 10 us.
 */
void rf_core_init_delay(void)
{
	udelay(RF_SIPI_US);
}
