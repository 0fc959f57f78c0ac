// SPDX-License-Identifier: GPL-2.0
// The room that a file system has for temporary files: asked before they are written, so that
// what is too large for it does not fill it up for everybody.
#pragma once

#include <cstdint>
#include <string>

namespace rf {

// Throws Error(not_enough) unless the file system of that folder has room for as much, and some
// to spare for others.
void need_room(const std::string &folder, std::uint64_t bytes);

} // namespace rf
