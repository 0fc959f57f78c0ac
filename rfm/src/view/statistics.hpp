// SPDX-License-Identifier: GPL-2.0
// Numbers from inside kernels, made comparable: those that a subOS's agent gives,
// and the same ones of the supervisor's kernel (proc_statistics.hpp).
#pragma once

#include "base/error.hpp"

#include "uapi/rainforest.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace rf {

// How busy one kernel is.
struct Usage {
	std::string release;
	std::uint32_t cores_online = 0;
	std::uint64_t processes = 0;
	std::array<double, 3> load{};		// of 1, 5 and 15 minutes
	double busy_percent = 0;
	std::uint64_t memory_total = 0, memory_free = 0, memory_available = 0;
	double uptime_seconds = 0;
	std::optional<double> messages_per_second, interrupts_per_second;	// of FICM
	std::array<std::optional<double>, 3> pressure_percent;	// as pressure_names
};

// Load, memory, and rates since `before`, or since the kernel's start if that is absent or of
// another kernel.
Usage usage_of(const rf_statistics &now, const std::optional<rf_statistics> &before);

void to_json(Json &json, const Usage &usage);

} // namespace rf
