// SPDX-License-Identifier: GPL-2.0
#include "host/settings.hpp"

#include "base/clock.hpp"
#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "cli/interrupt.hpp"
#include "host/machine.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// Of the kernel: include/linux/sched.h, include/uapi/linux/sched.h.
constexpr unsigned long pf_kthread = 0x00200000, pf_no_setaffinity = 0x04000000;
constexpr unsigned long policy_deadline = 6;
// From 6.2 on the kernel remembers what a task asked for apart from what its cpuset leaves of it.
constexpr unsigned remembers_major = 6, remembers_minor = 2;
// From 6.12 on each core reserves this much for tasks that are not SCHED_DEADLINE.
constexpr unsigned fair_server_major = 6, fair_server_minor = 12;
constexpr double fair_server = 0.05;
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

bool is_number(const std::string &name)
{
	return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

std::vector<fs::path> entries(const fs::path &folder)
{
	std::vector<fs::path> found;
	std::error_code error;

	for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
	     entry.increment(error))
		found.push_back(entry->path());
	return found;
}

// What a file of the kernel says of cores; none if it says nothing, or is gone by now.
std::vector<unsigned> cores_in(const std::string &list)
{
	try {
		return list.empty() ? std::vector<unsigned>{} : parse_cpulist(list);
	} catch (const Error &) {
		return {};
	}
}

std::uint64_t number_in(const fs::path &file)
{
	return std::strtoull(read_line(file).c_str(), nullptr, 10);
}

bool covers(const std::vector<unsigned> &cores, const std::vector<unsigned> &others)
{
	return std::includes(cores.begin(), cores.end(), others.begin(), others.end());
}

// ---- cpusets ----

// Where the cpusets are mounted, and how their files begin.
struct Hierarchy {
	std::string folder;
	std::string prefix = "cpuset.";
	bool v1 = false;
	bool forgets = false;	// a core that goes, for good
	std::vector<unsigned> rest;	// with v2: cores that partitions leave to the root cpuset
};

bool has_word(const std::string &options, const std::string &word)
{
	return ("," + options + ",").find("," + word + ",") != std::string::npos;
}

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

// ---- tasks ----

// Of /proc/PID/task/TID/stat; the name may have any character, also line feeds and brackets.
struct Stat {
	std::string name;
	unsigned long flags = 0, policy = 0;
};

bool read_stat(const fs::path &task, Stat &stat)
{
	std::ifstream file(task / "stat");
	const std::string line{std::istreambuf_iterator<char>(file), {}};
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

double read_deadline_limit(const std::string &root, bool has_fair_server)
{
	const std::string folder = root + "/proc/sys/kernel/sched_rt_";
	const double runtime = std::atof(read_line(folder + "runtime_us").c_str());
	const double period = std::atof(read_line(folder + "period_us").c_str());

	if (runtime < 0 || period <= 0)
		return 0;
	return runtime / period - (has_fair_server ? fair_server : 0);
}

// ---- interrupts ----

// The kernel itself spreads some interrupts, stops them with their cores and starts them with
// these again. Until 6.12 nothing shows which ones: but their files refuse each write, also of
// what is no mask, which others refuse for that.
bool is_managed(const std::string &root, const fs::path &file)
{
	std::error_code error;
	const fs::perms mode = fs::status(file, error).permissions();

	if (error || (mode & fs::perms::owner_write) == fs::perms::none)
		return true;
	if (!root.empty())
		return false;
	const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	const bool managed = ::write(fd, "x", 1) < 0 && errno != EINVAL;
	::close(fd);
	return managed;
}

void read_interrupts(const std::string &root, Settings &settings)
{
	for (const fs::path &interrupt : entries(root + "/proc/irq")) {
		const std::string number = interrupt.filename();
		if (!is_number(number))
			continue;
		const std::string users =
			read_line(text(root, "/sys/kernel/irq/", number, "/actions"));
		std::vector<unsigned> cores = cores_in(read_line(interrupt / "smp_affinity_list"));
		// Our own follow the cores by themselves.
		if (users.empty() || users.starts_with("rainforest") || cores.empty() || covers(cores, settings.online) ||
		    is_managed(root, interrupt / "smp_affinity"))
			continue;
		settings.interrupts.push_back(
			{static_cast<unsigned>(std::atoi(number.c_str())), users, std::move(cores)});
	}
	std::sort(settings.interrupts.begin(), settings.interrupts.end(),
		  [](const auto &a, const auto &b) { return a.number < b.number; });
}

// ---- memory ----

void read_huge_pages(const std::string &root, Settings &settings)
{
	for (const fs::path &node : entries(root + "/sys/devices/system/node")) {
		int number = 0;
		if (std::sscanf(node.filename().c_str(), "node%d", &number) != 1)
			continue;
		for (const fs::path &size : entries(node / "hugepages")) {
			unsigned long kib = 0;
			const fs::path file = size / "nr_hugepages";
			if (std::sscanf(size.filename().c_str(), "hugepages-%lukB", &kib) != 1 ||
			    !number_in(file))
				continue;
			settings.huge_pages.push_back({number, std::uint64_t{kib} << 10,
						       number_in(file),
						       number_in(size / "free_hugepages"),
						       file.string()});
		}
	}
	std::sort(settings.huge_pages.begin(), settings.huge_pages.end(),
		  [](const auto &a, const auto &b) { return a.file < b.file; });
}

// ---- crash kernel ----

bool reloads_crash_kernel(const fs::path &rules)
{
	std::ifstream file(rules);
	std::string line;

	while (std::getline(file, line)) {
		const bool reloads = line.find("kdump") != line.npos ||
				     line.find("kexec") != line.npos;
		if (reloads && !line.starts_with('#') &&
		    (line.find("SUBSYSTEM==\"memory\"") != line.npos ||
		     line.find("SUBSYSTEM==\"cpu\"") != line.npos))
			return true;
	}
	return false;
}

// Of files with one name only that in the first of these folders counts, if only to be empty.
std::string find_reload_rule(const std::string &root)
{
	std::set<std::string> seen;

	for (const char *folder : {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"}) {
		for (const fs::path &file : entries(text(root, folder, "/udev/rules.d"))) {
			if (file.extension() == ".rules" && seen.insert(file.filename()).second &&
			    reloads_crash_kernel(file))
				return file;
		}
	}
	return "";
}

} // namespace

Settings read_settings(const std::string &root)
{
	const std::string release = read_line(root + "/proc/sys/kernel/osrelease");
	const Hierarchy hierarchy = find_hierarchy(root);
	unsigned major = 0, minor = 0;
	Settings settings;

	std::sscanf(release.c_str(), "%u.%u", &major, &minor);
	const auto from = [&](unsigned first_major, unsigned first_minor) {
		return std::pair(major, minor) >= std::pair(first_major, first_minor);
	};
	settings.keeps_affinity = from(remembers_major, remembers_minor);
	settings.deadline_limit =
		read_deadline_limit(root, from(fair_server_major, fair_server_minor));
	settings.online = cores_in(read_line(root + "/sys/devices/system/cpu/online"));
	settings.block_size = std::strtoull(
		read_line(root + "/sys/devices/system/memory/block_size_bytes").c_str(), nullptr, 16);
	read_tasks(root, hierarchy, settings);
	read_cpusets(hierarchy, settings);
	read_interrupts(root, settings);
	read_huge_pages(root, settings);
	if (number_in(root + "/sys/kernel/kexec_crash_loaded"))
		settings.reload_rule = find_reload_rule(root);
	return settings;
}

} // namespace rf
