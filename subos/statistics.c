// SPDX-License-Identifier: GPL-2.0
/*
 * Numbers for people, written into the own endpoint when the supervisor asks for
 * them. Nobody decides by them, so what cannot be learnt is left unknown.
 */
#include <linux/cpumask.h>
#include <linux/kernel_stat.h>
#include <linux/mm.h>
#include <linux/sched/loadavg.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>

#include "kernel/ficm.h"
#include "kernel/files.h"
#include "rf_subos.h"

#define RF_UNKNOWN	(~0U)

static u64 rf_busy_ns(void)
{
	static const enum cpu_usage_stat busy[] = {
		CPUTIME_USER, CPUTIME_NICE, CPUTIME_SYSTEM, CPUTIME_SOFTIRQ, CPUTIME_IRQ,
	};
	struct kernel_cpustat stat;
	unsigned int cpu, i;
	u64 sum = 0;

	for_each_possible_cpu(cpu) {
		kcpustat_cpu_fetch(&stat, cpu);
		for (i = 0; i < ARRAY_SIZE(busy); i++)
			sum += stat.cpustat[busy[i]];
	}
	return sum;
}

/*
 * "some avg10=1.23 avg60=..." as 123. The root cgroup says what /proc/pressure does, and
 * unlike that it can be read from inside the kernel. Not mounted: unknown.
 */
static u32 rf_pressure(const char *path)
{
	unsigned int whole, part;
	char text[64];

	if (rf_file_read(path, text, sizeof(text)) < 0 ||
	    sscanf(text, "some avg10=%u.%2u", &whole, &part) != 2)
		return RF_UNKNOWN;
	return whole * 100 + part;
}

static u32 rf_processes(void)
{
	struct task_struct *process;
	u32 count = 0;

	rcu_read_lock();
	for_each_process(process)
		count++;
	rcu_read_unlock();
	return count;
}

static void rf_fill_memory(struct rf_statistics *out)
{
	struct sysinfo info;

	si_meminfo(&info);
	out->memory_total = (u64)info.totalram * info.mem_unit;
	out->memory_free = (u64)info.freeram * info.mem_unit;
	out->memory_available = (u64)si_mem_available() << PAGE_SHIFT;
}

/* RF_OP_STATISTICS. Context: process context, may sleep. */
int rf_statistics_fill(struct rf_request *request, const s64 *args, s64 *results)
{
	struct rf_endpoint *self = rf_ficm_endpoint(rf_ficm_self());
	struct rf_ficm_counters counters;
	struct rf_statistics out = { 0 };
	unsigned int i;

	if (!self)
		return -ENXIO;
	rf_ficm_counters(&counters);
	out.uptime_ns = ktime_get_boottime_ns();
	rf_fill_memory(&out);
	out.interrupts = counters.interrupts;
	out.messages_in = counters.received;
	out.messages_out = counters.sent;
	out.busy_ns = rf_busy_ns();
	for (i = 0; i < ARRAY_SIZE(out.load); i++)
		out.load[i] = (READ_ONCE(avenrun[i]) * 100 + FIXED_1 / 2) >> FSHIFT;
	out.pressure[0] = rf_pressure("/sys/fs/cgroup/cpu.pressure");
	out.pressure[1] = rf_pressure("/sys/fs/cgroup/memory.pressure");
	out.pressure[2] = rf_pressure("/sys/fs/cgroup/io.pressure");
	out.processes = rf_processes();
	out.cpus_online = num_online_cpus();
	strscpy(out.release, init_utsname()->release, sizeof(out.release));
	self->statistics = out;
	return 0;
}
