// SPDX-License-Identifier: GPL-2.0
// A system that is to become an image: files in a folder, and what boots it.
#pragma once

#include "host/tree.hpp"

#include <string>
#include <vector>

namespace rf {

class ImageTree {
public:
	virtual ~ImageTree() = default;

	virtual const Tree &files() const = 0;
	// Versions of the kernels inside, or of the host's that it is made for, the newest last.
	virtual const std::vector<std::string> &kernels() const = 0;
	// Those of the kernels inside for which this host has rainforest's modules.
	virtual const std::vector<std::string> &with_modules() const = 0;
	// What the kernel's command line has to have, or "".
	virtual std::string append() const { return ""; }
};

} // namespace rf
