// SPDX-License-Identifier: GPL-2.0
// Files that people take for a bzImage.
#pragma once

#include <optional>
#include <string>

#include "boot/image.hpp"

namespace rf::boot {

// What it is and what to do about it, if it is one that is known; nothing is said of a bzImage.
std::optional<std::string> look_alike(View file);

} // namespace rf::boot
