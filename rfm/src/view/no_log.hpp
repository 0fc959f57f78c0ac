// SPDX-License-Identifier: GPL-2.0
// Why nothing can be read of a kernel that has, or had, no log: and whether it helps to wait.
#pragma once

#include "uapi/rainforest.h"

#include <cstdint>
#include <string>

namespace rf {

// A clause for the end of an error: what can be done. `now`: CLOCK_MONOTONIC, nanoseconds.
std::string no_log_text(const std::string &name, const rf_status &status, std::uint64_t now);

} // namespace rf
