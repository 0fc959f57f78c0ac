// SPDX-License-Identifier: GPL-2.0
// The map of the machine as characters: a mark for each owner, colours where they are wanted.
#pragma once

#include "view/machine_map.hpp"

namespace rf {

struct Drawing {
	int columns = 80;
	bool colours = false;
};

// Lines are not wider than `columns` (at least 40).
std::string to_text(const MachineMap &map, const Drawing &drawing);

} // namespace rf
