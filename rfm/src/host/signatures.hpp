// SPDX-License-Identifier: GPL-2.0
// What lies on a disk already.
#pragma once

#include "base/descriptor.hpp"

#include <string>
#include <vector>

namespace rf {

// The file system, swap, RAID member or the like, and the partition table that libblkid knows there,
// as it calls them; more than one if it cannot tell. Throws Error(bad_file) with `shown` if it
// cannot be read.
std::vector<std::string> signatures_on(const Descriptor &disk, const std::string &shown);

} // namespace rf
