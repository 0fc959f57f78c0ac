// SPDX-License-Identifier: GPL-2.0
/* debugfs, rainforest-ficm/: for debugging and for tests. */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "rf_ficm.h"

static struct dentry *rf_debug_dir;

static int rf_counters_show(struct seq_file *out, void *unused)
{
	struct rf_ficm_counters counters;

	rf_ficm_counters(&counters);
	seq_printf(out, "sent %llu\n", counters.sent);
	seq_printf(out, "received %llu\n", counters.received);
	seq_printf(out, "full %llu\n", counters.full);
	seq_printf(out, "dropped %llu\n", counters.dropped);
	seq_printf(out, "resyncs %llu\n", counters.resyncs);
	seq_printf(out, "interrupts %llu\n", counters.interrupts);
	seq_printf(out, "polls %llu\n", counters.polls);
	seq_printf(out, "rings %llu\n", counters.rings);
	seq_printf(out, "rescues %llu\n", counters.rescues);
	seq_printf(out, "expired %llu\n", counters.expired);
	seq_printf(out, "brakes %llu\n", counters.brakes);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rf_counters);

static int rf_rings_show(struct seq_file *out, void *unused)
{
	mutex_lock(&rf_member_lock);
	if (rf_ficm_self() != U32_MAX)
		rf_messages_show(out);
	mutex_unlock(&rf_member_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rf_rings);

void rf_debug_init(void)
{
	rf_debug_dir = debugfs_create_dir("rainforest-ficm", NULL);
	debugfs_create_file("counters", 0400, rf_debug_dir, NULL, &rf_counters_fops);
	debugfs_create_file("rings", 0400, rf_debug_dir, NULL, &rf_rings_fops);
	debugfs_create_bool("beat", 0600, rf_debug_dir, &rf_beating);
}

void rf_debug_exit(void)
{
	debugfs_remove(rf_debug_dir);
}
