// SPDX-License-Identifier: GPL-2.0
// Memory for subOSes, as words of the kernel command line: how much, and where. Pure.
#pragma once

#include "plan/setup_plan.hpp"

namespace rf {

// Of a list of words: reserved ranges, or how much stays movable. None if it has no such words.
std::vector<std::string> pool_words(const std::vector<std::string> &words);

// Of rf_supervisor.pool= among these words.
std::vector<MemoryRange> pool_ranges(const std::vector<std::string> &words);

// @present: of the drop-in, or of the kernel that runs; @ram: with what is reserved now.
// None if nothing can be said.
std::optional<SetupWords> choose_pool(const std::vector<std::string> &present,
				      const std::vector<MemoryRange> &ram, std::uint64_t block_size,
				      std::optional<std::uint64_t> pool);

} // namespace rf
