// SPDX-License-Identifier: GPL-2.0
// rfm move and rfm return: cores from one running subOS to another, and back.
#include "base/cpulist.hpp"
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "operations/resize_operation.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option move_options[] = {
	{"cores", "LIST", "cores of FROM to move"},
	{"borrow", nullptr, "as a loan: 'rfm return', or the end of TO, gives them back"},
	{"allow-smt-split", nullptr, "move cores without their SMT siblings, too"},
	{"timeout", "TIME", "how long to wait (default 10s)"},
};

constexpr Option return_options[] = {
	{"cores", "LIST", "borrowed cores to give back (default: all)"},
	{"allow-smt-split", nullptr, "give cores back without their SMT siblings, too"},
	{"timeout", "TIME", "how long to wait (default 10s)"},
};

struct Moved {
	Resized from, to;
};

struct Returned {
	Resized by;
};

std::string cores_text(const Resized &holder)
{
	return text("subOS '", holder.after.name, "': cores ", format_cpulist(holder.before.cores),
		    " -> ", format_cpulist(holder.after.cores), "\n");
}

void to_json(Json &json, const Moved &moved)
{
	json = {{"from", moved.from}, {"to", moved.to}};
}

std::string to_text(const Moved &moved)
{
	return cores_text(moved.from) + cores_text(moved.to) + to_text(moved.from.steps);
}

void to_json(Json &json, const Returned &returned)
{
	json = Json(returned.by);
}

std::string to_text(const Returned &returned)
{
	return cores_text(returned.by) + to_text(returned.by.steps);
}

Code run_move(const Request &request, Output &output)
{
	const auto list = request.value("cores");
	if (!list)
		throw Error(Code::usage, "--cores is missing: give for example --cores 4-5");
	const std::string &from_name = request.operands[0], &to_name = request.operands[1];
	if (from_name == to_name)
		throw Error(Code::bad_value,
			    text("subOS '", to_name, "' cannot be both FROM and TO: name two "
					       "subOSes"));

	const Supervisor supervisor = Supervisor::open();
	const Partition from = supervisor.subos(from_name), to = supervisor.subos(to_name);
	const rf_status before = from.status(), to_before = to.status();
	const Machine machine = read_machine(&supervisor);
	const bool split = request.has("allow-smt-split");
	const ResizeRequest step{.op = request.has("borrow") ? RF_RESIZE_BORROW : RF_RESIZE_MOVE,
				 .cpus = parse_cpulist(*list),
				 .flags = split_flags(machine, split),
				 .timeout = step_timeout(request),
				 .to = &to};
	check_removable(step.cpus, holdings(before));
	if (!split)
		check_none_parted(step.cpus, holdings(before), machine);
	check_together(machine, {supervisor.lent_cores(), holdings(to_before).cores, split},
		       step.cpus);
	if (to_before.nr_cpus + step.cpus.size() > RF_CPUS_MAX)
		throw Error(Code::bad_value, text("subOS '", to_name, "' would have ",
						  to_before.nr_cpus + step.cpus.size(),
						  " cores: a subOS has 1 to ", RF_CPUS_MAX));
	check_running(from, before);
	check_running(to, to_before);

	catch_interrupts();
	ResizeOperation giver(from, before, output);
	giver.take(step);
	const ResizeOperation taker(to, to_before, output);
	const Moved moved{giver.result(), taker.result()};
	const std::vector<unsigned> &cores = moved.to.after.cores;
	for (const unsigned core : step.cpus)
		if (std::find(cores.begin(), cores.end(), core) == cores.end())
			throw Error(Code::incomplete,
				    text("core ", core, " is missing from subOS '", to_name,
					 "' after the move"));
	if (request.wants_names())
		output.names({from_name, to_name});
	else
		output.result(moved);
	return Code::ok;
}

// The borrowed cores of a subOS.
std::vector<unsigned> borrowed_by(const Supervisor &supervisor, std::uint32_t id)
{
	std::vector<unsigned> cores;

	for (const rf_core &core : supervisor.cores())
		if (core.owner == id && core.lender)
			cores.push_back(core.cpu);
	return cores;
}

// Of all loans, those that cannot end yet are no reason to keep the others.
std::vector<unsigned> keep_parted(std::vector<unsigned> &cores, const Holdings &now,
				  const Machine &machine)
{
	const std::vector<unsigned> all = cores;
	std::vector<unsigned> stay;

	cores = unparted(all, now, machine);
	if (cores.empty())
		check_none_parted(all, now, machine);
	for (const unsigned core : all)
		if (std::find(cores.begin(), cores.end(), core) == cores.end())
			stay.push_back(core);
	return stay;
}

[[noreturn]] void fail_parted(const std::string &name, const std::vector<unsigned> &stay,
			      const Returned &result)
{
	const std::string list = format_cpulist(stay);
	Json details;

	to_json(details, result);

	throw Error(Code::incomplete,
		    text("core(s) ", list, " stay with subOS '", name, "', which has an SMT sibling of "
			 "each; the others went back. 'rfm return ", name, " --cores ", list,
			 " --allow-smt-split' insists"),
		    details);
}

Code run_return(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	const rf_status before = subos.status();
	const std::vector<unsigned> borrowed = borrowed_by(supervisor, before.id);
	const Machine machine = read_machine(&supervisor);
	const bool split = request.has("allow-smt-split");
	ResizeRequest step{.op = RF_RESIZE_RETURN,
			   .cpus = borrowed,
			   .flags = split_flags(machine, split),
			   .timeout = step_timeout(request)};

	if (const auto list = request.value("cores"))
		step.cpus = parse_cpulist(*list);
	for (const unsigned core : step.cpus)
		if (std::find(borrowed.begin(), borrowed.end(), core) == borrowed.end())
			throw Error(Code::bad_value,
				    text("core ", core, " is not borrowed by subOS '", subos.name(),
					 "'; borrowed: ",
					 borrowed.empty() ? "none" : format_cpulist(borrowed)));
	std::vector<unsigned> stay;
	if (!split && request.has("cores"))
		check_none_parted(step.cpus, holdings(before), machine);
	else if (!split)
		stay = keep_parted(step.cpus, holdings(before), machine);

	ResizeOperation returning(subos, before, output);
	if (!step.cpus.empty()) {
		check_running(subos, before);
		catch_interrupts();
		returning.take(step);
	}
	const Returned result{returning.result()};
	if (!stay.empty())
		fail_parted(subos.name(), stay, result);
	if (request.wants_names())
		output.names({subos.name()});
	else
		output.result(result);
	return Code::ok;
}

} // namespace

const Verb move_verb = {
	"move",
	"FROM TO",
	"move cores from one running subOS to another",
	"The cores go from one to the other directly, without coming online in the\n"
	"supervisor. With --borrow it is a loan, which 'rfm list' shows. If TO cannot\n"
	"bring up a core, FROM gets it back.",
	move_options,
	2,
	2,
	run_move,
	true,
};

const Verb return_verb = {
	"return",
	"NAME",
	"give borrowed cores back to the subOS that lent them",
	"Cores that NAME borrowed (see 'rfm move --borrow') go back to their lenders, or to\n"
	"the supervisor if a lender is gone. With nothing borrowed there is nothing to do.",
	return_options,
	1,
	1,
	run_return,
	true,
};

} // namespace rf
