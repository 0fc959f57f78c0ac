// SPDX-License-Identifier: GPL-2.0
// The second half of a create: from the boot core's start to a running subOS.
#pragma once

#include "cli/phases.hpp"
#include "client/partition.hpp"
#include "operations/login_prompt.hpp"
#include "plan/create_options.hpp"

namespace rf {

// The end of its messages: what they say of a subOS that did not come up, then the log.
extern const char *const kept_for_a_look, *const log_follows;

// Has a start come as far as is wanted? Without an agent: its kernel was entered. A login
// prompt is not looked for here.
bool has_arrived(const rf_status &status, const CreateOptions &wanted);

// Waits for what `wanted` says, `wanted.timeout` at most; `login`: the console, if a
// prompt is waited for. Throws Error(not_up) that says how far it came, with the last lines
// of its kernel log; the subOS is kept. Throws Error(interrupted) on a signal.
rf_status await_running(const Partition &subos, const CreateOptions &wanted, LoginWatch *login,
			Phases &phases);

} // namespace rf
