// SPDX-License-Identifier: GPL-2.0
/*
 * Read-only state of the machine, for people and scripts. SubOSes: lifecycle/attributes.c.
 * The state lock is enough to read what it shows, and nobody holds it for long.
 *
 *   /sys/class/misc/rainforest/low_slices     free and total
 *   /sys/class/misc/rainforest/pool           free and total, bytes
 *   /sys/class/misc/rainforest/arena          bytes of the pool that are shared memory
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "control/internal.h"
#include "cores/cores.h"
#include "lifecycle/lifecycle.h"
#include "memory/memory.h"
#include "shared/shared.h"

static struct device *rf_device;

static ssize_t low_slices_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	unsigned long flags;
	u32 total, free;

	spin_lock_irqsave(&rf_state_lock, flags);
	rf_lowmem_figures(&total, &free);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return sysfs_emit(buf, "%u %u\n", free, total);
}
static DEVICE_ATTR_RO(low_slices);

static ssize_t pool_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct rf_memory_figures figures;
	unsigned long flags;

	spin_lock_irqsave(&rf_state_lock, flags);
	rf_ledger_memory_figures(&rf_books.memory, -1, &figures);
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return sysfs_emit(buf, "%llu %llu\n", figures.free, figures.total);
}
static DEVICE_ATTR_RO(pool);

static ssize_t arena_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	unsigned long flags;
	u64 size;

	spin_lock_irqsave(&rf_state_lock, flags);
	size = rf_arena_size();
	spin_unlock_irqrestore(&rf_state_lock, flags);
	return sysfs_emit(buf, "%llu\n", size);
}
static DEVICE_ATTR_RO(arena);

static struct attribute *rf_machine_attrs[] = {
	&dev_attr_low_slices.attr,
	&dev_attr_pool.attr,
	&dev_attr_arena.attr,
	NULL,
};

static const struct attribute_group rf_machine_group = { .attrs = rf_machine_attrs };

int rf_sysfs_init(struct device *dev)
{
	int rc;

	rf_device = dev;
	rc = rf_attributes_init(&dev->kobj);
	if (rc)
		return rc;
	rc = sysfs_create_group(&dev->kobj, &rf_machine_group);
	if (rc)
		rf_attributes_exit();
	return rc;
}

void rf_sysfs_exit(void)
{
	sysfs_remove_group(&rf_device->kobj, &rf_machine_group);
	rf_attributes_exit();
}
