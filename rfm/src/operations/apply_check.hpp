// SPDX-License-Identifier: GPL-2.0
// Goes through all steps of an apply in thought, so that nothing is begun that cannot be ended.
#pragma once

#include "cli/phases.hpp"
#include "client/supervisor.hpp"
#include "plan/apply_plan.hpp"
#include "plan/outlook.hpp"

#include <vector>

namespace rf {

// The cores that the definitions name: who only wants a number of cores gets others.
Outlook named_cores(const std::vector<ApplyPlan> &plans);

// Throws the Error, which names the subOS, with which a step would end, as far as that can be known
// before. `supervisor`: nothing without the module. `restart`: what needs one is done, too.
// `keep_cache` as for make_plan().
void check_plans(const std::vector<ApplyPlan> &plans, const Supervisor *supervisor, bool restart,
		 bool keep_cache, Phases &phases);

} // namespace rf
