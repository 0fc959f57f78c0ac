// SPDX-License-Identifier: GPL-2.0
// rfm resize: give a running subOS more or fewer cores, more or less memory.
#include "adjustment.hpp"
#include "adjusting.hpp"
#include "cpulist.hpp"
#include "interrupt.hpp"
#include "sizes.hpp"
#include "subos.hpp"
#include "verb.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"cores", "LIST", "all cores it shall have; with + or - before: more, or fewer, by these"},
	{"ncores", "N", "their number, instead of --cores; +N or -N: more or fewer by so many"},
	{"mem", "SIZE", "memory it shall have; +SIZE or -SIZE: more or less by so much"},
	{"wait", "S", "seconds that each step may take (default 10)"},
	{"dry-run", nullptr, "check everything and print the steps; change nothing"},
};

void check_available(const Supervisor &supervisor, std::uint64_t wanted)
{
	const rf_memory memory = supervisor.memory(-1);
	const std::uint64_t available = memory.pool_free + memory.movable + memory.other;

	if (wanted > available)
		throw Error(Code::not_enough,
			    text("memory ", format_size(wanted), " cannot be added: at most ",
				 format_size(available), " could be given right now"));
}

// What is to be done, in this order: what is given up first makes room for the rest.
std::vector<ResizeRequest> plan(const Request &request, const Supervisor &supervisor,
				const rf_status &status, std::vector<std::string> &notes)
{
	const Holdings now = holdings(status);
	CoreChange cores;
	MemoryChange memory;

	if (request.has("cores") || request.has("ncores")) {
		const Machine machine = read_machine();
		cores = request.has("cores")
				? core_change(*request.value("cores"), now)
				: core_count_change(*request.value("ncores"), now, machine);
		check_removable(cores.remove, now);
		if (!cores.add.empty())
			check_addable(cores.add, now, machine, lent_cores(supervisor));
	}
	if (const auto value = request.value("mem"))
		memory = memory_change(*value, now, notes);
	if (memory.add)
		check_available(supervisor, memory.add);
	if (memory.add && status.block_size && memory.add % status.block_size)
		notes.push_back(text("the subOS takes memory in blocks of ",
				     format_size(status.block_size), ": it gets more than ",
				     format_size(memory.add)));

	std::vector<ResizeRequest> steps;
	if (!cores.remove.empty())
		steps.push_back({.op = RF_RESIZE_CORES_REMOVE, .cpus = cores.remove});
	if (memory.remove)
		steps.push_back({.op = RF_RESIZE_MEMORY_REMOVE, .memory = memory.remove});
	if (!cores.add.empty())
		steps.push_back({.op = RF_RESIZE_CORES_ADD, .cpus = cores.add});
	if (memory.add)
		steps.push_back({.op = RF_RESIZE_MEMORY_ADD, .memory = memory.add});
	for (ResizeRequest &step : steps)
		step.timeout = step_timeout(request);
	return steps;
}

std::string as_text(const Json &result)
{
	const Json &before = result["before"], &after = result["after"];

	return text("subOS '", result["name"].get<std::string>(), "': cores ",
		    format_cpulist(before["cores"]), " -> ", format_cpulist(after["cores"]),
		    ", memory ", format_size(before["memory"]), " -> ",
		    format_size(after["memory"]), "\n", steps_text(result["steps"]));
}

Code run(const Request &request, Output &output)
{
	if (request.has("cores") && request.has("ncores"))
		throw Error(Code::usage, "give either --cores or --ncores");
	if (!request.has("cores") && !request.has("ncores") && !request.has("mem"))
		throw Error(Code::usage, "what shall change? give --cores, --ncores or --mem");

	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	const rf_status before = subos.status();
	std::vector<std::string> notes;
	const std::vector<ResizeRequest> steps = plan(request, supervisor, before, notes);
	check_running(subos, before);
	for (const std::string &note : notes)
		output.note(note);

	Adjusting adjusting(subos, before, output);
	if (request.has("dry-run")) {
		for (const ResizeRequest &step : steps)
			adjusting.pretend(step);
	} else {
		catch_interrupts();
		for (const ResizeRequest &step : steps)
			adjusting.take(step);
	}
	Json result = adjusting.result();
	result["notes"] = notes;
	if (!adjusting.complete())
		output.note(adjusting.shortfall());
	output.result(result, as_text);
	return adjusting.complete() ? Code::ok : Code::not_enough;
}

} // namespace

const Verb resize_verb = {
	"resize",
	"NAME",
	"change the cores and the memory of a running subOS",
	"Cores and memory come from the supervisor and go back to it, while the subOS runs.\n"
	"What is given up goes first, cores before memory. The result is what the\n"
	"kernels say afterwards. A subOS may be unable to give up as much memory as was\n"
	"asked for: then it keeps the rest, and the exit code is 6. A step that fails or\n"
	"takes too long is undone; the ones before it stay.",
	options,
	1,
	1,
	run,
};

} // namespace rf
