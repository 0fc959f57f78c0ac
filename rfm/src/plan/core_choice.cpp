// SPDX-License-Identifier: GPL-2.0
#include "plan/core_choice.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "uapi/rainforest.h"

#include <algorithm>

namespace rf {

namespace {

bool contains(const std::vector<unsigned> &cores, unsigned core)
{
	return std::find(cores.begin(), cores.end(), core) != cores.end();
}

std::string online_cores(const Machine &machine)
{
	std::vector<unsigned> cores;

	for (const Cpu &cpu : machine.cpus)
		if (cpu.online && cpu.id != 0)
			cores.push_back(cpu.id);
	return cores.empty() ? "none" : format_cpulist(cores);
}

void check_core(const Machine &machine, const Lent &lent, unsigned core)
{
	const Cpu *cpu = machine.cpu(core);

	if (core == 0)
		throw Error(Code::bad_value,
			    text("core 0 always stays with the supervisor; cores that "
				 "can be given: ",
				 online_cores(machine)));
	const auto owner = lent.find(core);
	if (owner != lent.end() && owner->second.empty())
		throw Error(Code::busy,
			    text("core ", core, " changes hands right now: choose another, or wait "
				 "until that is done"));
	if (owner != lent.end())
		throw Error(Code::bad_value,
			    text("core ", core, " belongs to subOS '", owner->second,
				 "'; cores that can be given: ", online_cores(machine)));
	if (!cpu)
		throw Error(Code::bad_value, text("core ", core,
						  " does not exist; cores that can be "
						  "given: ",
						  online_cores(machine)));
	if (!cpu->online)
		throw Error(Code::bad_value,
			    text("core ", core,
				 " is offline; cores that can be given: ", online_cores(machine)));
}

// Groups of SMT siblings that may be given, the one with the highest core first.
std::vector<std::vector<unsigned>> free_groups(const Machine &machine, int node)
{
	std::vector<std::vector<unsigned>> groups;

	for (auto cpu = machine.cpus.rbegin(); cpu != machine.cpus.rend(); ++cpu) {
		const bool seen = std::any_of(groups.begin(), groups.end(), [&](const auto &group) {
			return contains(group, cpu->id);
		});
		if (!cpu->online || seen || contains(cpu->siblings, 0))
			continue;
		if (node >= 0 && cpu->node != node)
			continue;
		groups.push_back(cpu->siblings);
	}
	return groups;
}

// As many whole groups as fit into `count`, on top of what is picked already.
void pick_groups(const std::vector<std::vector<unsigned>> &groups, unsigned count,
		 const Loses &loses, std::vector<unsigned> &picked)
{
	for (const std::vector<unsigned> &group : groups) {
		std::vector<unsigned> with = picked;

		with.insert(with.end(), group.begin(), group.end());
		if (contains(picked, group.front()) || with.size() > count ||
		    (loses && loses(with)))
			continue;
		picked = std::move(with);
	}
}

} // namespace

void check_cores(const Machine &machine, const Lent &lent, const std::vector<unsigned> &cores)
{
	if (cores.empty() || cores.size() > RF_CPUS_MAX)
		throw Error(Code::bad_value,
			    text(cores.size(), " cores were asked for: a subOS has 1 to ",
				 RF_CPUS_MAX));
	for (const unsigned core : cores)
		check_core(machine, lent, core);

	for (const unsigned core : cores) {
		for (const unsigned sibling : machine.cpu(core)->siblings) {
			if (contains(cores, sibling))
				continue;
			if (sibling == 0)
				throw Error(Code::bad_value,
					    text("core ", core,
						 " is an SMT sibling of core 0, which "
						 "always stays with the supervisor: leave it out"));
			throw Error(Code::bad_value,
				    text("cores ", format_cpulist(machine.cpu(core)->siblings),
					 " are SMT siblings and stay together: add core ", sibling,
					 " or leave out core ", core));
		}
	}
}

std::vector<unsigned> pick_cores(const Machine &machine, unsigned count, int node,
				 const Loses &loses)
{
	const std::vector<std::vector<unsigned>> groups = free_groups(machine, node);
	std::vector<unsigned> picked;
	std::size_t free = 0;

	if (count == 0 || count > RF_CPUS_MAX)
		throw Error(Code::bad_value, text(count, " cores were asked for: a subOS has 1 to ",
						  RF_CPUS_MAX));
	for (const std::vector<unsigned> &group : groups)
		free += group.size();
	if (loses)
		pick_groups(groups, count, loses, picked);
	pick_groups(groups, count, {}, picked);
	// What loses nothing may be of sizes that do not make up this count.
	if (loses && picked.size() < count)
		return pick_cores(machine, count, node);
	if (free < count)
		throw Error(Code::not_enough,
			    text(count, " cores were asked for, but ", free, " can be given",
				 node >= 0 ? text(" on node ", node) : std::string(),
				 " (core 0 and its SMT siblings stay with the supervisor)"));
	if (picked.size() < count)
		throw Error(Code::bad_value,
			    text(count, " cores cannot be made up of whole groups of SMT siblings, "
					"which stay together: ask for ",
				 picked.empty() ? std::string() : text(picked.size(), " or "),
				 picked.size() + groups.front().size()));
	std::sort(picked.begin(), picked.end());
	return picked;
}

} // namespace rf
