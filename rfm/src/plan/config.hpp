// SPDX-License-Identifier: GPL-2.0
// Configuration files: `option = value` lines with the names of the options.
#pragma once

#include "cli/verb.hpp"

#include <istream>

namespace rf {

// Reads the keys that the table marks as in_file. Throws Error(bad_value) for
// other keys (naming the accepted ones), keys given twice, and malformed lines.
std::map<std::string, std::string> parse_config(std::istream &input, const std::string &path,
						std::span<const Option> options);

// Adds to the request what the file says and the command line does not. Options
// that choose the same thing (--cores and --ncores) override each other.
void merge_config(Request &request, const std::map<std::string, std::string> &config);

// Both, for a file by its path. Throws Error(bad_file) if it cannot be read.
void read_config(Request &request, const std::string &path, std::span<const Option> options);

} // namespace rf
