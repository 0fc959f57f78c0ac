// SPDX-License-Identifier: GPL-2.0
// The second half of a create: from the boot core's start to a running subOS.
#pragma once

#include "cli/phases.hpp"
#include "client/partition.hpp"

namespace rf {

// Waits until the subOS runs (or, without an agent, until its kernel was
// entered). Throws Error(not_up) that says how far it came, with the last lines
// of its kernel log; the subOS is kept. Throws Error(interrupted) on a signal.
rf_status await_running(const Partition &subos, bool agent, unsigned seconds, Phases &phases);

} // namespace rf
