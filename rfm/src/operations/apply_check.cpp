// SPDX-License-Identifier: GPL-2.0
#include "operations/apply_check.hpp"

#include "base/sizes.hpp"
#include "operations/about.hpp"
#include "operations/fit_resize.hpp"
#include "operations/restart_operation.hpp"
#include "operations/set_operation.hpp"
#include "plan/plan.hpp"

#include <algorithm>
#include <functional>

namespace rf {

namespace {

class Rehearsal {
public:
	Rehearsal(const Supervisor &supervisor, Outlook &ahead, Phases &phases)
		: supervisor_(supervisor), ahead_(ahead), phases_(phases) {}

	void set(const ApplyPlan &plan, const std::vector<std::string> &words) const
	{
		SetOperation(supervisor_, plan.name(), words, false, phases_);
	}
	void give(const ApplyPlan &plan);
	void take(const ApplyPlan &plan);
	void restart(const ApplyPlan &plan);

private:
	void check_memory(const ResizeRequest &step) const;

	const Supervisor &supervisor_;
	Outlook &ahead_;
	Phases &phases_;
};

void Rehearsal::give(const ApplyPlan &plan)
{
	const rf_status status = supervisor_.subos(plan.name()).status();

	for (const ResizeRequest &step :
	     giving_steps(supervisor_, status, plan.wanted->options)) {
		for (const rf_core &core : supervisor_.cores())
			if (std::ranges::find(step.cpus, core.cpu) != step.cpus.end())
				ahead_.freed.push_back(core);
		ahead_.functions.insert(ahead_.functions.end(), step.functions.begin(),
					step.functions.end());
		ahead_.given_up += step.memory;
	}
}

void Rehearsal::take(const ApplyPlan &plan)
{
	const rf_status status = supervisor_.subos(plan.name()).status();

	for (const ResizeRequest &step :
	     taking_steps(supervisor_, status, plan.wanted->options, ahead_)) {
		for (const unsigned core : step.cpus)
			ahead_.claimed.insert_or_assign(core, plan.name());
		if (!step.memory)
			continue;
		check_memory(step);
		ahead_.taken[step.node] += step.memory;
	}
}

void Rehearsal::check_memory(const ResizeRequest &step) const
{
	const rf_memory memory = supervisor_.memory(step.node);
	// It has its part of the shared memory.
	const std::uint64_t left = ahead_.left(step.node, memory.available + memory.shared);

	if (step.memory > left)
		throw Error(Code::not_enough,
			    text("memory ", format_size(step.memory), " cannot be added: at most ",
				 format_size(left), " could be given then"));
}

void Rehearsal::restart(const ApplyPlan &plan)
{
	if (!plan.restart.empty())
		set(plan, restart_words(plan));
	else
		RestartOperation(supervisor_, plan.name(), {.running = true}, phases_);
	if (plan.start) {
		give(plan);
		take(plan);
	}
}

void create(const ApplyPlan &plan, const Supervisor *supervisor, bool keep_cache, Outlook &ahead,
	    Phases &phases)
{
	const Plan made = make_plan(plan.wanted->options, supervisor, keep_cache, phases, ahead);

	for (const unsigned core : made.request.cpus)
		ahead.claimed.insert_or_assign(core, plan.name());
	ahead.taken[made.request.node] += made.request.memory;
}

} // namespace

Outlook named_cores(const std::vector<ApplyPlan> &plans)
{
	Outlook outlook;

	for (const ApplyPlan &plan : plans)
		for (const unsigned core : plan.wanted->options.cores)
			outlook.claimed.emplace(core, plan.name());
	return outlook;
}

void check_plans(const std::vector<ApplyPlan> &plans, const Supervisor *supervisor, bool restart,
		 bool keep_cache, Phases &phases)
{
	Outlook ahead = named_cores(plans);
	const auto each = [&](auto applies, auto step) {
		for (const ApplyPlan &plan : plans)
			if (std::invoke(applies, plan))
				about(plan.name(), [&] { step(plan); });
	};
	const auto create_all = [&] {
		each(&ApplyPlan::create,
		     [&](const ApplyPlan &plan) {
			     create(plan, supervisor, keep_cache, ahead, phases);
		     });
	};

	if (!supervisor)
		return create_all();
	// In the order of ApplyOperation.
	Rehearsal rehearsal(*supervisor, ahead, phases);
	each([](const ApplyPlan &plan) { return !plan.set.empty(); },
	     [&](const ApplyPlan &plan) { rehearsal.set(plan, setting_words(plan.set)); });
	each(&ApplyPlan::is_resized, [&](const ApplyPlan &plan) { rehearsal.give(plan); });
	each(&ApplyPlan::is_resized, [&](const ApplyPlan &plan) { rehearsal.take(plan); });
	create_all();
	if (restart)
		each(&ApplyPlan::needs_restart, [&](const ApplyPlan &plan) { rehearsal.restart(plan); });
}

} // namespace rf
