// SPDX-License-Identifier: GPL-2.0
#include "host/settings.hpp"

#include "base/error.hpp"
#include "host/machine.hpp"
#include "host/proc_files.hpp"
#include "host/task_settings.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace fs = std::filesystem;

namespace {

// From 6.2 on the kernel remembers what a task asked for apart from what its cpuset leaves of it.
constexpr unsigned remembers_major = 6, remembers_minor = 2;
// From 6.12 on each core reserves this much for tasks that are not SCHED_DEADLINE.
constexpr unsigned fair_server_major = 6, fair_server_minor = 12;
constexpr double fair_server = 0.05;

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
