// SPDX-License-Identifier: GPL-2.0
// One subOS as a result model, and the pieces of it that verbs share.
#pragma once

#include "client/supervisor.hpp"
#include "inspect/kernel_log.hpp"

namespace rf {

// Everything that STATUS tells, in words and plain numbers.
Json subos_json(const rf_status &status);

// Borrowed cores of the subOS with this id, with the names of their lenders:
// [{"core": 5, "lender": "db"}, ...].
Json borrowed_json(const Supervisor &supervisor, std::uint32_t id);

// Nanoseconds it has run or ran; 0 before its kernel was entered.
std::uint64_t uptime_ns(const rf_status &status);

// "running", or "crashed (panic: Fatal exception)".
std::string describe_state(const rf_status &status);

std::vector<inspect::Range> memory_ranges(const rf_status &status);

// The last records of its kernel log as dmesg prints them; empty if there is none, or if it
// cannot be read in a few seconds or before a signal.
std::vector<std::string> last_log_lines(const Partition &subos, const rf_status &status,
					std::size_t lines);

// "1 d 02:03:04" or "02:03:04".
std::string format_uptime(double seconds);

} // namespace rf
