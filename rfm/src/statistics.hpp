// SPDX-License-Identifier: GPL-2.0
// Numbers from inside kernels, made comparable: those that a subOS's agent gives,
// and the same ones of the supervisor's kernel.
#pragma once

#include "device.hpp"

namespace rf {

// The supervisor's kernel, from /proc. It does not count messages: those are 0.
rf_statistics supervisor_statistics();

// "some avg10=1.23 ...", as in /proc/pressure: 123. ~0 if there is no such line.
std::uint32_t parse_pressure(const std::string &line);

// "cpu  1 2 3 4 5 6 7 8 0 0", as in /proc/stat: nanoseconds that were not idle.
std::uint64_t parse_busy_ns(const std::string &line, std::uint64_t ticks_per_second);

// The numbers as a model: load, memory, and rates since `before`, or since the kernel's
// start if that is absent or of another kernel.
Json usage_json(const rf_statistics &now, const std::optional<rf_statistics> &before);

} // namespace rf
