// SPDX-License-Identifier: GPL-2.0
// openat2(2) below a folder that strangers have filled.
#pragma once

#include "base/descriptor.hpp"

#include <cstdint>

namespace rf {

// `resolve`: RESOLVE_... of linux/openat2.h. Invalid, and errno, if the kernel refuses. It says
// EAGAIN whenever anything on the machine was renamed while it followed a "..": then it is asked
// again, a bounded number of times.
Descriptor open_inside(int folder, const char *path, int flags, std::uint64_t resolve);

} // namespace rf
