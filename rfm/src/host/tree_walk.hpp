// SPDX-License-Identifier: GPL-2.0
// All that is in a folder, seen as it is: no link is followed, nothing outside is reached.
#pragma once

#include <functional>
#include <string>

#include <sys/stat.h>

namespace rf {

struct TreeEntry {
	std::string path;	// from the folder on: "etc/hostname"
	std::string name;	// its last part
	int folder;		// a descriptor of the folder that has it
	struct stat facts;

	// Where a symbolic link leads. Throws Error(bad_file).
	std::string link_target() const;
};

// Calls `visit` for each, in the order of names, a folder before what is in it; that is left out
// if `visit` returns false. `path`: how the folder is called in errors, which are Error(bad_file),
// also for folders in folders without end.
void walk_tree(int root, const std::string &path,
	       const std::function<bool(const TreeEntry &)> &visit);

} // namespace rf
