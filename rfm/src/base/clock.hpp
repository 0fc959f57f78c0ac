// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <cstdint>

namespace rf {

// CLOCK_MONOTONIC in nanoseconds, the clock of rf_status::moments.
std::uint64_t monotonic_ns();

} // namespace rf
