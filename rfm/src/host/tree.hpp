// SPDX-License-Identifier: GPL-2.0
// The root folder of another system, in which root works without leaving it.
#pragma once

#include "base/descriptor.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace rf {

// All paths begin at its root, with or without a slash. Links in it are followed as they are
// when that system runs: no link and no .. leads out. Errors are Error(bad_file).
class Tree {
public:
	// `path`: a folder that only root can replace.
	explicit Tree(std::string path);

	const std::string &path() const { return path_; }
	Descriptor open(const std::string &name, int flags) const;
	bool is_link(const std::string &name) const;
	std::vector<std::string> names_in(const std::string &name) const;

	void make_folder(const std::string &name, mode_t mode) const;
	// These make folders that are missing, and replace a file or link that is there.
	void write(const std::string &name, std::string_view content, mode_t mode) const;
	void link(const std::string &name, const std::string &target) const;
	void remove(const std::string &name) const;	// if it is there

private:
	Descriptor find(const std::string &name, int flags) const;
	Descriptor folder_for(const std::string &name) const;
	[[noreturn]] void fail(const std::string &name) const;

	std::string path_;
	Descriptor root_;
};

} // namespace rf
