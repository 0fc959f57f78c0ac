// SPDX-License-Identifier: GPL-2.0
// Makes subOSes what their definitions say, all of them or none.
#pragma once

#include "cli/phases.hpp"
#include "client/supervisor.hpp"
#include "operations/stop_operation.hpp"
#include "operations/undo.hpp"
#include "plan/apply_plan.hpp"
#include "plan/outlook.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rf {

// Compares each with what there is. `supervisor`: nothing without the module, and then there is
// no subOS. `restart`: what needs one is to be done, too. Errors name the subOS. Changes nothing;
// `keep_cache` as for make_plan().
std::vector<ApplyPlan> plan_all(const std::vector<Wanted> &all, const Supervisor *supervisor,
				bool restart, bool keep_cache, Phases &phases);

struct Applied {
	std::string name, what;		// "created", "resized", "set", "restarted", "started"
	double seconds = 0;
};

class ApplyOperation {
public:
	ApplyOperation(const Supervisor &supervisor, Output &output, Phases &phases)
		: supervisor_(supervisor), output_(output), phases_(phases) {}

	// What cannot be done without a restart is left out unless `restart` says how to stop it.
	// If a step fails, or on a signal, all that was done is undone and the Error is thrown; its
	// details "undone" say whether that succeeded, "not_undone" what is left.
	void run(const std::vector<ApplyPlan> &plans, const std::optional<StopOptions> &restart);
	const std::vector<Applied> &applied() const { return applied_; }

private:
	void run_steps(const std::vector<ApplyPlan> &plans, bool restart);
	void go_back();
	[[noreturn]] void fail(const Error &error) const;
	void set(const ApplyPlan &plan);
	void resize(const ApplyPlan &plan, bool giving);
	void create(const ApplyPlan &plan);
	void restart(const ApplyPlan &plan);
	Partition same(const std::string &name, const rf_status &was) const;
	void end_restarted(const std::string &name, const rf_status &was);
	void start_again(const std::string &name, const rf_status &was);
	void done(const std::string &name, const char *what, std::uint64_t begin_ns);

	const Supervisor &supervisor_;
	Output &output_;
	Phases &phases_;
	StopOptions stop_;		// of what is restarted, and of its undo
	Outlook named_;			// cores that are not to be picked
	Undo undo_;
	bool was_anything_ = false;	// to be undone
	std::vector<Applied> applied_;
};

} // namespace rf
