// SPDX-License-Identifier: GPL-2.0
// Configuration files: TOML, whose keys are the names of the options.
#pragma once

#include "cli/verb.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

// Reads the keys that the table marks as in_file, as the command line would have them: text or
// a number, a boolean for a switch, also an array where the option takes a list. Throws
// Error(bad_value) with file, line and key for other keys (naming the accepted ones), keys given
// twice, values of another type, what is not TOML, and the form that files had before.
std::map<std::string, std::string> parse_config(std::string_view file, const std::string &path,
						std::span<const Option> options);

// The options of one subOS, as a file has them.
struct NamedConfig {
	std::string name;
	std::map<std::string, std::string> values;
};

// A file of one or many subOSes: a table for each, named by it ([web]), or the options of one
// alone, which is named as the file is, `name_of_file`. In the order of the file. Throws as
// parse_config() does, and for names that no subOS can have.
std::vector<NamedConfig> parse_definitions(std::string_view file, const std::string &path,
					   const std::string &name_of_file,
					   std::span<const Option> options);

// Adds to the request what the file says and the command line does not. Options
// that choose the same thing (--cores and --ncores) override each other.
void merge_config(Request &request, const std::map<std::string, std::string> &config);

// Both, for a file by its path. Throws Error(bad_file) if it cannot be read.
void read_config(Request &request, const std::string &path, std::span<const Option> options);

// The same for a file as parse_definitions() takes it: of several tables the one with the name of
// the request's subOS.
void read_definition(Request &request, const std::string &path, std::span<const Option> options);

} // namespace rf
