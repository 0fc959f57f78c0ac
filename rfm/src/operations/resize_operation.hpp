// SPDX-License-Identifier: GPL-2.0
// Steps that change what a running subOS has: what resize, move and return share.
#pragma once

#include "cli/output.hpp"
#include "cli/verb.hpp"
#include "client/partition.hpp"
#include "plan/resize_plan.hpp"

namespace rf {

Holdings holdings(const rf_status &status);

// Throws Error(not_up) unless the subOS runs.
void check_running(const Partition &subos, const rf_status &status);

// From --wait; 0 for the module's default.
std::chrono::milliseconds step_timeout(const Request &request);

// Takes the steps one after the other and measures them.
class ResizeOperation {
public:
	ResizeOperation(const Partition &subos, const rf_status &before, Output &output)
		: subos_(subos), before_(before), output_(output) {}

	// Throws what the step failed for; the details hold the steps before, too.
	void take(const ResizeRequest &step);
	// Only notes what would be done.
	void pretend(const ResizeRequest &step);

	// {"name": ..., "before": ..., "after": ..., "steps": [...]}. Throws
	// Error(incomplete) if the kernel does not have the cores where they should be.
	Json result() const;
	bool complete() const { return !missing_; }
	// What was not given up, in words.
	std::string shortfall() const;

private:
	void count(const ResizeRequest &step);
	void check_cores(const Holdings &after) const;
	void check_functions(const Holdings &after) const;

	const Partition &subos_;
	const rf_status before_;
	Output &output_;
	Json steps_ = Json::array();
	std::vector<unsigned> gained_, given_;
	std::vector<std::uint32_t> functions_gained_, functions_given_;
	std::uint64_t wanted_ = 0, missing_ = 0;	// memory to be given up
};

std::string steps_text(const Json &steps);

} // namespace rf
