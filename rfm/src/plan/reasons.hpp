// SPDX-License-Identifier: GPL-2.0
// What a plan decided by itself, and why: for --verbose.
#pragma once

#include "plan/plan.hpp"

namespace rf {

// One line each.
std::vector<std::string> reasons(const Plan &plan);

} // namespace rf
