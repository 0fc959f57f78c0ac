// SPDX-License-Identifier: GPL-2.0
// The modules of a stock kernel that go into an image that has no room for all of them.
#pragma once

#include "cli/output.hpp"
#include "host/tree.hpp"
#include "host/work_folder.hpp"
#include "plan/image_options.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace rf {

// The folder of this kernel's modules on this host, or "" if it is not installed here.
std::string modules_on_host(const std::string &version);

// The version that is to boot what is made: the one that was given, or the running one.
std::string kernel_asked_for(const ImageOptions &wanted);

// The same if this host has that kernel; "" if it has not, or one of Debian's is to be put into a
// folder (--boot).
std::string kernel_on_host(const ImageOptions &wanted);

// Of all in modules.dep: what a machine without screen, sound, radio and USB can use, and all
// that that needs. Paths from the kernel's folder on.
std::vector<std::string> modules_for_subos(std::string_view modules_dep);

// Puts these of the modules in the folder `source` into the tree, with an index. rainforest's own
// come with the boot. Throws Error(bad_file), Error(incomplete), Error(interrupted).
void add_stock_modules(const Tree &tree, const std::string &source, const std::string &version,
		       const WorkFolder &work, Output &output);

} // namespace rf
