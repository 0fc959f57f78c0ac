// SPDX-License-Identifier: GPL-2.0
#include "host/proc_statistics.hpp"

#include "host/machine.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string_view>

#include <sys/utsname.h>
#include <unistd.h>

namespace rf {

namespace {

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

} // namespace

std::uint32_t parse_pressure(const std::string &line)
{
	constexpr std::string_view key = "some avg10=";
	double percent = 0;

	if (!line.starts_with(key) || std::sscanf(line.c_str() + key.size(), "%lf", &percent) != 1)
		return unknown_pressure;
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

} // namespace rf
