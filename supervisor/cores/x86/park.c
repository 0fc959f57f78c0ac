// SPDX-License-Identifier: GPL-2.0
/*
 * The park: where held cores are. INIT alone is no proof: it does nothing to a core in VMX root
 * operation, and nobody hears of one that got lost. So a core is sent to a stub of ours, which
 * cleans what INIT preserves, and says that it is there. A core that does not say so within a
 * bound is not held, and nothing that it could run in or write to changes hands.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/string.h>
#include <asm/desc_defs.h>
#include <asm/msr.h>
#include <asm/perf_event.h>
#include <asm/pgtable_types.h>
#include <asm/processor.h>
#include <asm/segment.h>
#include <asm/trapnr.h>

#include "cores/internal.h"
#include "park.h"

struct rf_park_record {
	u32 wanted;			/* another number for each INIT; read when it gets there */
	u32 held;			/* set to @wanted by the core, when it is there */
	u32 nmis;			/* counted by the core while it is there */
	u32 checks;			/* machine checks */
	u32 valid;			/* bit for each of @values: the processor has it */
	u32 pad;
	u64 values[RF_PARK_RESTORE_MAX];	/* of the MSRs that are restored */
	u8 stack[200];			/* #GP, in it an NMI, in that #MC: 48 bytes each */
};

static_assert(sizeof(struct rf_park_record) == 1 << RF_PARK_RECORD_SHIFT);
static_assert(offsetof(struct rf_park_record, wanted) == RF_PARK_WANTED);
static_assert(offsetof(struct rf_park_record, held) == RF_PARK_HELD);
static_assert(offsetof(struct rf_park_record, nmis) == RF_PARK_NMIS);
static_assert(offsetof(struct rf_park_record, checks) == RF_PARK_CHECKS);
static_assert(offsetof(struct rf_park_record, valid) == RF_PARK_VALID);
static_assert(offsetof(struct rf_park_record, values) == RF_PARK_VALUES);
static_assert(offsetof(struct rf_park_header, records) + RF_PARK_HEADER == RF_PARK_RECORDS);
static_assert(offsetof(struct rf_park_header, gdtr) + RF_PARK_HEADER == RF_PARK_GDTR);
static_assert(offsetof(struct rf_park_header, idtr) + RF_PARK_HEADER == RF_PARK_IDTR);
static_assert(offsetof(struct rf_park_header, gdt) + RF_PARK_HEADER == RF_PARK_GDT);
static_assert(offsetof(struct rf_park_header, clear) + RF_PARK_HEADER == RF_PARK_CLEAR);
static_assert(offsetof(struct rf_park_header, restore) + RF_PARK_HEADER == RF_PARK_RESTORE);

/* Pages of the stub, in this order; they never leave 2 MiB, for they are aligned to their size. */
enum { RF_PARK_CODE, RF_PARK_IDT, RF_PARK_TABLES, RF_PARK_RECORD_PAGES = RF_PARK_TABLES + 6 };
#define RF_PARK_ORDER		5
static_assert((RF_PARK_RECORD_PAGES << PAGE_SHIFT) +
	      (RF_PARK_IDS << RF_PARK_RECORD_SHIFT) <= PAGE_SIZE << RF_PARK_ORDER);

/* Names that 6.1's msr-index.h does not have (SDM 4, table 2-2; 3B, 18.19.3). */
#define RF_MSR_PKRS		0x6e1
#define RF_MSR_PQR_ASSOC	0xc8f

/*
 * What INIT preserves and the next owner must not inherit, where the processor has it: first what
 * makes the core write to memory by itself (SDM 3B chapters 18 to 20, 3C chapter 33; APM 2,
 * chapter 13), then what changes how its kernel executes (SDM 1, 17.2; 3A, 4.6.2; SDM 1, 13.14;
 * SDM 3A, 13.5; SDM 3B, 18.19).
 */
static const u32 rf_park_clear[] = {
	MSR_IA32_RTIT_CTL, MSR_IA32_PEBS_ENABLE, MSR_IA32_DEBUGCTLMSR, MSR_CORE_PERF_GLOBAL_CTRL,
	MSR_IA32_DS_AREA, MSR_ARCH_LBR_CTL, MSR_AMD64_IBSFETCHCTL, MSR_AMD64_IBSOPCTL,
	MSR_AMD64_PERF_CNTR_GLOBAL_CTL, MSR_IA32_S_CET, RF_MSR_PKRS, MSR_IA32_XFD,
	MSR_IA32_XFD_ERR, MSR_IA32_XSS, RF_MSR_PQR_ASSOC,
};

/*
 * What a kernel tunes and the next one may take for what the firmware set. Of SPEC_CTRL the bits
 * that kernels do not know; the others slow down a core that shares its execution units with it.
 */
#define RF_PARK_SPEC_CTRL	0
static const u32 rf_park_restore[RF_PARK_RESTORE_MAX] = {
	[RF_PARK_SPEC_CTRL] = MSR_IA32_SPEC_CTRL,
	MSR_HWP_REQUEST, MSR_IA32_MISC_ENABLE, MSR_IA32_TSC_ADJUST,
};

static void *rf_park;			/* the pages above */
static char rf_park_pristine[PAGE_SIZE];	/* of the mode switch; its stage is not compared */

/* By APIC id, state lock. */
static struct {
	bool called;			/* and not known to have left */
	u32 nmis;			/* counted before it was asked */
} rf_parked[RF_PARK_IDS];

static struct rf_park_record *rf_park_record(u32 apic_id)
{
	return (struct rf_park_record *)(rf_park + RF_PARK_RECORD_PAGES * PAGE_SIZE) + apic_id;
}

/* Where a core is sent: the mode switch, in the last page of the trampoline's slice. */
static u64 rf_park_entry(void)
{
	return rf_lowmem_of(RF_OWNER_TRAMPOLINE) + RF_LOW_SLICE_SIZE - PAGE_SIZE;
}

static void rf_park_gate(u32 vector, const char *handler)
{
	u64 at = __pa(rf_park) + (handler - rf_park_start);
	gate_desc *gate = (gate_desc *)(rf_park + RF_PARK_IDT * PAGE_SIZE) + vector;

	*gate = (gate_desc){
		.offset_low = at,
		.segment = RF_GDT_CODE,
		.bits = { .type = GATE_INTERRUPT, .p = 1 },
		.offset_middle = at >> 16,
		.offset_high = at >> 32,
	};
}

static void rf_park_gates(void)
{
	u32 vector;

	for (vector = 0; vector < IDT_ENTRIES; vector++)
		rf_park_gate(vector, rf_park_stuck);
	rf_park_gate(X86_TRAP_NMI, rf_park_nmi);
	rf_park_gate(X86_TRAP_GP, rf_park_skip);
	rf_park_gate(X86_TRAP_MC, rf_park_check);
}

/* An MSR that this core has is one that all have. */
static void rf_park_msrs(struct rf_park_header *header)
{
	u64 value;
	int i;

	for (i = 0; i < ARRAY_SIZE(rf_park_clear); i++)
		if (!rdmsrl_safe(rf_park_clear[i], &value))
			header->clear[header->nr_clear++] = rf_park_clear[i];
	memcpy(header->restore, rf_park_restore, sizeof(rf_park_restore));
	header->nr_restore = ARRAY_SIZE(rf_park_restore);
}

static void rf_park_fill(void)
{
	u64 base = __pa(rf_park);
	struct rf_park_header *header = rf_park + RF_PARK_HEADER;

	memcpy(rf_park, rf_park_start, rf_park_end - rf_park_start);
	header->records = base + RF_PARK_RECORD_PAGES * PAGE_SIZE;
	memcpy(header->gdt, rf_flat_gdt, sizeof(rf_flat_gdt));
	header->gdtr = (struct rf_gdtr){ sizeof(header->gdt) - 1, base + RF_PARK_GDT };
	header->idtr = (struct rf_gdtr){ PAGE_SIZE - 1, base + RF_PARK_IDT * PAGE_SIZE };
	rf_park_gates();
	rf_park_msrs(header);
}

/**
 * rf_park_init() - make the stub ready
 *
 * Context: Process context, may sleep. After rf_lowmem_init().
 * Return: 0, or -ENOMEM after one line.
 */
int rf_park_init(void)
{
	u64 entry;

	rf_park = (void *)__get_free_pages(GFP_KERNEL | GFP_DMA32 | __GFP_ZERO, RF_PARK_ORDER);
	if (!rf_park) {
		pr_err("no %lu KiB in one piece below 4 GiB for the park of held cores\n",
		       (PAGE_SIZE << RF_PARK_ORDER) >> 10);
		return -ENOMEM;
	}
	rf_park_fill();
	mutex_lock(&rf_ledger_lock);
	entry = rf_park_entry();
	mutex_unlock(&rf_ledger_lock);
	rf_common_fill(entry, __pa(rf_park) + RF_PARK_TABLES * PAGE_SIZE, __pa(rf_park), false);
	memcpy(rf_park_pristine, __va(entry), PAGE_SIZE);
	return 0;
}

/* No core is held any more: each was started by our kernel, or is in wait-for-SIPI. Context: as above. */
void rf_park_exit(void)
{
	free_pages((unsigned long)rf_park, RF_PARK_ORDER);
}

#define RF_SPEC_CTRL_KNOWN	(SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD)

struct rf_park_reading {
	u32 id;				/* as the stub finds it */
	u32 valid;
	u64 values[RF_PARK_RESTORE_MAX];
};

/* On the core, in an interrupt. */
static void rf_park_read(void *data)
{
	struct rf_park_reading *reading = data;
	u32 eax, ebx, ecx, edx;
	int i;

	cpuid(1, &eax, &ebx, &ecx, &edx);
	reading->id = ebx >> 24;
	if (cpuid_eax(0) >= 0xb) {
		cpuid_count(0xb, 0, &eax, &ebx, &ecx, &edx);
		if (ebx)
			reading->id = edx;
	}
	for (i = 0; i < RF_PARK_RESTORE_MAX; i++)
		if (!rdmsrl_safe(rf_park_restore[i], &reading->values[i]))
			reading->valid |= BIT(i);
}

/**
 * rf_park_save() - remember a core's own values of the MSRs that are restored in the park
 * @cpu: logical number
 * @apic_id: as in the ledger: where INIT is sent
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: 0; -ENXIO the core is offline; -ENODEV the processor names itself otherwise, and the
 *	   park would not know it.
 */
int rf_park_save(u32 cpu, u32 apic_id)
{
	struct rf_park_record *record = rf_park_record(apic_id);
	struct rf_park_reading reading = {};
	int rc;

	rc = smp_call_function_single(cpu, rf_park_read, &reading, true);
	if (rc)
		return rc;
	if (reading.id != apic_id) {
		pr_err("CPU %u: CPUID says APIC id %u, its APIC %u\n", cpu, reading.id, apic_id);
		return -ENODEV;
	}
	record->valid = reading.valid;
	memcpy(record->values, reading.values, sizeof(record->values));
	record->values[RF_PARK_SPEC_CTRL] &= ~(u64)RF_SPEC_CTRL_KNOWN;
	return 0;
}

/* It is not held from now on, whatever it said so far. */
static void rf_park_renew(u32 apic_id)
{
	struct rf_park_record *record = rf_park_record(apic_id);

	lockdep_assert_held(&rf_state_lock);
	WRITE_ONCE(record->wanted, record->wanted + 1);
}

/**
 * rf_park_call() - call a core to the park: first half
 * @apic_id: its physical APIC id
 *
 * What it executed until now is over, unless it is in VMX root operation. rf_park_begin()
 * follows, after rf_core_init_delay().
 *
 * Context: State lock held, until then. The core's owner allows it.
 */
void rf_park_call(u32 apic_id)
{
	lockdep_assert_held(&rf_state_lock);
	rf_parked[apic_id].called = true;
	rf_core_init_ipi(apic_id);
}

/* Nobody writes there but a kernel gone wild: a core would run into it. */
static void rf_park_mend(void *entry)
{
	const size_t after = RF_COMMON_STAGE + sizeof(u32);

	if (!memcmp(entry, rf_park_pristine, RF_COMMON_STAGE) &&
	    !memcmp(entry + after, rf_park_pristine + after, PAGE_SIZE - after))
		return;
	pr_err_ratelimited("low memory at 0x%llx, the way to the park, was overwritten: mended\n",
			   (u64)__pa(entry));
	memcpy(entry, rf_park_pristine, PAGE_SIZE);
}

/* Repeat the second half: it was missed. Context: state lock held. */
void rf_park_sipi(u32 apic_id)
{
	if (!rf_cores_parkable())
		return;
	rf_park_mend(__va(rf_park_entry()));
	rf_core_sipi(apic_id, rf_park_entry());
}

/*
 * Second half. Only now, for what the core did before the INIT, be it on its way to the park,
 * must not answer this call. Context: state lock held.
 */
void rf_park_begin(u32 apic_id)
{
	rf_park_renew(apic_id);
	rf_park_sipi(apic_id);
}

/* It may leave the park from now on: not held before it is called again. Context: state lock. */
void rf_park_leave(u32 apic_id)
{
	rf_park_renew(apic_id);
	rf_parked[apic_id].called = false;
}

/* INIT, without SIPI, to all that are in the park or on their way to it. Context: state lock. */
void rf_park_close(void)
{
	u32 apic_id;

	lockdep_assert_held(&rf_state_lock);
	for (apic_id = 0; apic_id < RF_PARK_IDS; apic_id++) {
		if (!rf_parked[apic_id].called)
			continue;
		rf_park_renew(apic_id);
		rf_core_init_ipi(apic_id);
	}
}

/**
 * rf_park_ask() - ask a core for a sign that it is in the park now
 * @apic_id: its physical APIC id
 *
 * That a core has come says that it was there. An NMI is counted by one that still is. On its way
 * there it is deadly, for there is no IDT yet: the core has come (rf_park_held()), and was not
 * called again since.
 *
 * Context: State lock held.
 */
void rf_park_ask(u32 apic_id)
{
	lockdep_assert_held(&rf_state_lock);
	rf_parked[apic_id].nmis = READ_ONCE(rf_park_record(apic_id)->nmis);
	rf_core_nmi(apic_id);
}

/* Has it answered rf_park_ask()? Context: state lock. */
bool rf_park_answers(u32 apic_id)
{
	lockdep_assert_held(&rf_state_lock);
	return READ_ONCE(rf_park_record(apic_id)->nmis) != rf_parked[apic_id].nmis;
}

/* Has a core that was called come? Context: any. */
bool rf_park_held(u32 apic_id)
{
	const struct rf_park_record *record = rf_park_record(apic_id);

	return READ_ONCE(record->held) == READ_ONCE(record->wanted);
}
