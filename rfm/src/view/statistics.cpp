// SPDX-License-Identifier: GPL-2.0
#include "view/statistics.hpp"

#include "cli/output.hpp"
#include "host/proc_statistics.hpp"
#include "inspect/kernel_log.hpp"

#include <algorithm>

namespace rf {

namespace {

// What happened in each second of the interval.
double rate(std::uint64_t now, std::uint64_t before, double seconds)
{
	return seconds > 0 && now >= before ? static_cast<double>(now - before) / seconds : 0;
}

} // namespace

Usage usage_of(const rf_statistics &now, const std::optional<rf_statistics> &before)
{
	// A kernel that runs for less long than before is another one.
	const rf_statistics from =
		before && before->uptime_ns <= now.uptime_ns ? *before : rf_statistics{};
	const double seconds = static_cast<double>(now.uptime_ns - from.uptime_ns) / 1e9;
	const double cores = std::max<std::uint32_t>(now.cpus_online, 1);
	Usage usage;

	usage.release = inspect::printable(now.release);
	usage.cores_online = now.cpus_online;
	usage.processes = now.processes;
	usage.busy_percent =
		std::min(100.0, rate(now.busy_ns, from.busy_ns, seconds) / 1e9 / cores * 100);
	usage.memory_total = now.memory_total;
	usage.memory_free = now.memory_free;
	usage.memory_available = now.memory_available;
	usage.uptime_seconds = static_cast<double>(now.uptime_ns) / 1e9;
	usage.messages_per_second = rate(now.messages_in + now.messages_out,
					 from.messages_in + from.messages_out, seconds);
	usage.interrupts_per_second = rate(now.interrupts, from.interrupts, seconds);
	for (std::size_t i = 0; i < usage.load.size(); i++) {
		usage.load[i] = now.load[i] / 100.0;
		if (now.pressure[i] != unknown_pressure)
			usage.pressure_percent[i] = now.pressure[i] / 100.0;
	}
	return usage;
}

void to_json(Json &json, const Usage &usage)
{
	json = {{"release", usage.release},
		{"cores_online", usage.cores_online},
		{"processes", usage.processes},
		{"load", usage.load},
		{"busy_percent", usage.busy_percent},
		{"memory_total", usage.memory_total},
		{"memory_free", usage.memory_free},
		{"memory_available", usage.memory_available},
		{"uptime_seconds", usage.uptime_seconds},
		{"messages_per_second", or_null(usage.messages_per_second)},
		{"interrupts_per_second", or_null(usage.interrupts_per_second)},
		{"pressure_percent", Json::object()}};
	for (std::size_t i = 0; i < usage.pressure_percent.size(); i++)
		json["pressure_percent"][pressure_names[i]] = or_null(usage.pressure_percent[i]);
}

} // namespace rf
