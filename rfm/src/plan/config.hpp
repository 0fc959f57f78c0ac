// SPDX-License-Identifier: GPL-2.0
// Configuration files: TOML, whose keys are the names of the options.
#pragma once

#include "cli/verb.hpp"

#include <map>
#include <string>
#include <string_view>

namespace rf {

// Reads the keys that the table marks as in_file, as the command line would have them: text or
// a number, a boolean for a switch, also an array where the option takes a list. Throws
// Error(bad_value) with file, line and key for other keys (naming the accepted ones), keys given
// twice, values of another type, what is not TOML, and the form that files had before.
std::map<std::string, std::string> parse_config(std::string_view file, const std::string &path,
						std::span<const Option> options);

// Adds to the request what the file says and the command line does not. Options
// that choose the same thing (--cores and --ncores) override each other.
void merge_config(Request &request, const std::map<std::string, std::string> &config);

// Both, for a file by its path. Throws Error(bad_file) if it cannot be read.
void read_config(Request &request, const std::string &path, std::span<const Option> options);

} // namespace rf
