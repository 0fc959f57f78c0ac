// SPDX-License-Identifier: GPL-2.0
#include "host/task_settings.hpp"

#include "base/clock.hpp"
#include "base/error.hpp"
#include "cli/interrupt.hpp"
#include "host/machine.hpp"
#include "host/proc_files.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Of the kernel: include/linux/sched.h, include/uapi/linux/sched.h.
constexpr unsigned long pf_kthread = 0x00200000, pf_no_setaffinity = 0x04000000;
constexpr unsigned long policy_deadline = 6;
// Whoever has very many tasks does not make others wait for what is only a note.
constexpr std::uint64_t tasks_ns_most = 2'000'000'000;

// Of sched_getattr(2); the C library of Debian 12 has neither.
struct SchedAttributes {
	std::uint32_t size, policy;
	std::uint64_t flags;
	std::int32_t nice;
	std::uint32_t priority;
	std::uint64_t runtime, deadline, period;
};

bool has_word(const std::string &options, const std::string &word)
{
	return ("," + options + ",").find("," + word + ",") != std::string::npos;
}

// Folders come and go meanwhile: of one that is gone nothing is visited, and all others are.
template <typename Visit>
void for_each_cpuset(const fs::path &folder, const std::string &prefix, const Visit &visit)
{
	for (const fs::path &entry : entries(folder)) {
		std::error_code error;
		if (!fs::is_directory(fs::symlink_status(entry, error)))
			continue;
		visit(entry / (prefix + "cpus"));
		for_each_cpuset(entry, prefix, visit);
	}
}

// Of /proc/PID/task/TID/stat; the name may have any character, also line feeds and brackets.
struct Stat {
	std::string name;
	unsigned long flags = 0, policy = 0;
};

bool read_stat(const fs::path &task, Stat &stat)
{
	const std::string line = content_of(task / "stat");
	const std::size_t open = line.find('('), close = line.rfind(')');
	std::string word;

	if (open == line.npos || close == line.npos || close < open)
		return false;
	stat.name = line.substr(open + 1, close - open - 1);
	std::istringstream words(line.substr(close + 1));
	for (int field = 3; words >> word; field++) {
		if (field == 9)
			stat.flags = std::strtoul(word.c_str(), nullptr, 10);
		if (field == 41)
			stat.policy = std::strtoul(word.c_str(), nullptr, 10);
	}
	return true;
}

std::string allowed_cores(const fs::path &task)
{
	constexpr std::string_view key = "Cpus_allowed_list:";
	std::ifstream file(task / "status");
	std::string line;

	while (std::getline(file, line))
		if (line.starts_with(key))
			return line.substr(std::min(line.find_first_not_of(" \t", key.size()),
						    line.size()));
	return "";
}

double deadline_share(int tid)
{
	SchedAttributes attributes{};

	if (::syscall(SYS_sched_getattr, tid, &attributes, sizeof(attributes), 0) ||
	    !attributes.period)
		return 0;
	return static_cast<double>(attributes.runtime) / static_cast<double>(attributes.period);
}

std::vector<unsigned> cpuset_of(const fs::path &task, const Hierarchy &hierarchy)
{
	const std::string path = read_line(task / "cpuset");

	if (path.size() < 2 || hierarchy.folder.empty())
		return {};
	return cores_in(read_line(text(hierarchy.folder, path, "/", hierarchy.prefix,
				       hierarchy.v1 ? "effective_cpus" : "cpus.effective")));
}

// Anybody may choose any name.
bool belongs_to_root(const std::string &root, const fs::path &task)
{
	struct stat status{};

	return !root.empty() || (!::stat(task.c_str(), &status) && status.st_uid == 0);
}

void read_task(const std::string &root, const fs::path &task, const Hierarchy &hierarchy,
	       Settings &settings)
{
	TaskSetting setting;
	Stat stat;

	setting.tid = std::atoi(task.filename().c_str());
	// Kernel threads that belong to a core go and come with it; those of an interrupt follow it,
	// and kcompactd its node.
	if (!read_stat(task, stat) || stat.flags & pf_no_setaffinity ||
	    (stat.flags & pf_kthread &&
	     (stat.name.starts_with("irq/") || stat.name.starts_with("kcompactd"))) ||
	    (root.empty() && setting.tid == ::getpid()))
		return;
	settings.balances_interrupts |= stat.name == "irqbalance" && belongs_to_root(root, task);
	setting.name = stat.name;
	setting.deadline = stat.policy == policy_deadline;
	setting.cores = cores_in(allowed_cores(task));
	if (setting.cores.empty() || (!setting.deadline && covers(setting.cores, settings.online)))
		return;
	if (setting.deadline && root.empty())
		setting.share = deadline_share(setting.tid);
	setting.cpuset = cpuset_of(task, hierarchy);
	if (!setting.deadline && setting.cpuset.empty() && setting.cores == hierarchy.rest)
		return;
	settings.tasks.push_back(std::move(setting));
}

} // namespace

Hierarchy find_hierarchy(const std::string &root)
{
	std::ifstream mounts(root + "/proc/mounts");
	std::string line;
	Hierarchy found;

	while (std::getline(mounts, line)) {
		std::istringstream words(line);
		std::string device, folder, type, options;
		words >> device >> folder >> type >> options;
		if (type == "cgroup2" && found.folder.empty())
			found.folder = root + folder;
		if (type != "cgroup" || !has_word(options, "cpuset"))
			continue;
		return {root + folder,
			has_word(options, "noprefix") ? "" : "cpuset.",
			true,
			!has_word(options, "cpuset_v2_mode"),
			{}};
	}
	found.rest = cores_in(read_line(found.folder + "/cpuset.cpus.effective"));
	return found;
}

void read_cpusets(const Hierarchy &hierarchy, Settings &settings)
{
	if (hierarchy.forgets)
		for_each_cpuset(hierarchy.folder, hierarchy.prefix, [&](const fs::path &file) {
			std::vector<unsigned> cores = cores_in(read_line(file));
			if (!cores.empty())
				settings.cpusets.push_back({file.string(), std::move(cores)});
		});
	if (!hierarchy.v1 && !settings.keeps_affinity)
		for_each_cpuset(hierarchy.folder, hierarchy.prefix, [&](const fs::path &file) {
			const std::string kind = read_line(file.string() + ".partition");
			if (kind == "root" || kind == "isolated")
				settings.partitions.push_back(
					cores_in(read_line(file.string() + ".effective")));
		});
	std::sort(settings.cpusets.begin(), settings.cpusets.end(),
		  [](const auto &a, const auto &b) { return a.file < b.file; });
}

void read_tasks(const std::string &root, const Hierarchy &hierarchy, Settings &settings)
{
	const std::uint64_t end = monotonic_ns() + tasks_ns_most;

	for (const fs::path &process : entries(root + "/proc")) {
		if (!is_number(process.filename()))
			continue;
		for (const fs::path &task : entries(process / "task")) {
			settings.all_tasks = !interrupted() && monotonic_ns() < end;
			if (!settings.all_tasks)
				break;
			read_task(root, task, hierarchy, settings);
		}
		if (!settings.all_tasks)
			break;
	}
	std::sort(settings.tasks.begin(), settings.tasks.end(),
		  [](const auto &a, const auto &b) { return a.tid < b.tid; });
}

} // namespace rf
