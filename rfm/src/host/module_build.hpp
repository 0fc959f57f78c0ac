// SPDX-License-Identifier: GPL-2.0
// How a machine gets our modules for one of its kernels.
#pragma once

#include <string>

namespace rf {

// What is still to be done, as commands: by DKMS if our source is there for it, or else as it was
// installed without. `root`: another file system than this one, for tests.
std::string how_to_build(const std::string &version, const std::string &root = "/");

} // namespace rf
