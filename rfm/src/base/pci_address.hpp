// SPDX-License-Identifier: GPL-2.0
// How people and sysfs name a PCI function.
#pragma once

#include "base/error.hpp"

#include "uapi/rainforest.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

// "0000:00:04.0" or "00:04.0": RF_BDF(). Throws Error(bad_value) that names the word.
std::uint32_t parse_bdf(std::string_view word);

// "0000:00:04.0"
std::string format_bdf(std::uint32_t bdf);

// "0000:00:04.0,01:00.0": each function once, at most RF_FUNCTIONS_MAX.
std::vector<std::uint32_t> parse_bdfs(std::string_view list);

// Separated by commas; a blank follows each in text for people.
std::string format_bdfs(const std::vector<std::uint32_t> &bdfs, const char *separator = ",");

// ["0000:00:04.0", ...]
Json bdfs_json(const std::vector<std::uint32_t> &bdfs);

} // namespace rf
