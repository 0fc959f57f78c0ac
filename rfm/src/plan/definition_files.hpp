// SPDX-License-Identifier: GPL-2.0
// Definitions of subOSes as `rfm apply` is given them: a file, a folder of files, or the standard
// input.
#pragma once

#include "plan/config.hpp"
#include "plan/create_options.hpp"

#include <span>
#include <string>
#include <vector>

namespace rf {

// What one subOS is to be.
struct Wanted {
	std::string file;
	Request request;	// as for create
	CreateOptions options;

	const std::string &name() const { return options.name; }
};

// `path`: a file, a folder, whose files *.toml are read in the order of their names, or "-".
// In the order of the files. `options`: of create. Throws Error(bad_file) for what cannot be
// read, or lies in a folder where others than root can put it; Error(bad_value) for what cannot
// be understood, with the file, and for a name, a core or a PCI function that two of them want.
std::vector<Wanted> read_wanted(const std::string &path, std::span<const Option> options);

// Where those are that systemd starts.
inline constexpr const char *units_folder = "/etc/rainforest";

// Cores that other definitions name, of `all` and of that folder: whoever takes any can leave
// those to them. What is not well in the folder is passed over.
std::vector<unsigned> cores_of_others(const std::string &name, const std::vector<Wanted> &all,
				      std::span<const Option> options,
				      const std::string &folder = units_folder);

// The check of several against each other alone; pure.
void check_apart(const std::vector<Wanted> &all);

// Throws Error(bad_value) unless they are the one of that name and no other.
void check_only(const std::vector<Wanted> &all, const std::string &name);

} // namespace rf
