// SPDX-License-Identifier: GPL-2.0
// Waits until subOSes came into certain states, woken by the supervisor's events.
#pragma once

#include "base/duration.hpp"
#include "cli/output.hpp"
#include "client/supervisor.hpp"
#include "operations/state_watch.hpp"

namespace rf {

// The state in which one of them was found.
struct Arrival {
	std::string name, state;
	double seconds = 0;	// since the wait began
};

struct AwaitOptions {
	std::set<std::string> states;
	std::optional<Milliseconds> timeout;	// for all of them; nothing: for ever
};

// Each has to come into one of the states once; in the order in which they did. Throws
// Error(no_such_subos) for one that is not there, unless `gone` or `running` is waited for;
// Error(not_up) if one cannot come there any more, Error(no_answer) when the time is over,
// Error(interrupted) on a signal: details "arrived" are those that did.
std::vector<Arrival> await_states(const Supervisor &supervisor,
				  const std::vector<std::string> &names,
				  const AwaitOptions &wanted, Output &output);

void to_json(Json &json, const Arrival &arrival);

} // namespace rf
