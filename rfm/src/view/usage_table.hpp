// SPDX-License-Identifier: GPL-2.0
// How busy all kernels are: a row for each of them, as a model and as a table.
#pragma once

#include "base/error.hpp"
#include "view/statistics.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rf {

// A terminal that does not tell its width has this one.
constexpr int usage_columns_least = 80;

// Four characters: "995M", "1.9G", "64G".
std::string short_size(std::uint64_t bytes);

// One kernel. What is not known of it, because it cannot be looked at, is absent.
struct KernelRow {
	std::string name;
	std::optional<std::uint32_t> id;	// of the subOS, 0: the supervisor
	std::string state = "-";
	std::optional<std::uint32_t> cores;
	std::optional<std::uint64_t> memory;
	std::optional<Usage> usage;	// of a kernel that runs
	std::string error;		// why there is none, "" if nothing is wrong
};

void to_json(Json &json, const KernelRow &row);

// Rows of those that there are; one that cannot be looked at keeps no other from the table:
// its row has an error. `look` throws Error.
std::vector<KernelRow> usage_rows(const std::vector<std::string> &names,
				  const std::function<KernelRow(const std::string &)> &look);

// Title, rows, and what is wrong with rows that have no usage, in lines. A terminal wider than
// the least gives the rest to the names.
std::vector<std::string> usage_lines(const std::vector<KernelRow> &rows, int width);

} // namespace rf
