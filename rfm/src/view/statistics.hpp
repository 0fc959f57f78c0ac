// SPDX-License-Identifier: GPL-2.0
// Numbers from inside kernels, made comparable: those that a subOS's agent gives,
// and the same ones of the supervisor's kernel (proc_statistics.hpp).
#pragma once

#include "base/error.hpp"

#include "uapi/rainforest.h"

#include <optional>

namespace rf {

// The numbers as a model: load, memory, and rates since `before`, or since the kernel's
// start if that is absent or of another kernel.
Json usage_json(const rf_statistics &now, const std::optional<rf_statistics> &before);

} // namespace rf
