// SPDX-License-Identifier: GPL-2.0
// The files that `rfm create` boots a new system with, copied out of it.
#pragma once

#include "host/new_file.hpp"
#include "host/tree.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rf {

class BootFiles {
public:
	// Kernel, initrd and configuration of this version; they have their names when all of
	// them are whole. Throws Error(bad_file).
	BootFiles(const Tree &tree, const std::string &version, const std::string &folder,
		  bool replace);

	void finish();

private:
	std::vector<std::unique_ptr<NewFile>> files_;
};

} // namespace rf
