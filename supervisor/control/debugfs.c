// SPDX-License-Identifier: GPL-2.0
/*
 * For tests: fault injection (base/step.c), and consistency checks.
 *
 *   /sys/kernel/debug/rainforest/fail_nth   N, 0: off
 *   /sys/kernel/debug/rainforest/kill_nth   N, 0: off
 *   /sys/kernel/debug/rainforest/fail_resets N: so many resets of PCI functions fail
 *   /sys/kernel/debug/rainforest/stall_blocks  N: threads that take memory blocks or return them
 *                                           first hang N seconds, or until it is 0
 *   /sys/kernel/debug/rainforest/stall_cores N: the same for those that move cores out or in
 *   /sys/kernel/debug/rainforest/stall_pass N: the same for those that only see whether others hotplug
 *   /sys/kernel/debug/rainforest/stall_reset N: the same for each reset of a PCI function
 *   /sys/kernel/debug/rainforest/steps      count, write 0 to restart
 *   /sys/kernel/debug/rainforest/pool_check first address with wrong contents in memory that
 *                                           nobody owns, or 0 (reads all of it)
 *   /sys/kernel/debug/rainforest/pool_left  bytes given up that are still to be cleared
 *   /sys/kernel/debug/rainforest/hotplug_blocked  address of the memory block that blocks hotplug of
 *                                           this kernel; with bit 63: CPU number; all ones:
 *                                           another task does; or 0
 *   /sys/kernel/debug/rainforest/ledger     "sound", or the first inconsistency in the
 *                                           ledger, or why it cannot be rebuilt from the
 *                                           machine page
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/module.h>

#include "base/base.h"
#include "control/internal.h"
#include "ledger/ledger.h"
#include "memory/memory.h"
#include "shared/shared.h"

static struct dentry *rf_debug_dir;

static int rf_pool_check_get(void *data, u64 *value)
{
	int rc;

	rf_pool_clear_wait();
	mutex_lock(&rf_ledger_lock);
	rc = rf_pool_check(value);
	mutex_unlock(&rf_ledger_lock);
	return rc;
}
DEFINE_DEBUGFS_ATTRIBUTE(rf_pool_check_fops, rf_pool_check_get, NULL, "0x%llx\n");

static int rf_pool_left_get(void *data, u64 *value)
{
	struct rf_memory_figures figures;

	mutex_lock(&rf_ledger_lock);
	rf_ledger_memory_figures(&rf_books.memory, -1, &figures);
	mutex_unlock(&rf_ledger_lock);
	*value = figures.left;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rf_pool_left_fops, rf_pool_left_get, NULL, "%llu\n");

static int rf_hotplug_blocked_get(void *data, u64 *value)
{
	*value = rf_hotplug_blocked();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(rf_hotplug_blocked_fops, rf_hotplug_blocked_get, NULL, "0x%llx\n");

/*
 * Not a seq_file: to lockdep the locks of all of these are one, and /proc/iomem, which is read
 * under the ledger lock, is one of them.
 */
static ssize_t rf_debug_ledger_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	const char *wrong;
	char text[128];
	int rc, length;

	if (*pos)
		return 0;
	mutex_lock(&rf_ledger_lock);
	wrong = rf_ledger_check(&rf_books);
	rc = rf_ledger_rebuild();
	mutex_unlock(&rf_ledger_lock);
	if (!wrong && rc)
		length = scnprintf(text, sizeof(text),
				   "cannot be rebuilt from the machine page: error %d\n", rc);
	else
		length = scnprintf(text, sizeof(text), "%s\n", wrong ?: "sound");
	return simple_read_from_buffer(buf, count, pos, text, length);
}

static const struct file_operations rf_debug_ledger_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = rf_debug_ledger_read,
	.llseek = default_llseek,
};

void rf_debugfs_init(void)
{
	rf_debug_dir = debugfs_create_dir("rainforest", NULL);
	debugfs_create_u32("fail_nth", 0600, rf_debug_dir, &rf_steps.fail_nth);
	debugfs_create_u32("kill_nth", 0600, rf_debug_dir, &rf_steps.kill_nth);
	debugfs_create_u32("fail_resets", 0600, rf_debug_dir, &rf_steps.fail_resets);
	debugfs_create_u32("stall_blocks", 0600, rf_debug_dir, &rf_steps.stall_blocks);
	debugfs_create_u32("stall_cores", 0600, rf_debug_dir, &rf_steps.stall_cores);
	debugfs_create_u32("stall_pass", 0600, rf_debug_dir, &rf_steps.stall_pass);
	debugfs_create_u32("stall_reset", 0600, rf_debug_dir, &rf_steps.stall_reset);
	debugfs_create_u32("steps", 0600, rf_debug_dir, &rf_steps.count);
	debugfs_create_file_unsafe("pool_check", 0400, rf_debug_dir, NULL, &rf_pool_check_fops);
	debugfs_create_file("ledger", 0400, rf_debug_dir, NULL, &rf_debug_ledger_fops);
	debugfs_create_file_unsafe("hotplug_blocked", 0400, rf_debug_dir, NULL,
				   &rf_hotplug_blocked_fops);
	debugfs_create_file_unsafe("pool_left", 0400, rf_debug_dir, NULL, &rf_pool_left_fops);
}

void rf_debugfs_exit(void)
{
	debugfs_remove(rf_debug_dir);
}
