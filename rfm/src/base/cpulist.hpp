// SPDX-License-Identifier: GPL-2.0
// Lists of logical CPU numbers in the kernel's notation: "2-3,5".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rf {

// In the order given. Throws Error(bad_value) for malformed lists, descending
// ranges, and cores named twice.
std::vector<unsigned> parse_cpulist(std::string_view list);

// Ascending runs become ranges; the order of the list is kept.
std::string format_cpulist(const std::vector<unsigned> &cpus);

} // namespace rf
