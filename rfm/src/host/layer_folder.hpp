// SPDX-License-Identifier: GPL-2.0
// What is taken out of a folder that is held by its descriptor; no link is followed.
#pragma once

#include "base/descriptor.hpp"

#include <string>

namespace rf {

// Where the kernel has it right now.
std::string place_of(const Descriptor &folder);

// False, and errno, if something stays.
bool empty_folder(int folder);
// A file, a link, or a folder with all that is in it. True also if there is nothing of this name.
bool remove_all(int folder, const std::string &name);

} // namespace rf
