// SPDX-License-Identifier: GPL-2.0
#include "plan/core_choice.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "client/fit.hpp"
#include "uapi/rainforest.h"

#include <algorithm>
#include <map>
#include <set>

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

// SMT is off: nobody runs on this sibling, and nobody can.
bool is_off(const Machine &machine, const Lent &lent, unsigned core)
{
	const Cpu *cpu = machine.cpu(core);

	return machine.smt_off && cpu && !cpu->online && !lent.contains(core);
}

constexpr const char insist[] = ", or insist with --allow-smt-split";

// Why `core` cannot go without `sibling`, and what to do.
std::string parted_text(const Machine &machine, const Lent &lent, unsigned core, unsigned sibling)
{
	const std::string both = text("core ", core, " is an SMT sibling of core ", sibling);
	const auto owner = lent.find(sibling);
	const Cpu *other = machine.cpu(sibling);

	if (sibling == 0)
		return text(both, ", which always stays with the supervisor: leave it out", insist);
	if (owner != lent.end() && owner->second.empty())
		return text(both, ", which changes hands right now: leave it out", insist);
	if (owner != lent.end())
		return text(both, ", which belongs to subOS '", owner->second, "': leave core ",
			    core, " out", insist);
	if (other && !other->online)
		return text(both, ", which is offline: bring core ", sibling,
			    " online and add it, or leave out core ", core, insist);
	return text("cores ", format_cpulist(machine.cpu(core)->siblings),
		    " are SMT siblings and stay together: add core ", sibling,
		    " or leave out core ", core, insist);
}

// The cores that have to be given together with this one; none if not all of them can be.
std::vector<unsigned> group_of(const Machine &machine, const CoreRules &rules, const Cpu &cpu)
{
	std::vector<unsigned> group;

	if (contains(cpu.siblings, 0))
		return {};
	for (const unsigned sibling : cpu.siblings) {
		const Cpu *other = machine.cpu(sibling);
		if (contains(rules.own, sibling) || is_off(machine, rules.lent, sibling))
			continue;
		if (!other || !other->online)
			return {};
		group.push_back(sibling);
	}
	return group;
}

// Groups of SMT siblings that may be given, the one with the highest core first; after them
// each core alone, if siblings may be split.
Groups free_groups(const Machine &machine, int node, const CoreRules &rules)
{
	Groups groups, alone;

	for (auto cpu = machine.cpus.rbegin(); cpu != machine.cpus.rend(); ++cpu) {
		const bool seen = std::any_of(groups.begin(), groups.end(), [&](const auto &group) {
			return contains(group, cpu->id);
		});
		if (!cpu->online || (node >= 0 && cpu->node != node))
			continue;
		if (rules.split && cpu->id)
			alone.push_back({cpu->id});
		std::vector<unsigned> group = group_of(machine, rules, *cpu);
		if (!seen && !group.empty())
			groups.push_back(std::move(group));
	}
	groups.insert(groups.end(), alone.begin(), alone.end());
	return groups;
}

std::size_t cores_in(const Groups &groups)
{
	std::set<unsigned> cores;

	for (const std::vector<unsigned> &group : groups)
		cores.insert(group.begin(), group.end());
	return cores.size();
}

// The nearest numbers below and above `count` that there could be, such as "2 or 4".
std::string near_counts(const Counts &counts, unsigned count)
{
	std::string words;
	unsigned less = count, more = count;

	while (less && !counts[less])
		less--;
	while (more < counts.size() && !counts[more])
		more++;
	if (less)
		words = text(less);
	if (more < counts.size())
		words += text(words.empty() ? "" : " or ", more);
	return words;
}

} // namespace

void add_offline_siblings(Machine &machine, const std::vector<rf_core> &cores, unsigned smt_shift)
{
	std::map<std::uint32_t, std::vector<unsigned>> groups;

	if (!smt_shift || smt_shift >= 32)
		return;
	for (const rf_core &core : cores)
		groups[core.apic_id >> smt_shift].push_back(core.cpu);
	for (auto &[unit, group] : groups) {
		std::sort(group.begin(), group.end());
		for (Cpu &cpu : machine.cpus)
			if (contains(group, cpu.id))
				cpu.siblings = group;
	}
}

Machine read_machine(const Supervisor *supervisor)
{
	Machine machine = read_machine();

	if (supervisor) {
		const rf_info info = supervisor->info();
		machine.splits_unasked = info.abi < siblings_abi;
		add_offline_siblings(machine, supervisor->cores(), info.smt_shift);
	}
	return machine;
}

void check_together(const Machine &machine, const CoreRules &rules,
		    const std::vector<unsigned> &cores)
{
	if (rules.split)
		return;
	for (const unsigned core : cores)
		for (const unsigned sibling : machine.cpu(core)->siblings)
			if (!contains(cores, sibling) && !contains(rules.own, sibling) &&
			    !is_off(machine, rules.lent, sibling))
				throw Error(Code::bad_value,
					    parted_text(machine, rules.lent, core, sibling));
}

void check_cores(const Machine &machine, const CoreRules &rules, const std::vector<unsigned> &cores)
{
	if (cores.empty() || cores.size() > RF_CPUS_MAX)
		throw Error(Code::bad_value,
			    text(cores.size(), " cores were asked for: a subOS has 1 to ",
				 RF_CPUS_MAX));
	for (const unsigned core : cores)
		check_core(machine, rules.lent, core);
	check_together(machine, rules, cores);
}

std::vector<unsigned> pick_cores(const Machine &machine, unsigned count, int node,
				 const Loses &loses, const CoreRules &rules)
{
	const Groups groups = free_groups(machine, node, rules);
	const std::size_t free = cores_in(groups);
	std::vector<unsigned> picked;

	if (count == 0 || count > RF_CPUS_MAX)
		throw Error(Code::bad_value, text(count, " cores were asked for: a subOS has 1 to ",
						  RF_CPUS_MAX));
	if (free < count)
		throw Error(Code::not_enough,
			    text(count, " cores were asked for, but ", free, " can be given",
				 node >= 0 ? text(" on node ", node) : std::string(),
				 " (core 0 and its SMT siblings stay with the supervisor)"));
	// Where siblings may be split, cores alone fill up whatever is left.
	const Counts possible = possible_counts(groups);
	if (!rules.split && !possible[count])
		throw Error(Code::bad_value,
			    text(count, " cores cannot be made up of whole groups of SMT siblings, "
					"which stay together: ask for ",
				 near_counts(possible, count), insist));
	if (loses)
		pick_groups(groups, count, loses, !rules.split, picked);
	pick_groups(groups, count, {}, !rules.split, picked);
	std::sort(picked.begin(), picked.end());
	return picked;
}

std::uint32_t split_flags(const Machine &machine, bool insisted)
{
	return (insisted || machine.smt_off) && !machine.splits_unasked ? RF_SPLIT_SIBLINGS : 0;
}

} // namespace rf
