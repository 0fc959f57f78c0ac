// SPDX-License-Identifier: GPL-2.0
// Which records of a kernel log somebody wants to see.
#pragma once

#include "inspect/kernel_log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

// Bit N: level N, 0 (emergency) to 7 (debug).
using Levels = std::uint8_t;
inline constexpr Levels all_levels = 0xff;

// As dmesg(1) has them: "err,warn", "3,4", "err+" for err and all that are more severe, "+info"
// for info and all that are less. Throws Error(bad_value) that names all levels.
Levels parse_levels(const std::string &list);

struct LogChoice {
	Levels levels = all_levels;
	std::optional<std::size_t> last;	// no more than so many, the last ones

	bool takes(const inspect::Record &record) const
	{
		return levels >> (record.level & 7) & 1;
	}
};

// The chosen records, one at a time, ascending. Returns `overlap` if there may be more, `visitor`
// only if the visitor ended it.
inspect::KernelLog::End walk_chosen(const inspect::KernelLog &log, const LogChoice &choice,
				    const inspect::PrintkRing::Visitor &visit);

// The sequence number with which the chosen ones begin, as the log is now.
std::uint64_t first_chosen(const inspect::KernelLog &log, const LogChoice &choice);

} // namespace rf
