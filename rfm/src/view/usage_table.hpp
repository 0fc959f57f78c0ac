// SPDX-License-Identifier: GPL-2.0
// How busy all kernels are: a row for each of them, as a model and as a table.
#pragma once

#include "base/error.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rf {

// A terminal that does not tell its width has this one.
constexpr int usage_columns_least = 80;

// Four characters: "995M", "1.9G", "64G".
std::string short_size(std::uint64_t bytes);

// Rows of those that there are; one that cannot be looked at keeps no other from the table:
// its row has an "error", and null for what is not known. `look` throws Error.
Json usage_rows(const std::vector<std::string> &names,
		const std::function<Json(const std::string &)> &look);

// Title, rows, and what is wrong with rows that have no usage, in lines. A terminal wider than
// the least gives the rest to the names.
std::vector<std::string> usage_lines(const Json &rows, int width);

} // namespace rf
