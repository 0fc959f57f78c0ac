// SPDX-License-Identifier: GPL-2.0
// Settings of the running system that name cores, or keep memory: what procfs and sysfs
// say of them. Linux forgets some of these when what they name is taken (losses.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rf {

// All lists of cores here are ascending.
struct TaskSetting {
	int tid = 0;
	std::string name;
	std::vector<unsigned> cores;	// that it may run on
	std::vector<unsigned> cpuset;	// cores of its cpuset now, none: it is in the root one
	bool deadline = false;		// SCHED_DEADLINE
	double share = 0;		// of one core, that it reserves as such
};

// Of cgroup v1, without the root one. With v2 the kernel keeps what was asked for.
struct CpusetSetting {
	std::string file;		// cpuset.cpus
	std::vector<unsigned> cores;
};

struct InterruptSetting {
	unsigned number = 0;
	std::string name;		// of its users
	std::vector<unsigned> cores;
};

struct HugePages {
	int node = 0;
	std::uint64_t size = 0;		// of one, in bytes
	std::uint64_t all = 0, free = 0;
	std::string file;		// nr_hugepages
};

struct Settings {
	std::vector<unsigned> online;
	std::vector<TaskSetting> tasks;		// not allowed on all cores, or SCHED_DEADLINE
	bool all_tasks = true;			// there was time to look at all
	std::vector<CpusetSetting> cpusets;
	std::vector<std::vector<unsigned>> partitions;	// their cores; unless keeps_affinity
	std::vector<InterruptSetting> interrupts;	// not allowed on all cores
	bool balances_interrupts = false;	// irqbalance runs, and sets them anew all the time
	std::vector<HugePages> huge_pages;	// where there are any
	std::uint64_t block_size = 0;		// of memory hotplug, in bytes
	double deadline_limit = 0;		// of each core, that tasks can reserve; 0: no limit
	bool keeps_affinity = true;		// when the cpuset of a task gains or loses a core
	std::string reload_rule;		// of udev, that loads the crash kernel anew; "" if none
};

// @root: where /proc, /sys and the rest are found. What cannot be read is not there.
Settings read_settings(const std::string &root = "");

} // namespace rf
