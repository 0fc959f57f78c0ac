// SPDX-License-Identifier: GPL-2.0
// What a kernel must have been built with to be booted as a subOS.
#pragma once

#include "boot/features.hpp"

#include <cstddef>
#include <string>

namespace rf {

struct KernelUse {
	std::string path;
	std::size_t cores = 1;
	bool agent = true;
	bool force = false;	// try it, if it endangers nobody else
};

// Throws Error(bad_file) for the first thing that it lacks. Returns whether something was let
// pass only because of `force`.
bool check_kernel(const boot::Features &features, const KernelUse &use);

} // namespace rf
