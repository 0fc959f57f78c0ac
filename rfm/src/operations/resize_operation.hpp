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

// From --timeout; 0 for the module's default.
std::chrono::milliseconds step_timeout(const Request &request);

// A step that was taken, or would be.
struct Step {
	rf_resize_op op{};
	std::vector<unsigned> cores;		// of steps on cores
	std::uint64_t memory_wanted = 0;	// of steps on memory
	std::vector<std::uint32_t> functions;	// of steps on PCI functions
	std::optional<std::uint64_t> memory_done;
	std::optional<std::uint32_t> functions_done, drivers;
	std::optional<double> seconds;		// none: it is planned only
};

// What became of the subOS.
struct Resized {
	Holdings before, after;
	std::vector<Step> steps;
	bool complete = true;
	std::vector<std::string> notes;
};

void to_json(Json &json, const Step &step);
void to_json(Json &json, const Holdings &holdings);
void to_json(Json &json, const Resized &resized);
std::string to_text(const std::vector<Step> &steps);
std::string to_text(const Resized &resized);

// Takes the steps one after the other and measures them.
class ResizeOperation {
public:
	ResizeOperation(const Partition &subos, const rf_status &before, Output &output)
		: subos_(subos), before_(before), output_(output) {}

	// Throws what the step failed for; the details hold the steps before, too.
	void take(const ResizeRequest &step);
	// Only notes what would be done.
	void pretend(const ResizeRequest &step);

	// Throws Error(incomplete) if the kernel does not have the cores where they should be.
	Resized result() const;
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
	std::vector<Step> steps_;
	std::vector<unsigned> gained_, given_;
	std::vector<std::uint32_t> functions_gained_, functions_given_;
	std::uint64_t wanted_ = 0, missing_ = 0;	// memory to be given up
};

} // namespace rf
