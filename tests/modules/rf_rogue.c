// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: makes QEMU's `edu` device (docs/specs/edu.txt) read and write memory
 * wherever it is told to, as a driver that is wrong or hostile could with any device.
 * Where there is no such device the module still offers a page to be aimed at.
 *
 *   echo fill 5a >/sys/kernel/debug/rf_rogue/command	the page, byte by byte
 *   echo device ADDRESS >.../command			its registers, if its driver is another one
 *   echo load ADDRESS >.../command			memory -> the device's buffer
 *   echo store ADDRESS >.../command			the device's buffer -> memory
 *
 * RF_ROGUE_BYTES each, at a physical address in hexadecimal. `report` tells where the
 * page is. Whether a transfer reached memory the device does not say.
 */
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/iopoll.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/seq_file.h>

#include "command_file.h"

#define RF_EDU_VENDOR		0x1234
#define RF_EDU_DEVICE		0x11e8
#define RF_EDU_SOURCE		0x80
#define RF_EDU_DESTINATION	0x88
#define RF_EDU_COUNT		0x90
#define RF_EDU_COMMAND		0x98
#define RF_EDU_START		1	/* of the command; clear again when it is done */
#define RF_EDU_TO_MEMORY	2
#define RF_EDU_BUFFER		0x40000
#define RF_EDU_SIZE		0x100000

#define RF_ROGUE_BYTES		64
#define RF_ROGUE_PATIENCE_US	(10 * USEC_PER_SEC)

static DEFINE_MUTEX(rf_rogue_lock);
static void __iomem *rf_edu;		/* lock; NULL: no device */
static void __iomem *rf_borrowed;	/* lock; as rf_edu, if this is not our driver's */
static u64 rf_transfers;		/* lock */
static u8 *rf_page;
static struct dentry *rf_rogue_dir;

/* Drive a device that is bound to another driver, or to none. */
static int rf_borrow(u64 address)
{
	if (rf_edu)
		return -EBUSY;
	rf_edu = rf_borrowed = ioremap(address, RF_EDU_SIZE);
	return rf_edu ? 0 : -ENOMEM;
}

/* One transfer between the device's buffer and @address. */
static int rf_transfer(u64 address, bool to_memory)
{
	u64 command;

	if (!rf_edu)
		return -ENODEV;
	writeq(to_memory ? RF_EDU_BUFFER : address, rf_edu + RF_EDU_SOURCE);
	writeq(to_memory ? address : RF_EDU_BUFFER, rf_edu + RF_EDU_DESTINATION);
	writeq(RF_ROGUE_BYTES, rf_edu + RF_EDU_COUNT);
	writeq(RF_EDU_START | (to_memory ? RF_EDU_TO_MEMORY : 0), rf_edu + RF_EDU_COMMAND);
	if (readq_poll_timeout(rf_edu + RF_EDU_COMMAND, command, !(command & RF_EDU_START), 1000,
			       RF_ROGUE_PATIENCE_US))
		return -ETIMEDOUT;
	rf_transfers++;
	return 0;
}

static int rf_run(const char *line)
{
	unsigned int byte;
	u64 address;
	int rc;

	mutex_lock(&rf_rogue_lock);
	if (sscanf(line, "fill %x", &byte) == 1) {
		memset(rf_page, byte, PAGE_SIZE);
		rc = 0;
	} else if (sscanf(line, "device %llx", &address) == 1) {
		rc = rf_borrow(address);
	} else if (sscanf(line, "load %llx", &address) == 1) {
		rc = rf_transfer(address, false);
	} else if (sscanf(line, "store %llx", &address) == 1) {
		rc = rf_transfer(address, true);
	} else {
		rc = -EINVAL;
	}
	mutex_unlock(&rf_rogue_lock);
	return rc;
}

static int rf_report_show(struct seq_file *m, void *unused)
{
	mutex_lock(&rf_rogue_lock);
	seq_printf(m, "page %#llx\n", (u64)virt_to_phys(rf_page));
	seq_printf(m, "device %u\ntransfers %llu\n", !!rf_edu, rf_transfers);
	mutex_unlock(&rf_rogue_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rf_report);

static int rf_edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int rc;

	rc = pcim_enable_device(pdev);
	if (rc)
		return rc;
	rc = pcim_iomap_regions(pdev, BIT(0), KBUILD_MODNAME);
	if (rc)
		return rc;
	rc = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (rc)
		return rc;
	mutex_lock(&rf_rogue_lock);
	if (rf_edu) {
		rc = -EBUSY;
	} else {
		pci_set_master(pdev);
		rf_edu = pcim_iomap_table(pdev)[0];
	}
	mutex_unlock(&rf_rogue_lock);
	return rc;
}

static void rf_edu_remove(struct pci_dev *pdev)
{
	mutex_lock(&rf_rogue_lock);
	rf_edu = NULL;
	mutex_unlock(&rf_rogue_lock);
	pci_clear_master(pdev);
}

static const struct pci_device_id rf_edu_ids[] = {
	{ PCI_DEVICE(RF_EDU_VENDOR, RF_EDU_DEVICE) },
	{ }
};

static struct pci_driver rf_edu_driver = {
	.name = KBUILD_MODNAME,
	.id_table = rf_edu_ids,
	.probe = rf_edu_probe,
	.remove = rf_edu_remove,
};

static int __init rf_rogue_init(void)
{
	int rc;

	rf_page = (u8 *)get_zeroed_page(GFP_KERNEL);
	if (!rf_page)
		return -ENOMEM;
	rc = pci_register_driver(&rf_edu_driver);
	if (rc) {
		free_page((unsigned long)rf_page);
		return rc;
	}
	rf_rogue_dir = debugfs_create_dir("rf_rogue", NULL);
	rf_command_file(rf_rogue_dir, rf_run);
	debugfs_create_file("report", 0400, rf_rogue_dir, NULL, &rf_report_fops);
	return 0;
}
module_init(rf_rogue_init);

static void __exit rf_rogue_exit(void)
{
	debugfs_remove(rf_rogue_dir);
	pci_unregister_driver(&rf_edu_driver);
	if (rf_borrowed)
		iounmap(rf_borrowed);
	free_page((unsigned long)rf_page);
}
module_exit(rf_rogue_exit);

MODULE_DESCRIPTION("rainforest test: a device that reads and writes where it is told to");
MODULE_LICENSE("GPL");
