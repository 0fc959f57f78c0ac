// SPDX-License-Identifier: GPL-2.0
// From running to stopped: what stop and restart share.
#pragma once

#include "cli/output.hpp"
#include "client/partition.hpp"

namespace rf {

struct StopOptions {
	unsigned timeout = 60;	// seconds to wait for its end
	bool force = false;	// then, or if it cannot be asked: hold its cores
	bool restart = false;	// it is going to be started again
};

// One subOS on its way down.
class StopOperation {
public:
	// Asks it. Throws Error(no_answer) if it cannot be asked and is not to be forced.
	StopOperation(Partition subos, const StopOptions &wanted);

	// Waits for its end and returns it as a result. Throws Error(no_answer) if it did
	// not come, Error(interrupted) on a signal.
	Json await(Output &output);

private:
	void ask(const rf_status &status);
	void hold();

	Partition subos_;
	const StopOptions wanted_;
	const std::uint64_t begin_;
	bool forced_ = false;
};

// "subOS 'web' is stopped (poweroff) after 1.234 s"
std::string stopped_line(const Json &stopped);

} // namespace rf
