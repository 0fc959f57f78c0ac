// SPDX-License-Identifier: GPL-2.0
#include "view/statistics.hpp"

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
			now.pressure[i] == unknown_pressure ? Json() : Json(now.pressure[i] / 100.0);
	}
	return json;
}

} // namespace rf
