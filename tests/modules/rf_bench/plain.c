// SPDX-License-Identifier: GPL-2.0
/*
 * What one kernel does alone: a function call on another core, a core or memory
 * offline and online again, memory cleared.
 */
#include <linux/cpu.h>
#include <linux/io.h>
#include <linux/ktime.h>
#include <linux/memory_hotplug.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "bench.h"

#define BENCH_WINDOW		(64UL << 20)	/* mapped at once */

static void bench_nothing(void *unused)
{
}

static int bench_call_once(struct bench_run *run, u64 number)
{
	return smp_call_function_single(run->target, bench_nothing, NULL, 1);
}

int bench_call(struct bench_run *run)
{
	return bench_repeat(run, bench_call_once);
}

/* Plain hotplug of a core: offline, online. */
int bench_core(struct bench_run *run)
{
	u64 start;
	u32 i;
	int rc;

	if (run->target >= nr_cpu_ids || !cpu_online(run->target))
		return -EINVAL;
	for (i = 0; i < run->count; i++) {
		start = ktime_get_ns();
		rc = remove_cpu(run->target);
		if (rc)
			return rc;
		run->ns[0] += ktime_get_ns() - start;
		start = ktime_get_ns();
		rc = add_cpu(run->target);
		if (rc)
			return rc;
		run->ns[1] += ktime_get_ns() - start;
	}
	return 0;
}

/* Plain hotplug of memory: added and online, offline and removed. */
int bench_memory(struct bench_run *run)
{
	int node = memory_add_physaddr_to_nid(run->target);
	u64 start, last = PHYS_PFN(run->target + run->size - 1);
	u32 i;
	int rc;

	for (i = 0; i < run->count; i++) {
		start = ktime_get_ns();
		rc = add_memory(node, run->target, run->size, MHP_NONE);
		if (rc)
			return rc;
		run->ns[0] += ktime_get_ns() - start;
		if (!pfn_to_online_page(last)) {
			pr_err("not online: boot with memhp_default_state=online_movable\n");
			rc = -ENODATA;
		}
		start = ktime_get_ns();
		rc = offline_and_remove_memory(run->target, run->size) ?: rc;
		if (rc)
			return rc;
		run->ns[1] += ktime_get_ns() - start;
	}
	return 0;
}

/* What it takes to clear memory that belongs to no kernel. */
int bench_clear(struct bench_run *run)
{
	u64 start = ktime_get_ns(), at, size;
	void *window;

	for (at = 0; at < run->size; at += size) {
		size = min_t(u64, run->size - at, BENCH_WINDOW);
		window = memremap(run->target + at, size, MEMREMAP_WB);
		if (!window)
			return -ENOMEM;
		memset(window, 0, size);
		memunmap(window);
		cond_resched();
	}
	run->ns[0] = ktime_get_ns() - start;
	return 0;
}
