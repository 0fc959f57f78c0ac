// SPDX-License-Identifier: GPL-2.0
// rfm resize: give a running subOS more or fewer cores and PCI functions, more or less
// memory.
#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "client/problem.hpp"
#include "client/supervisor.hpp"
#include "host/device_users.hpp"
#include "operations/resize_operation.hpp"
#include "plan/losses.hpp"
#include "plan/resize_plan.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"cores", "LIST", "all cores that it is to have; +LIST adds cores, -LIST removes them"},
	{"ncores", "N", "instead of --cores: how many; +N or -N adds or removes that many"},
	{"mem", "SIZE", "memory that it is to have; +SIZE or -SIZE adds or removes that much"},
	{"pci", "LIST", "+BDF,BDF adds PCI functions, -BDF removes them; repeatable",
	 false, true},
	{"force", nullptr,
	 "PCI functions: add even if in use or without a reset; remove without asking"},
	{"allow-smt-split", nullptr, "cores may come and go without their SMT siblings"},
	{"timeout", "TIME", "how long to wait for each step (default 10s)"},
	{"dry-run", nullptr, "check everything and print the steps; change nothing"},
};

void check_available(const Supervisor &supervisor, std::uint64_t wanted)
{
	const rf_memory memory = supervisor.memory(-1);
	// It has its part of the shared memory.
	const std::uint64_t available = memory.available + memory.shared;

	if (wanted > available)
		throw Error(Code::not_enough,
			    text("memory ", format_size(wanted), " cannot be added: at most ",
				 format_size(available), " could be given right now"));
}

FunctionChange plan_functions(const Request &request, const Supervisor &supervisor,
			      const rf_status &status, std::vector<std::string> &notes)
{
	const FunctionChange change = function_change(*request.value("pci"), holdings(status));
	const bool force = request.has("force");

	if (change.add.empty())
		return change;
	const Inventory inventory = ask_inventory(supervisor);
	check_functions(inventory, change.add, force ? RF_PCI_FORCE : 0, status.id);
	if (!force)
		check_unused(change.add);
	const std::vector<std::uint32_t> open = not_confined(inventory, change.add);
	if (!open.empty())
		notes.push_back(not_confined_note(open));
	return change;
}

std::vector<ResizeRequest> steps_of(const CoreChange &cores, const MemoryChange &memory,
				    const FunctionChange &functions)
{
	std::vector<ResizeRequest> steps;

	if (!functions.remove.empty())
		steps.push_back({.op = RF_RESIZE_PCI_REMOVE, .functions = functions.remove});
	if (!cores.remove.empty())
		steps.push_back({.op = RF_RESIZE_CORES_REMOVE, .cpus = cores.remove});
	if (memory.remove)
		steps.push_back({.op = RF_RESIZE_MEMORY_REMOVE, .memory = memory.remove});
	if (!cores.add.empty())
		steps.push_back({.op = RF_RESIZE_CORES_ADD, .cpus = cores.add});
	if (memory.add)
		steps.push_back({.op = RF_RESIZE_MEMORY_ADD, .memory = memory.add});
	if (!functions.add.empty())
		steps.push_back({.op = RF_RESIZE_PCI_ADD, .functions = functions.add});
	return steps;
}

CoreChange plan_cores(const Request &request, const Supervisor &supervisor, const Holdings &now,
		      const Machine &machine, const Settings &settings)
{
	CoreRules rules{supervisor.lent_cores(), {}, request.has("allow-smt-split")};
	const CoreChange change =
		request.has("cores")
			? core_change(*request.value("cores"), now)
			: core_count_change(*request.value("ncores"), now, machine,
					    [&](const auto &picked) {
						    return loses_by_cores(settings, picked);
					    },
					    rules);

	check_removable(change.remove, now);
	if (!rules.split)
		check_none_parted(change.remove, now, machine);
	for (const unsigned core : now.cores)
		if (std::find(change.remove.begin(), change.remove.end(), core) ==
		    change.remove.end())
			rules.own.push_back(core);
	if (!change.add.empty())
		check_addable(change.add, now, machine, rules);
	return change;
}

// What is to be done, in this order: what is given up first makes room for the rest.
std::vector<ResizeRequest> plan(const Request &request, const Supervisor &supervisor,
				const rf_status &status, std::vector<std::string> &notes)
{
	const Holdings now = holdings(status);
	const bool takes_none = !request.has("cores") && !request.has("ncores") && !request.has("mem");
	const Settings settings = takes_none ? Settings{} : read_settings();
	CoreChange cores;
	MemoryChange memory;
	FunctionChange functions;
	std::uint32_t core_flags = 0;

	if (request.has("cores") || request.has("ncores")) {
		const Machine machine = read_machine(&supervisor);
		cores = plan_cores(request, supervisor, now, machine, settings);
		core_flags = split_flags(machine, request.has("allow-smt-split"));
	}
	if (const auto value = request.value("mem"))
		memory = memory_change(*value, now);
	if (request.has("pci"))
		functions = plan_functions(request, supervisor, status, notes);
	if (memory.add)
		check_available(supervisor, memory.add);
	if (memory.add && status.block_size && memory.add % status.block_size)
		notes.push_back(text("the subOS takes memory in blocks of ",
				     format_size(status.block_size), ": it gets more than ",
				     format_size(memory.add)));

	for (std::string &note : loss_notes(
		     settings, {cores.add, beyond_pool(supervisor.memory(-1), memory.add)}))
		notes.push_back(std::move(note));

	std::vector<ResizeRequest> steps = steps_of(cores, memory, functions);
	for (ResizeRequest &step : steps) {
		step.timeout = step_timeout(request);
		if (!step.cpus.empty())
			step.flags = core_flags;
		if (is_on_functions(step.op) && request.has("force"))
			step.function_flags = RF_PCI_FORCE;
	}
	return steps;
}

// Functions can also be taken from a subOS that ended, and by force from one that is lost.
bool needs_no_answer(const std::vector<ResizeRequest> &steps, const rf_status &status)
{
	return !steps.empty() &&
	       std::all_of(steps.begin(), steps.end(), [&](const ResizeRequest &step) {
		       const bool force = step.function_flags & RF_PCI_FORCE;
		       return step.op == RF_RESIZE_PCI_REMOVE &&
			      (has_ended(status) || (force && status.state == RF_STATE_LOST));
	       });
}

Code run(const Request &request, Output &output)
{
	if (request.has("cores") && request.has("ncores"))
		throw Error(Code::usage, "give either --cores or --ncores");
	if (!request.has("cores") && !request.has("ncores") && !request.has("mem") &&
	    !request.has("pci"))
		throw Error(Code::usage,
			    "nothing to change: give --cores, --ncores, --mem or --pci");
	if (request.has("force") && !request.has("pci"))
		throw Error(Code::usage,
			    "--force applies only to PCI functions: give it together with --pci");

	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	const rf_status before = subos.status();
	std::vector<std::string> notes;
	const std::vector<ResizeRequest> steps = plan(request, supervisor, before, notes);
	if (!needs_no_answer(steps, before))
		check_running(subos, before);
	for (const std::string &note : notes)
		output.note(note);

	ResizeOperation resizing(subos, before, output);
	if (request.has("dry-run")) {
		for (const ResizeRequest &step : steps)
			resizing.pretend(step);
	} else {
		catch_interrupts();
		for (const ResizeRequest &step : steps)
			resizing.take(step);
	}
	Resized result = resizing.result();
	result.notes = notes;
	if (!resizing.complete())
		output.note(resizing.shortfall());
	if (request.wants_names() && !request.has("dry-run"))
		output.names({subos.name()});
	else
		output.result(result);
	return resizing.complete() ? Code::ok : Code::not_enough;
}

} // namespace

const Verb resize_verb = {
	"resize",
	"NAME",
	"change the cores, the memory and the PCI functions of a running subOS",
	"Cores, memory and PCI functions come from the supervisor and go back to it, while\n"
	"the subOS runs. What is given up goes first, functions before cores before memory;\n"
	"functions are added last. The result is what the kernels say afterwards. A subOS\n"
	"may be unable to give up as much memory as was asked for: then it keeps the rest,\n"
	"and the exit code is 6. A step that fails or takes too long is undone; the ones\n"
	"before it remain in effect.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
