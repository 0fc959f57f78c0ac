// SPDX-License-Identifier: GPL-2.0
/*
 * DMA of lent functions that an IOMMU blocked: counted for the function and its subOS, and
 * reported as events. Some IOMMU drivers report faults (iommu_set_fault_handler()). Intel's
 * only logs them, so we read the fault records ourselves (VT-d specification 3.3, 11.4.14)
 * when its interrupt handler, dmar_fault(), is about to read and clear them. Faults that
 * occur while no record is free leave no trace: the counts are lower bounds.
 *
 * Faults are noted under a separate lock, because the handler may have interrupted the
 * holder of any other; a work item attributes them to functions, at most once a second.
 */
#include <linux/acpi.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pci/internal.h"

#define RF_FAULTS_NOTED		32	/* functions with faults in one second */
#define RF_FAULTS_PAUSE		HZ

/* ---- noting and reporting faults ---- */

struct rf_noted {
	u32 bdf;
	u64 address;			/* of the last fault */
	u64 count;			/* 0: free */
};

static DEFINE_RAW_SPINLOCK(rf_noted_lock);
static struct rf_noted rf_noted[RF_FAULTS_NOTED];

static void rf_faults_work_run(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_faults_work, rf_faults_work_run);

/* Context: any but NMI. */
static void rf_fault_note(u32 bdf, u64 address)
{
	struct rf_noted *noted = NULL;
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&rf_noted_lock, flags);
	for (i = 0; i < RF_FAULTS_NOTED && rf_noted[i].count; i++)
		if (rf_noted[i].bdf == bdf)
			break;
	if (i < RF_FAULTS_NOTED) {
		noted = &rf_noted[i];
		noted->bdf = bdf;
		noted->address = address;
		noted->count++;
	}
	raw_spin_unlock_irqrestore(&rf_noted_lock, flags);
	/* A no-op while the work is pending after its last run: that enforces RF_FAULTS_PAUSE. */
	if (noted)
		queue_delayed_work(system_unbound_wq, &rf_faults_work, 0);
}

/* State lock held. */
static struct rf_lent *rf_fault_culprit(u32 bdf)
{
	struct rf_lent *lent = rf_pci_lent(bdf);

	lockdep_assert_held(&rf_state_lock);
	return lent && rf_ledger_function_listed(&lent->entry) ? lent : NULL;
}

static void rf_fault_tell(const struct rf_noted *noted)
{
	u64 event[4] = { noted->bdf, noted->address };
	struct rf_lent *lent;
	unsigned long flags;
	char text[RF_PCI_TEXT];

	spin_lock_irqsave(&rf_state_lock, flags);
	lent = rf_fault_culprit(noted->bdf);
	if (lent) {
		rf_pci_text(noted->bdf, text, sizeof(text));
		event[2] = atomic64_add_return(noted->count, &lent->faults);
		lent->subos->dma_faults += noted->count;
		rf_event(lent->subos, RF_EVENT_PCI_FAULT, 0, RF_CAUSE_NONE, 0, event, text);
	}
	spin_unlock_irqrestore(&rf_state_lock, flags);
}

static void rf_faults_work_run(struct work_struct *work)
{
	static struct rf_noted noted[RF_FAULTS_NOTED];	/* a work item is not reentrant */
	unsigned long flags;
	int i;

	raw_spin_lock_irqsave(&rf_noted_lock, flags);
	memcpy(noted, rf_noted, sizeof(noted));
	memset(rf_noted, 0, sizeof(rf_noted));
	raw_spin_unlock_irqrestore(&rf_noted_lock, flags);
	for (i = 0; i < RF_FAULTS_NOTED && noted[i].count; i++)
		rf_fault_tell(&noted[i]);
	if (i)
		queue_delayed_work(system_unbound_wq, &rf_faults_work, RF_FAULTS_PAUSE);
}

/* Wait until all faults noted so far are reported. Context: process, state lock not held. */
void rf_dma_faults_flush(void)
{
	flush_delayed_work(&rf_faults_work);
}

/* Fault handler for drivers that have one. -ENOSYS makes the driver log the fault, too. */
int rf_dma_fault_told(struct iommu_domain *domain, struct device *dev, unsigned long iova,
		      int flags, void *token)
{
	struct pci_dev *pdev;

	if (dev && dev_is_pci(dev)) {
		pdev = to_pci_dev(dev);
		rf_fault_note(RF_BDF(pci_domain_nr(pdev->bus), pdev->bus->number, pdev->devfn),
			      iova);
	}
	return -ENOSYS;
}

/* ---- Intel VT-d ---- */

#define RF_VTD_CAP		0x08	/* Capability Register */
#define RF_VTD_CAP_RECORDS(cap)	((((cap) >> 40) & 0xff) + 1)
#define RF_VTD_CAP_OFFSET(cap)	((((cap) >> 24) & 0x3ff) * RF_VTD_RECORD)
#define RF_VTD_STATUS		0x34	/* Fault Status Register */
#define RF_VTD_STATUS_PENDING	(1u << 1)
#define RF_VTD_STATUS_INDEX(s)	(((s) >> 8) & 0xff)
#define RF_VTD_RECORD		16	/* bytes of a Fault Recording Register */
#define RF_VTD_RECORD_FAULT	(1u << 31)	/* F, in its last dword: record is valid */
#define RF_VTD_RECORD_REASON(w)	((w) & 0xff)
#define RF_VTD_REASON_INTERRUPT	0x20	/* from here on: interrupt remapping */
#define RF_VTD_REASON_SCALABLE	0x30	/* from here on: DMA again */
#define RF_VTD_UNITS		64

struct rf_vtd {
	u64 start;			/* of the registers, physical */
	u16 segment;			/* PCI domain */
	u32 records;
	void __iomem *regs;
	void __iomem *first;		/* record */
};

static struct rf_vtd rf_vtds[RF_VTD_UNITS];
static u32 rf_nr_vtds;

/* The start of struct intel_iommu, which the driver passes to its interrupt handler. */
struct rf_vtd_owner {
	void __iomem *regs;
	u64 start;
};

static void rf_vtd_look(const struct rf_vtd *vtd)
{
	u32 status = readl(vtd->regs + RF_VTD_STATUS), index, i, source, reason, word;
	void __iomem *record;
	u64 address;

	if (!(status & RF_VTD_STATUS_PENDING))
		return;
	index = RF_VTD_STATUS_INDEX(status);
	for (i = 0; i < vtd->records; i++, index++) {
		record = vtd->first + index % vtd->records * RF_VTD_RECORD;
		word = readl(record + 12);
		if (!(word & RF_VTD_RECORD_FAULT))
			break;
		reason = RF_VTD_RECORD_REASON(word);
		if (reason >= RF_VTD_REASON_INTERRUPT && reason < RF_VTD_REASON_SCALABLE)
			continue;
		source = readl(record + 8) & 0xffff;
		address = readl(record) | (u64)readl(record + 4) << 32;
		rf_fault_note(((u32)vtd->segment << 16) | source, address & PAGE_MASK);
	}
}

/* At the entry of dmar_fault(irq, owner). Reading the registers has no side effects. */
static int rf_vtd_probe(struct kprobe *probe, struct pt_regs *regs)
{
	const void *from = (const void *)regs_get_kernel_argument(regs, 1);
	struct rf_vtd_owner owner;
	u32 i;

	if (copy_from_kernel_nofault(&owner, from, sizeof(owner)))
		return 0;
	for (i = 0; i < rf_nr_vtds; i++)
		if (rf_vtds[i].start == owner.start)
			rf_vtd_look(&rf_vtds[i]);
	return 0;
}

static struct kprobe rf_vtd_kprobe = {
	.symbol_name = "dmar_fault",
	.pre_handler = rf_vtd_probe,
};

static void rf_vtd_add(const struct acpi_dmar_hardware_unit *unit)
{
	struct rf_vtd *vtd = &rf_vtds[rf_nr_vtds];
	u64 cap, size;

	if (rf_nr_vtds == RF_VTD_UNITS)
		return;
	vtd->start = unit->address;
	vtd->segment = unit->segment;
	vtd->regs = ioremap(vtd->start, PAGE_SIZE);
	if (!vtd->regs)
		return;
	cap = readq(vtd->regs + RF_VTD_CAP);
	if (cap == U64_MAX) {		/* no device responds there */
		iounmap(vtd->regs);
		return;
	}
	vtd->records = RF_VTD_CAP_RECORDS(cap);
	size = RF_VTD_CAP_OFFSET(cap) + vtd->records * RF_VTD_RECORD;
	if (size > PAGE_SIZE) {
		iounmap(vtd->regs);
		vtd->regs = ioremap(vtd->start, size);
		if (!vtd->regs)
			return;
	}
	vtd->first = vtd->regs + RF_VTD_CAP_OFFSET(cap);
	rf_nr_vtds++;
}

/* All remapping units of the machine, as listed in ACPI's DMAR table. */
static void rf_vtd_find(void)
{
	struct acpi_table_header *table;
	struct acpi_dmar_header *entry;
	void *end;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_DMAR, 0, &table)))
		return;
	end = (void *)table + table->length;
	for (entry = (void *)table + sizeof(struct acpi_table_dmar);
	     (void *)(entry + 1) <= end && entry->length >= sizeof(*entry) &&
	     (void *)entry + entry->length <= end;
	     entry = (void *)entry + entry->length)
		if (entry->type == ACPI_DMAR_TYPE_HARDWARE_UNIT &&
		    entry->length >= sizeof(struct acpi_dmar_hardware_unit))
			rf_vtd_add((void *)entry);
	acpi_put_table(table);
}

static void rf_vtd_forget(void)
{
	while (rf_nr_vtds)
		iounmap(rf_vtds[--rf_nr_vtds].regs);
}

/**
 * rf_dma_faults_init() - start to watch for blocked DMA
 *
 * Context: Process context, may sleep.
 * Return: 0, always: the IOMMU blocks DMA whether or not we can count the faults.
 */
int rf_dma_faults_init(void)
{
	int rc;

	rf_vtd_find();
	if (!rf_nr_vtds)
		return 0;
	rc = register_kprobe(&rf_vtd_kprobe);
	if (rc) {
		pr_warn("DMA that the IOMMU blocks is not counted: no probe on %s: error %d\n",
			rf_vtd_kprobe.symbol_name, rc);
		rf_vtd_forget();
	}
	return 0;
}

void rf_dma_faults_exit(void)
{
	if (rf_nr_vtds)
		unregister_kprobe(&rf_vtd_kprobe);
	rf_vtd_forget();
	cancel_delayed_work_sync(&rf_faults_work);
}
