// SPDX-License-Identifier: GPL-2.0
#include "operations/resize_operation.hpp"

#include "base/clock.hpp"
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/time_option.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

// To the module, 0 is its own default.
constexpr Milliseconds timeout_least{1};

const char *step_name(rf_resize_op op)
{
	switch (op) {
	case RF_RESIZE_CORES_ADD: return "add cores";
	case RF_RESIZE_CORES_REMOVE: return "remove cores";
	case RF_RESIZE_MEMORY_ADD: return "add memory";
	case RF_RESIZE_MEMORY_REMOVE: return "remove memory";
	case RF_RESIZE_MOVE: return "move cores";
	case RF_RESIZE_BORROW: return "lend cores";
	case RF_RESIZE_RETURN: return "return cores";
	case RF_RESIZE_PCI_ADD: return "add PCI functions";
	case RF_RESIZE_PCI_REMOVE: return "remove PCI functions";
	}
	return "?";
}

Step step_of(const ResizeRequest &request)
{
	return {request.op, request.cpus, request.memory, request.functions, {}, {}, {}, {}};
}

// A step that gives functions to the subOS, once it is done.
std::string drivers_note(const std::string &name, const rf_resize &done, std::size_t functions)
{
	return text("subOS '", name, "' has drivers for ", done.drivers, " of ", functions,
		    " PCI functions: load the missing driver modules in it");
}

std::string amount_text(const Step &step)
{
	if (is_on_memory(step.op))
		return format_size(step.memory_done.value_or(step.memory_wanted));
	if (is_on_functions(step.op))
		return format_bdfs(step.functions, ", ");
	return format_cpulist(step.cores);
}

std::string functions_text(const Holdings &holdings)
{
	return holdings.functions.empty() ? "none" : format_bdfs(holdings.functions, ", ");
}

} // namespace

Holdings holdings(const rf_status &status)
{
	return {status.name,
		{status.cpus, status.cpus + status.nr_cpus},
		status.memory,
		{status.functions, status.functions + status.nr_functions}};
}

void check_running(const Partition &subos, const rf_status &status)
{
	if (status.state != RF_STATE_RUNNING)
		throw Error(
			Code::not_up,
			text("subOS '", subos.name(), "' is not running: ", describe_state(status)),
			{{"state", state_name(status.state)}});
}

std::chrono::milliseconds step_timeout(const Request &request)
{
	return time_limit(request, {}, timeout_least);
}

void ResizeOperation::take(const ResizeRequest &step)
{
	const std::uint64_t begin = monotonic_ns();
	Step taken = step_of(step);

	output_.detail(text(step_name(step.op), " ", amount_text(taken), ", subOS '", subos_.name(),
			    "': ", step.timeout.count() ? format_duration(step.timeout)
							: std::string("as long as usual"),
			    " at most"));
	output_.progress(text(step_name(step.op), " ..."));
	try {
		const rf_resize done = subos_.resize(step);
		if (is_on_memory(step.op))
			taken.memory_done = done.memory_done;
		if (is_on_functions(step.op))
			taken.functions_done = done.functions_done;
		if (step.op == RF_RESIZE_PCI_ADD) {
			taken.drivers = done.drivers;
			if (done.drivers < step.functions.size())
				output_.note(drivers_note(subos_.name(), done,
							  step.functions.size()));
		}
		if (step.op == RF_RESIZE_MEMORY_REMOVE) {
			wanted_ = step.memory;
			missing_ = step.memory -
				   std::min<std::uint64_t>(step.memory, done.memory_done);
		}
	} catch (const Error &error) {
		Json details = error.details();
		details["step"] = step_name(step.op);
		details["steps"] = steps_;
		details["after"] = holdings(subos_.status());
		throw Error(error.code(),
			    text(step_name(step.op), ": ", error.what(),
				 steps_.empty() ? "" : "; the steps before it remain in effect"),
			    details);
	}
	taken.seconds = static_cast<double>(monotonic_ns() - begin) / 1e9;
	output_.detail(text(step_name(step.op), ": ", format_seconds(*taken.seconds)));
	steps_.push_back(taken);
	count(step);
}

// What result() has to find, or not to find, with the subOS.
void ResizeOperation::count(const ResizeRequest &step)
{
	std::vector<unsigned> &cores = step.op == RF_RESIZE_CORES_ADD ? gained_ : given_;
	std::vector<std::uint32_t> &functions =
		step.op == RF_RESIZE_PCI_ADD ? functions_gained_ : functions_given_;

	cores.insert(cores.end(), step.cpus.begin(), step.cpus.end());
	functions.insert(functions.end(), step.functions.begin(), step.functions.end());
}

void ResizeOperation::pretend(const ResizeRequest &step)
{
	steps_.push_back(step_of(step));
}

void ResizeOperation::check_cores(const Holdings &after) const
{
	const auto has = [&](unsigned core) {
		return std::find(after.cores.begin(), after.cores.end(), core) != after.cores.end();
	};

	for (const unsigned core : gained_)
		if (!has(core))
			throw Error(Code::incomplete,
				    text("core ", core, " is missing from subOS '", subos_.name(),
					 "' after the step"));
	for (const unsigned core : given_)
		if (has(core))
			throw Error(Code::incomplete,
				    text("core ", core, " still belongs to subOS '", subos_.name(),
					 "' after the step"));
}

void ResizeOperation::check_functions(const Holdings &after) const
{
	const auto has = [&](std::uint32_t bdf) {
		return std::find(after.functions.begin(), after.functions.end(), bdf) !=
		       after.functions.end();
	};

	for (const std::uint32_t bdf : functions_gained_)
		if (!has(bdf))
			throw Error(Code::incomplete, text("PCI function ", format_bdf(bdf),
							   " is missing from subOS '",
							   subos_.name(), "' after the step"));
	for (const std::uint32_t bdf : functions_given_)
		if (has(bdf))
			throw Error(Code::incomplete, text("PCI function ", format_bdf(bdf),
							   " still belongs to subOS '",
							   subos_.name(), "' after the step"));
}

Resized ResizeOperation::result() const
{
	const Holdings after = holdings(subos_.status());

	check_cores(after);
	check_functions(after);
	return {holdings(before_), after, steps_, complete(), {}};
}

std::string ResizeOperation::shortfall() const
{
	return text("subOS '", subos_.name(), "' gave up ", format_size(wanted_ - missing_), " of ",
		    format_size(wanted_), ": the rest is in use and stays with it");
}

void to_json(Json &json, const Step &step)
{
	json = {{"step", step_name(step.op)}};
	if (is_on_memory(step.op))
		json["memory_wanted"] = step.memory_wanted;
	else if (is_on_functions(step.op))
		json["functions"] = bdfs_json(step.functions);
	else
		json["cores"] = step.cores;
	if (step.memory_done)
		json["memory_done"] = *step.memory_done;
	if (step.functions_done)
		json["functions_done"] = *step.functions_done;
	if (step.drivers)
		json["drivers"] = *step.drivers;
	if (step.seconds)
		json["seconds"] = *step.seconds;
}

void to_json(Json &json, const Holdings &holdings)
{
	json = {{"cores", holdings.cores},
		{"memory", holdings.memory},
		{"functions", bdfs_json(holdings.functions)}};
}

void to_json(Json &json, const Resized &resized)
{
	json = {{"name", resized.after.name}, {"before", resized.before},
		{"after", resized.after},     {"steps", resized.steps},
		{"complete", resized.complete}, {"notes", resized.notes}};
}

std::string to_text(const std::vector<Step> &steps)
{
	Table table({"STEP", "WHAT", "TIME"});

	if (steps.empty())
		return "nothing to do\n";
	for (const Step &step : steps)
		table.add({step_name(step.op), amount_text(step),
			   step.seconds ? format_seconds(*step.seconds) : "planned"});
	return "\n" + table.str();
}

std::string to_text(const Resized &resized)
{
	const Holdings &before = resized.before, &after = resized.after;

	return text("subOS '", after.name, "': cores ", format_cpulist(before.cores), " -> ",
		    format_cpulist(after.cores), ", memory ", format_size(before.memory), " -> ",
		    format_size(after.memory),
		    before.functions == after.functions
			    ? std::string()
			    : text(", PCI functions ", functions_text(before), " -> ",
				   functions_text(after)),
		    "\n", to_text(resized.steps));
}

} // namespace rf
