// SPDX-License-Identifier: GPL-2.0
// Paths in the layers of container images: text alone, and of strangers.
#pragma once

#include <list>
#include <string>

namespace rf {

inline constexpr std::size_t layer_path_most = 3000;

// The path without slashes around it and without ".". Throws Error(bad_file) for "..".
std::string inner_path(const char *path);
// Its names, without ".".
std::list<std::string> parts_of(const std::string &path);
// The last of them, and what is before that; of an inner path.
std::string name_of(const std::string &path);
std::string parent_of(const std::string &path);

// Error(bad_file) about what has this path.
[[noreturn]] void refuse_path(const std::string &path, const std::string &why);

} // namespace rf
