// SPDX-License-Identifier: GPL-2.0
// From what a subOS has to what it is to have, in two halves: what is given up first makes room
// for others.
#pragma once

#include "client/supervisor.hpp"
#include "plan/create_options.hpp"
#include "plan/outlook.hpp"
#include "plan/resize_plan.hpp"

#include <vector>

namespace rf {

// Each looks at what there is at that moment, and at what the outlook says of others. They throw an
// Error if it cannot be.
std::vector<ResizeRequest> giving_steps(const Supervisor &supervisor, const rf_status &status,
					const CreateOptions &wanted);
std::vector<ResizeRequest> taking_steps(const Supervisor &supervisor, const rf_status &status,
					const CreateOptions &wanted, const Outlook &outlook);

// Throws Error(not_enough) if less memory was given up than was asked for.
void take_step(const Partition &subos, const ResizeRequest &step);

// Back to what it had, as far as that can be; `wanted`: how it gets memory and PCI functions.
// Throws Error(incomplete) that names all steps that failed.
void restore(const Supervisor &supervisor, const Partition &subos, const Holdings &before,
	     const CreateOptions &wanted);

} // namespace rf
