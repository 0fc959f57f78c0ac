// SPDX-License-Identifier: GPL-2.0
#include "statistics.hpp"

#include "inspect/kernel_log.hpp"
#include "machine.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>

#include <sys/utsname.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr std::uint32_t unknown = ~0u;
constexpr const char *pressure_names[] = {"cpu", "memory", "io"};

// Bytes of a line "MemTotal:  16307476 kB" of /proc/meminfo.
std::uint64_t memory_line(const std::string &key)
{
	std::ifstream file("/proc/meminfo");
	std::string word, rest;
	std::uint64_t kib = 0;

	while (file >> word >> kib && std::getline(file, rest))
		if (word == key + ":")
			return kib * 1024;
	return 0;
}

// From "0.52 0.58 0.59 3/602 29012" of /proc/loadavg: processes and threads.
std::uint32_t process_count()
{
	unsigned count = 0;

	std::sscanf(read_line("/proc/loadavg").c_str(), "%*f %*f %*f %*u/%u", &count);
	return count;
}

// What happened in each second of the interval.
double rate(std::uint64_t now, std::uint64_t before, double seconds)
{
	return seconds > 0 && now >= before ? static_cast<double>(now - before) / seconds : 0;
}

} // namespace

std::uint32_t parse_pressure(const std::string &line)
{
	constexpr std::string_view key = "some avg10=";
	double percent = 0;

	if (!line.starts_with(key) || std::sscanf(line.c_str() + key.size(), "%lf", &percent) != 1)
		return unknown;
	return static_cast<std::uint32_t>(std::lround(std::clamp(percent, 0.0, 100.0) * 100));
}

std::uint64_t parse_busy_ns(const std::string &line, std::uint64_t ticks_per_second)
{
	std::istringstream words(line);
	std::string cpu;
	std::uint64_t ticks, busy = 0;

	// user nice system idle iowait irq softirq steal; guests' time is in user's.
	words >> cpu;
	for (int field = 0; field < 8 && words >> ticks; field++)
		if (field != 3 && field != 4)
			busy += ticks;
	return ticks_per_second ? busy * (1'000'000'000u / ticks_per_second) : 0;
}

rf_statistics supervisor_statistics()
{
	rf_statistics own{};
	timespec uptime{};
	double load[3]{};
	utsname kernel{};

	::clock_gettime(CLOCK_BOOTTIME, &uptime);
	own.uptime_ns = static_cast<std::uint64_t>(uptime.tv_sec) * 1'000'000'000u +
			static_cast<std::uint64_t>(uptime.tv_nsec);
	own.memory_total = memory_line("MemTotal");
	own.memory_free = memory_line("MemFree");
	own.memory_available = memory_line("MemAvailable");
	own.busy_ns = parse_busy_ns(read_line("/proc/stat"),
				    static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK)));
	::getloadavg(load, 3);
	for (int i = 0; i < 3; i++) {
		own.load[i] = static_cast<std::uint32_t>(std::lround(load[i] * 100));
		own.pressure[i] = parse_pressure(
			read_line(std::string("/proc/pressure/") + pressure_names[i]));
	}
	own.processes = process_count();
	own.cpus_online = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_ONLN));
	::uname(&kernel);
	std::string(kernel.release).copy(own.release, sizeof(own.release) - 1);
	return own;
}

Json usage_json(const rf_statistics &now, const std::optional<rf_statistics> &before)
{
	// A kernel that runs for less long than before is another one.
	const rf_statistics from =
		before && before->uptime_ns <= now.uptime_ns ? *before : rf_statistics{};
	const double seconds = static_cast<double>(now.uptime_ns - from.uptime_ns) / 1e9;
	const double cores = std::max<std::uint32_t>(now.cpus_online, 1);
	Json json = {
		{"release", inspect::printable(now.release)},
		{"cores_online", now.cpus_online},
		{"processes", now.processes},
		{"load", Json::array()},
		{"busy_percent", std::min(100.0, rate(now.busy_ns, from.busy_ns, seconds) /
							 1e9 / cores * 100)},
		{"memory_total", now.memory_total},
		{"memory_free", now.memory_free},
		{"memory_available", now.memory_available},
		{"uptime_seconds", static_cast<double>(now.uptime_ns) / 1e9},
		{"messages_per_second", rate(now.messages_in + now.messages_out,
					     from.messages_in + from.messages_out, seconds)},
		{"interrupts_per_second", rate(now.interrupts, from.interrupts, seconds)},
		{"pressure_percent", Json::object()},
	};

	for (int i = 0; i < 3; i++) {
		json["load"].push_back(now.load[i] / 100.0);
		json["pressure_percent"][pressure_names[i]] =
			now.pressure[i] == unknown ? Json() : Json(now.pressure[i] / 100.0);
	}
	return json;
}

} // namespace rf
