// SPDX-License-Identifier: GPL-2.0
/* What is asked through debugfs: see bench.h. */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "bench.h"

static DEFINE_MUTEX(bench_lock);	/* one measurement at a time */
static char bench_result[1024];
static struct dentry *bench_folder;

/* Do @once as often as asked and time it. */
int bench_repeat(struct bench_run *run, int (*once)(struct bench_run *run, u64 number))
{
	u64 start = ktime_get_ns();
	u32 i;
	int rc;

	for (i = 0; i < run->count; i++) {
		rc = once(run, i + 1);
		if (rc)
			return rc;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	run->ns[0] = ktime_get_ns() - start;
	return 0;
}

static u32 bench_one(const struct bench_run *run)
{
	return run->target < RF_MEMBERS_MAX ? BIT(run->target) : 0;
}

static u32 bench_several(const struct bench_run *run)
{
	return run->target;
}

static const struct bench_subject {
	const char *name;
	int (*measure)(struct bench_run *run);
	u32 (*members)(const struct bench_run *run);	/* who takes part; NULL: nobody else */
} bench_subjects[] = {
	{ "call", bench_call },
	{ "doorbell", bench_doorbell, bench_one },
	{ "doorbell-back", bench_doorbell_back, bench_one },
	{ "message", bench_message, bench_one },
	{ "message-process", bench_process, bench_one },
	{ "flood", bench_flood, bench_several },
	{ "poll", bench_poll, bench_one },
	{ "threads", bench_threads },
	{ "core", bench_core },
	{ "memory", bench_memory },
	{ "clear", bench_clear },
};

/* Of this kernel, and of the others that take part, added up. */
struct bench_look {
	struct rf_ficm_counters own, others;
};

static void bench_add(struct rf_ficm_counters *to, const struct rf_ficm_counters *from)
{
	to->sent += from->sent;
	to->received += from->received;
	to->full += from->full;
	to->dropped += from->dropped;
	to->interrupts += from->interrupts;
	to->polls += from->polls;
	to->rings += from->rings;
}

static int bench_look(struct bench_look *look, unsigned long members)
{
	u32 member;
	int rc;

	memset(look, 0, sizeof(*look));
	rf_ficm_counters(&look->own);
	for_each_set_bit(member, &members, RF_MEMBERS_MAX) {
		rc = bench_ask(member, BENCH_ASK_COUNTERS, 0);
		if (rc)
			return rc;
		bench_add(&look->others, &bench_page_of(member)->counters);
	}
	return 0;
}

static int bench_tell(char *text, size_t size, const char *who,
		      const struct rf_ficm_counters *before, const struct rf_ficm_counters *after)
{
	return scnprintf(text, size,
			 "%s-sent %llu\n%s-full %llu\n%s-rings %llu\n%s-received %llu\n"
			 "%s-dropped %llu\n%s-interrupts %llu\n%s-polls %llu\n",
			 who, after->sent - before->sent, who, after->full - before->full,
			 who, after->rings - before->rings, who, after->received - before->received,
			 who, after->dropped - before->dropped,
			 who, after->interrupts - before->interrupts,
			 who, after->polls - before->polls);
}

static int bench_measure(const struct bench_subject *subject, struct bench_run *run)
{
	u32 members = subject->members ? subject->members(run) : 0;
	struct bench_look before, after;
	int rc, length;

	if (subject->members && (!members || members & BIT(rf_ficm_self())))
		return -EINVAL;
	rc = bench_look(&before, members) ?: subject->measure(run) ?: bench_look(&after, members);
	if (rc)
		return rc;
	length = scnprintf(bench_result, sizeof(bench_result), "count %u\nns %llu\nns-back %llu\n",
			   run->count, run->ns[0], run->ns[1]);
	length += bench_tell(bench_result + length, sizeof(bench_result) - length, "own",
			     &before.own, &after.own);
	bench_tell(bench_result + length, sizeof(bench_result) - length, "others",
		   &before.others, &after.others);
	return 0;
}

static ssize_t bench_write(struct file *file, const char __user *buf, size_t size, loff_t *pos)
{
	struct bench_run run = {};
	char line[128], name[32];
	ssize_t rc;
	int i;

	if (size >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, buf, size))
		return -EFAULT;
	line[size] = '\0';
	if (sscanf(line, "%31s %u %lli %lli", name, &run.count, &run.target, &run.size) < 3)
		return -EINVAL;
	/* What is measured must not move to another core meanwhile. */
	if (!run.count || run.count > BENCH_COUNT_MAX || current->nr_cpus_allowed != 1)
		return -EINVAL;
	rc = mutex_lock_interruptible(&bench_lock);
	if (rc)
		return rc;
	bench_result[0] = '\0';
	rc = -EINVAL;
	for (i = 0; i < ARRAY_SIZE(bench_subjects); i++)
		if (!strcmp(name, bench_subjects[i].name))
			rc = bench_measure(&bench_subjects[i], &run);
	mutex_unlock(&bench_lock);
	return rc ?: size;
}

static ssize_t bench_read(struct file *file, char __user *buf, size_t size, loff_t *pos)
{
	ssize_t rc;

	rc = mutex_lock_interruptible(&bench_lock);
	if (rc)
		return rc;
	rc = simple_read_from_buffer(buf, size, pos, bench_result, strlen(bench_result));
	mutex_unlock(&bench_lock);
	return rc;
}

static const struct file_operations bench_run_fops = {
	.owner = THIS_MODULE,
	.write = bench_write,
};

static const struct file_operations bench_result_fops = {
	.owner = THIS_MODULE,
	.read = bench_read,
};

static int __init rf_bench_init(void)
{
	int rc;

	rc = bench_polled_init();
	if (rc)
		return rc;
	rc = bench_peer_init();
	if (rc)
		goto exit_polled;
	bench_folder = debugfs_create_dir("rf_bench", NULL);
	debugfs_create_file("run", 0200, bench_folder, NULL, &bench_run_fops);
	debugfs_create_file("result", 0400, bench_folder, NULL, &bench_result_fops);
	pr_info("member %u is ready\n", rf_ficm_self());
	return 0;

exit_polled:
	bench_polled_exit();
	return rc;
}
module_init(rf_bench_init);

static void __exit rf_bench_exit(void)
{
	debugfs_remove_recursive(bench_folder);
	bench_peer_exit();
	bench_polled_exit();
}
module_exit(rf_bench_exit);

MODULE_DESCRIPTION("rainforest benchmark: FICM beside what one kernel does alone");
MODULE_LICENSE("GPL");
