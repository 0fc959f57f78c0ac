// SPDX-License-Identifier: GPL-2.0
// Where memory is, as the running kernel says without the module.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rf {

struct MemoryPiece {
	std::uint64_t start = 0, size = 0;
	int node = -1;		// -1: unknown
};

// Memory blocks that are online, by address, neighbours on one node joined. `root` stands before
// /sys and /proc, for tests.
std::vector<MemoryPiece> read_memory_blocks(const std::string &root = "");

// What rf_supervisor has taken or was left at boot: /proc/iomem. Nothing for callers who are not
// shown addresses.
std::vector<MemoryPiece> read_pool(const std::string &root = "");

} // namespace rf
