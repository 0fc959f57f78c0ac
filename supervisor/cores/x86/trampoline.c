// SPDX-License-Identifier: GPL-2.0
/*
 * Fills the two trampolines and sends the boot core through them: step 4 of a
 * create (docs/boot-flow.md).
 */
#include <linux/delay.h>
#include <linux/io.h>
#include <linux/sched/signal.h>
#include <asm/msr.h>
#include <asm/mtrr.h>
#include <asm/pgtable_types.h>
#include <asm/processor-flags.h>

#include "cores/internal.h"
#include "stages.h"
#include "trampoline.h"

static_assert(offsetof(struct rf_common_header, stage) + RF_COMMON_HEADER == RF_COMMON_STAGE);
static_assert(offsetof(struct rf_common_header, cr4) + RF_COMMON_HEADER == RF_COMMON_CR4);
static_assert(offsetof(struct rf_common_header, cr3) + RF_COMMON_HEADER == RF_COMMON_CR3);
static_assert(offsetof(struct rf_common_header, custom) + RF_COMMON_HEADER == RF_COMMON_CUSTOM);
static_assert(offsetof(struct rf_common_header, gdtr) + RF_COMMON_HEADER == RF_COMMON_GDTR);
static_assert(offsetof(struct rf_common_header, far_offset) + RF_COMMON_HEADER == RF_COMMON_FAR);
static_assert(offsetof(struct rf_common_header, gdt) + RF_COMMON_HEADER == RF_COMMON_GDT);
static_assert(offsetof(struct rf_custom_header, mailbox) + RF_CUSTOM_HEADER == RF_CUSTOM_MAILBOX);
static_assert(offsetof(struct rf_custom_header, cr3) + RF_CUSTOM_HEADER == RF_CUSTOM_CR3);
static_assert(offsetof(struct rf_custom_header, entry) + RF_CUSTOM_HEADER == RF_CUSTOM_ENTRY);
static_assert(offsetof(struct rf_custom_header, boot_params) + RF_CUSTOM_HEADER ==
	      RF_CUSTOM_BOOT_PARAMS);
static_assert(offsetof(struct rf_custom_header, gdtr) + RF_CUSTOM_HEADER == RF_CUSTOM_GDTR);
static_assert(offsetof(struct rf_custom_header, nr_msrs) + RF_CUSTOM_HEADER == RF_CUSTOM_NR_MSRS);
static_assert(offsetof(struct rf_custom_header, gdt) + RF_CUSTOM_HEADER == RF_CUSTOM_GDT);
static_assert(offsetof(struct rf_custom_header, msrs) + RF_CUSTOM_HEADER == RF_CUSTOM_MSRS);
static_assert(offsetof(struct rf_mailbox, stage) == RF_MAILBOX_STAGE);
static_assert(RF_STAGE_REAL_MODE_ == RF_STAGE_REAL_MODE);
static_assert(RF_STAGE_LONG_MODE_ == RF_STAGE_LONG_MODE);
static_assert(RF_STAGE_CUSTOM_ == RF_STAGE_CUSTOM);
static_assert(RF_STAGE_MSRS_ == RF_STAGE_MSRS);
static_assert(RF_STAGE_PAGE_TABLES_ == RF_STAGE_PAGE_TABLES);
static_assert(RF_STAGE_KERNEL_ == RF_STAGE_KERNEL);
static_assert(EFER_LME_ == EFER_LME);

/* Flat 64-bit code and data segments (SDM 3A, 3.4.5), at RF_GDT_CODE and _DATA. */
const u64 rf_flat_gdt[4] = { 0, 0, 0x00af9b000000ffffULL, 0x00cf93000000ffffULL };

/* Pages of tables, in this order. */
enum { RF_PML5, RF_PML4, RF_PDPT_LOW, RF_PDPT, RF_PD_LOW, RF_PD, RF_COMMON_TABLES };
static_assert(RF_COMMON_TABLES == RF_COMMON_TABLE_PAGES);
/* In the slice: the common trampoline, its tables, and the way to the park (park.c). */
static_assert((1 + RF_COMMON_TABLES + 1) * PAGE_SIZE <= RF_LOW_SLICE_SIZE);

/* How long a started core may take through the trampolines; 95 ms were seen under emulation. */
#define RF_ENTRY_TIMEOUT_MS	2000

static struct rf_custom_header *rf_custom_of(struct rf_subos *subos)
{
	return subos->boot_area + RF_TRAMPOLINE_OFF + RF_CUSTOM_HEADER;
}

/* At @base, tables that map the first 2 MiB and the 2 MiB around @to, nothing else. */
static void rf_common_tables(u64 base, u64 to)
{
	const u64 table = _PAGE_PRESENT | _PAGE_RW;
	const u64 large = table | _PAGE_PSE;
	u64 *page[RF_COMMON_TABLES];
	int i4 = (to >> 39) & 511, i3 = (to >> 30) & 511, i2 = (to >> 21) & 511;
	int pdpt = i4 ? RF_PDPT : RF_PDPT_LOW;
	int pd = i4 || i3 ? RF_PD : RF_PD_LOW;
	int i;

	for (i = RF_PML5; i < RF_COMMON_TABLES; i++) {
		page[i] = __va(base + i * PAGE_SIZE);
		memset(page[i], 0, PAGE_SIZE);
	}
	page[RF_PML5][0] = (base + RF_PML4 * PAGE_SIZE) | table;
	page[RF_PML4][0] = (base + RF_PDPT_LOW * PAGE_SIZE) | table;
	page[RF_PDPT_LOW][0] = (base + RF_PD_LOW * PAGE_SIZE) | table;
	page[RF_PD_LOW][0] = large;
	page[RF_PML4][i4] = (base + pdpt * PAGE_SIZE) | table;
	page[pdpt][i3] = (base + pd * PAGE_SIZE) | table;
	page[pd][i2] = ALIGN_DOWN(to, PMD_SIZE) | large;
}

/**
 * rf_common_fill() - write a copy of the common trampoline
 * @base: a page of low memory
 * @tables: RF_COMMON_TABLE_PAGES pages below 4 GiB
 * @to: where the copy goes to, in 64-bit mode
 * @la57: with page tables of 5 levels
 *
 * Context: Process context. Nobody executes what is there now.
 */
void rf_common_fill(u64 base, u64 tables, u64 to, bool la57)
{
	char *code = __va(base);
	struct rf_common_header *header = (void *)(code + RF_COMMON_HEADER);

	memcpy(code, rf_common_start, rf_common_end - rf_common_start);
	rf_common_tables(tables, to);

	header->stage = RF_STAGE_NONE;
	header->cr4 = X86_CR4_PAE | (la57 ? X86_CR4_LA57 : 0);
	header->cr3 = tables + (la57 ? RF_PML5 : RF_PML4) * PAGE_SIZE;
	header->custom = to;
	memcpy(header->gdt, rf_flat_gdt, sizeof(rf_flat_gdt));
	header->gdtr.limit = sizeof(rf_flat_gdt) - 1;
	header->gdtr.base = base + RF_COMMON_GDT;
	header->far_offset = base + (rf_common_long - rf_common_start);
	header->far_selector = RF_GDT_CODE;
}

static void rf_save_msr(struct rf_custom_header *header, u32 index)
{
	struct rf_msr *msr = &header->msrs[header->nr_msrs];
	u64 value;

	if (header->nr_msrs == RF_CUSTOM_MSRS_MAX || rdmsrl_safe(index, &value))
		return;
	msr->index = index;
	msr->value = value;
	header->nr_msrs++;
}

/* PAT and MTRRs of this core, MTRRdefType last: it switches the others on. */
static void rf_save_msrs(struct rf_custom_header *header)
{
	static const u32 fixed[] = {
		MSR_MTRRfix64K_00000, MSR_MTRRfix16K_80000, MSR_MTRRfix16K_A0000,
		MSR_MTRRfix4K_C0000, MSR_MTRRfix4K_C8000, MSR_MTRRfix4K_D0000,
		MSR_MTRRfix4K_D8000, MSR_MTRRfix4K_E0000, MSR_MTRRfix4K_E8000,
		MSR_MTRRfix4K_F0000, MSR_MTRRfix4K_F8000,
	};
	u64 cap;
	int i;

	header->nr_msrs = 0;
	rf_save_msr(header, MSR_IA32_CR_PAT);
	if (!boot_cpu_has(X86_FEATURE_MTRR) || rdmsrl_safe(MSR_MTRRcap, &cap))
		return;
	for (i = 0; i < (cap & 0xff); i++) {
		rf_save_msr(header, MTRRphysBase_MSR(i));
		rf_save_msr(header, MTRRphysMask_MSR(i));
	}
	if (cap & BIT(8))
		for (i = 0; i < ARRAY_SIZE(fixed); i++)
			rf_save_msr(header, fixed[i]);
	rf_save_msr(header, MSR_MTRRdefType);
}

static void rf_custom_fill(struct rf_subos *subos, const struct rf_start *args)
{
	const u64 boot = rf_ledger_memory_boot(&rf_books.memory, subos->id);
	struct rf_custom_header *header = rf_custom_of(subos);

	memset(subos->boot_area + RF_MAILBOX_OFF, 0, PAGE_SIZE);
	memset(subos->boot_area + RF_TRAMPOLINE_OFF, 0, PAGE_SIZE);
	memcpy(subos->boot_area + RF_TRAMPOLINE_OFF, rf_custom_start,
	       rf_custom_end - rf_custom_start);
	header->mailbox = boot + RF_MAILBOX_OFF;
	header->cr3 = args->page_table;
	header->entry = args->entry;
	header->boot_params = args->boot_params;
	memcpy(header->gdt, rf_flat_gdt, sizeof(rf_flat_gdt));
	header->gdtr.limit = sizeof(rf_flat_gdt) - 1;
	header->gdtr.base = boot + RF_TRAMPOLINE_OFF + RF_CUSTOM_GDT;
	rf_save_msrs(header);
}

static enum rf_stage rf_entry_stage(struct rf_subos *subos, u64 base)
{
	struct rf_common_header *common = __va(base + RF_COMMON_HEADER);
	struct rf_mailbox *mailbox = subos->boot_area + RF_MAILBOX_OFF;
	u32 stage = READ_ONCE(mailbox->stage);

	if (stage == RF_STAGE_NONE)
		stage = READ_ONCE(common->stage);
	return min_t(u32, stage, RF_STAGE_NR - 1);
}

/*
 * Send a core out of the park (@init), and into the trampoline. Return: false if not, because its
 * subOS is being destroyed or the machine goes down: who sees to that has called all cores, and may
 * rely on it.
 */
static bool rf_trampoline_enter(struct rf_subos *subos, u32 apic_id, u64 base, bool init)
{
	unsigned long flags;
	bool enter;

	spin_lock_irqsave(&rf_state_lock, flags);
	enter = rf_cores_startable() && subos->life.phase == RF_PHASE_LOADED;
	if (enter) {
		if (init) {
			rf_cores_leave(subos);
			rf_core_init_ipi(apic_id);
			rf_core_init_delay();
		}
		rf_core_sipi(apic_id, base);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return enter;
}

/* The core was sent off: watch how far it gets. Return: the furthest stage reached. */
static enum rf_stage rf_trampoline_await(struct rf_subos *subos, u32 apic_id, u64 base)
{
	struct rf_park_wait wait = rf_park_wait_begin(RF_ENTRY_TIMEOUT_MS);
	enum rf_stage stage;

	do {
		stage = rf_entry_stage(subos, base);
		/* Nobody waits for one that was called back to the park: it is being destroyed. */
		if (stage >= RF_STAGE_KERNEL || rf_subos_phase(subos) != RF_PHASE_LOADED)
			break;
		if (stage == RF_STAGE_NONE && wait.recall != RF_RECALL_NONE &&
		    !rf_trampoline_enter(subos, apic_id, base, wait.recall == RF_RECALL_INIT))
			break;
	} while (rf_park_wait_on(&wait));
	return stage;
}

/**
 * rf_trampoline_run() - send the boot core of a subOS into its kernel
 * @subos: the subOS; its cores are held, its boot image is in place
 * @args: where to go; checked by rf_subos_check_start()
 *
 * Context: Process context, may sleep. Ledger lock held.
 * Return: the furthest stage reached: RF_STAGE_KERNEL or later on success.
 */
int rf_trampoline_run(struct rf_subos *subos, const struct rf_start *args)
{
	u64 base = rf_lowmem_of(RF_OWNER_TRAMPOLINE);
	int cpu = rf_ledger_core_boot(&rf_books.cores, subos->id);
	u32 boot_core;

	lockdep_assert_held(&rf_ledger_lock);
	if (rf_expect(cpu < 0))
		return RF_STAGE_NONE;
	boot_core = rf_ledger_core_apic_id(&rf_books.cores, cpu);
	rf_custom_fill(subos, args);
	rf_common_fill(base, base + PAGE_SIZE,
		       rf_ledger_memory_boot(&rf_books.memory, subos->id) + RF_TRAMPOLINE_OFF,
		       args->flags & RF_START_LA57);
	wmb();

	if (!rf_trampoline_enter(subos, boot_core, base, true))
		return RF_STAGE_NONE;
	return rf_trampoline_await(subos, boot_core, base);
}

int rf_trampoline_init(void)
{
	if (rf_common_end - rf_common_start > PAGE_SIZE ||
	    rf_custom_end - rf_custom_start > PAGE_SIZE - 64) {
		pr_err("a trampoline is larger than its page\n");
		return -E2BIG;
	}
	return 0;
}
