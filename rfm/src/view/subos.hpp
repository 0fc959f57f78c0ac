// SPDX-License-Identifier: GPL-2.0
// One subOS as a result, and the pieces of it that verbs share.
#pragma once

#include "base/error.hpp"
#include "client/supervisor.hpp"
#include "inspect/kernel_log.hpp"

namespace rf {

// A core that a subOS borrowed.
struct Loan {
	unsigned core = 0;
	std::string lender;	// "" if it is gone
};

// What list, show and all that starts one print of it.
struct Subos {
	rf_status status{};
	std::vector<Loan> borrowed;
	std::uint64_t uptime_ns = 0;		// as long as it has run or ran; 0 before its kernel
	std::uint64_t memory_block_size = 0;	// of the machine

	std::vector<unsigned> cores() const;	// boot core first
	std::vector<unsigned> apic_ids() const;
	std::vector<std::uint32_t> functions() const;		// RF_BDF()
	std::vector<std::uint32_t> functions_taken() const;	// by force
	double uptime_seconds() const { return static_cast<double>(uptime_ns) / 1e9; }
	double beat_age_seconds() const { return static_cast<double>(status.beat_age_ns) / 1e9; }
	double hang_timeout_seconds() const { return status.hang_timeout_ms / 1000.0; }
};

// Looks up what its status does not tell.
Subos subos_of(const Supervisor &supervisor, const rf_status &status);

void to_json(Json &json, const Loan &loan);
void to_json(Json &json, const Subos &subos);
std::string to_text(const Subos &subos);

// What its agent can be asked for.
std::vector<std::string> capability_names(std::uint32_t capabilities);

// Of enum rf_moment: "kernel".
const char *moment_name(int moment);

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
