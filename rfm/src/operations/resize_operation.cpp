// SPDX-License-Identifier: GPL-2.0
#include "operations/resize_operation.hpp"

#include "base/clock.hpp"
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/words.hpp"
#include "plan/create_options.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr unsigned wait_most = 3600;

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

Json step_json(const ResizeRequest &step)
{
	Json json = {{"step", step_name(step.op)}};

	if (is_on_memory(step.op))
		json["memory_wanted"] = step.memory;
	else if (is_on_functions(step.op))
		json["functions"] = bdfs_json(step.functions);
	else
		json["cores"] = step.cpus;
	return json;
}

Json holdings_json(const Holdings &holdings)
{
	return {{"cores", holdings.cores},
		{"memory", holdings.memory},
		{"functions", bdfs_json(holdings.functions)}};
}

// A step that gives functions to the subOS, once it is done.
std::string drivers_note(const std::string &name, const rf_resize &done, std::size_t functions)
{
	return text("subOS '", name, "' has drivers for ", done.drivers, " of ", functions,
		    " PCI functions: load the missing driver modules in it");
}

std::string amount_text(const Json &step)
{
	if (step.contains("cores"))
		return format_cpulist(step["cores"]);
	if (step.contains("functions"))
		return join(step["functions"]);
	return format_size(
		step.value("memory_done", step.value("memory_wanted", std::uint64_t{0})));
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
	const auto value = request.value("wait");

	return std::chrono::seconds(value ? parse_number("wait", *value, 1, wait_most) : 0);
}

void ResizeOperation::take(const ResizeRequest &step)
{
	const std::uint64_t begin = monotonic_ns();
	Json json = step_json(step);

	output_.progress(text(step_name(step.op), " ..."));
	try {
		const rf_resize done = subos_.resize(step);
		if (is_on_memory(step.op))
			json["memory_done"] = done.memory_done;
		if (is_on_functions(step.op))
			json["functions_done"] = done.functions_done;
		if (step.op == RF_RESIZE_PCI_ADD) {
			json["drivers"] = done.drivers;
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
		details["after"] = holdings_json(holdings(subos_.status()));
		throw Error(error.code(),
			    text(step_name(step.op), ": ", error.what(),
				 steps_.empty() ? "" : "; the steps before it remain in effect"),
			    details);
	}
	json["seconds"] = static_cast<double>(monotonic_ns() - begin) / 1e9;
	steps_.push_back(json);
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
	steps_.push_back(step_json(step));
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

Json ResizeOperation::result() const
{
	const Holdings after = holdings(subos_.status());

	check_cores(after);
	check_functions(after);
	return {{"name", subos_.name()},
		{"before", holdings_json(holdings(before_))},
		{"after", holdings_json(after)},
		{"steps", steps_},
		{"complete", complete()}};
}

std::string ResizeOperation::shortfall() const
{
	return text("subOS '", subos_.name(), "' gave up ", format_size(wanted_ - missing_), " of ",
		    format_size(wanted_), ": the rest is in use and stays with it");
}

std::string steps_text(const Json &steps)
{
	Table table({"STEP", "WHAT", "TIME"});

	if (steps.empty())
		return "nothing to do\n";
	for (const Json &step : steps) {
		table.add({step["step"], amount_text(step),
			   step.contains("seconds") ? format_seconds(step["seconds"]) : "planned"});
	}
	return "\n" + table.str();
}

} // namespace rf
