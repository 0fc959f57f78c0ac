// SPDX-License-Identifier: GPL-2.0
// A block device whose blocks are those of a file, which is given open: whatever its name leads
// to by now. It goes away when this has gone and nobody has it mounted.
#pragma once

#include "base/descriptor.hpp"

#include <string>

namespace rf {

class LoopDevice {
public:
	// Throws Error(bad_file).
	explicit LoopDevice(int file);

	const std::string &path() const { return path_; }

private:
	std::string path_;
	Descriptor fd_;
};

} // namespace rf
