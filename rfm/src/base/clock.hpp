// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <chrono>
#include <cstdint>

namespace rf {

// CLOCK_MONOTONIC in nanoseconds, the clock of rf_status::moments.
std::uint64_t monotonic_ns();

// On that clock, so long from now.
std::uint64_t deadline_after(std::chrono::nanoseconds duration);

} // namespace rf
