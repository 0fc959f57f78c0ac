// SPDX-License-Identifier: GPL-2.0
// A create for whoever makes several: the steps of docs/boot-flow.md, for a plan.
#pragma once

#include "client/supervisor.hpp"
#include "operations/launch.hpp"

namespace rf {

// CREATE. Cores that were picked, and that another rfm took meanwhile, are picked again.
Partition create_for(const Plan &plan, const Supervisor &supervisor);

// Takes what the plan says. Until it is launched, all of it hangs on the descriptor.
Partition take_for(const Plan &plan, const Supervisor &supervisor, Phases &phases);

// Loads it and, unless the plan says otherwise, starts it and waits. From then on it is there
// whoever has the descriptor, also if this throws.
void launch(const Partition &subos, const Plan &plan, const Supervisor &supervisor,
	    Phases &phases);

} // namespace rf
