// SPDX-License-Identifier: GPL-2.0
// The numbers that a subOS's agent counts, of this kernel.
#pragma once

#include "uapi/rainforest.h"

#include <cstdint>
#include <string>

namespace rf {

// What the fields of rf_statistics::pressure are about.
inline constexpr const char *pressure_names[] = {"cpu", "memory", "io"};
inline constexpr std::uint32_t unknown_pressure = ~0u;

// The supervisor's kernel, from /proc. It does not count messages: those are 0.
rf_statistics supervisor_statistics();

// "some avg10=1.23 ...", as in /proc/pressure: 123. unknown_pressure if there is no such line.
std::uint32_t parse_pressure(const std::string &line);

// "cpu  1 2 3 4 5 6 7 8 0 0", as in /proc/stat: nanoseconds that were not idle.
std::uint64_t parse_busy_ns(const std::string &line, std::uint64_t ticks_per_second);

} // namespace rf
