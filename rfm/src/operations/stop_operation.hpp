// SPDX-License-Identifier: GPL-2.0
// From running to stopped: what stop and restart share.
#pragma once

#include "cli/output.hpp"
#include "client/partition.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct StopOptions {
	std::chrono::milliseconds timeout{60'000};	// to wait for its end
	bool force = false;	// then, or if it cannot be asked: hold its cores
	bool restart = false;	// it is going to be started again
};

// One that has ended.
struct Stopped {
	std::string name;
	std::uint32_t state = 0;	// enum rf_state
	std::uint32_t cause = 0;	// enum rf_cause
	std::string reason;
	bool forced = false;
	std::optional<double> seconds;	// that it took, unless nobody knows any more
	bool started_again = false;	// by somebody else
};

void to_json(Json &json, const Stopped &stopped);
// "subOS 'web' is stopped (poweroff) after 1.234 s"
std::string to_text(const Stopped &stopped);

// One subOS on its way down.
class StopOperation {
public:
	// Asks it; `deadline` (monotonic_ns()) is for its end. Throws Error(no_answer) if it
	// cannot be asked and is not to be forced.
	StopOperation(Partition subos, const StopOptions &wanted, std::uint64_t deadline);

	// What was done about it, and why, in one line.
	std::string account() const;

	// Waits for its end until the deadline. Throws Error(interrupted) on a signal.
	void wait(Output &output);
	// Holds its cores, if force is wanted and it has not ended yet.
	void force();
	// Waits for its end, also by force, and returns it as a result. Throws
	// Error(no_answer) if it did not come, Error(interrupted) on a signal.
	Stopped await(Output &output);

private:
	void ask(const rf_status &status);
	void hold();
	bool look(const rf_status &status);

	Partition subos_;
	const StopOptions wanted_;
	const std::uint64_t begin_;
	std::uint32_t starts_ = 0;	// of the kernel that is to end
	bool asked_ = false;
	std::uint64_t deadline_;
	bool forced_ = false;
	std::optional<Stopped> ended_;
};

// The deadline of a stop that begins now.
std::uint64_t stop_deadline(const StopOptions &wanted);

// Whether the kernel that had been started `starts` times is not running any more: nothing runs,
// or somebody has started the next one.
bool is_over(const rf_status &status, std::uint32_t starts);

// What became of one of several: its result, or why it has none.
struct StopOutcome {
	std::string name;
	std::optional<Stopped> stopped;
	std::optional<Error> failure;
};

// Asks all at once and waits for all, with one deadline. One that cannot be stopped does not
// keep the others.
std::vector<StopOutcome> stop_all(std::vector<Partition> subos, const StopOptions &wanted,
				  Output &output);

} // namespace rf
