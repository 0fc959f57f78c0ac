// SPDX-License-Identifier: GPL-2.0
#include "plan/resize_plan.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "plan/create_options.hpp"

#include <algorithm>

namespace rf {

namespace {

bool contains(const std::vector<unsigned> &numbers, unsigned number)
{
	return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// Those of `cores` that are not in `others`.
std::vector<unsigned> without(const std::vector<unsigned> &cores,
			      const std::vector<unsigned> &others)
{
	std::vector<unsigned> rest;

	for (const unsigned core : cores)
		if (!contains(others, core))
			rest.push_back(core);
	return rest;
}

// A value with its sign: ' ' if there is none.
std::pair<char, std::string> split_sign(const std::string &value)
{
	if (value.starts_with('+') || value.starts_with('-'))
		return {value[0], value.substr(1)};
	return {' ', value};
}

// Its SMT siblings that the subOS has, itself among them.
std::vector<unsigned> siblings_in(const Holdings &now, const Machine &machine, unsigned core)
{
	const Cpu *cpu = machine.cpu(core);
	std::vector<unsigned> both{core};

	for (const unsigned sibling : cpu ? cpu->siblings : std::vector<unsigned>{})
		if (sibling != core && contains(now.cores, sibling))
			both.push_back(sibling);
	return both;
}

// What can go, the groups that came last in front; never the boot core or a sibling of it.
Groups last_groups(const Holdings &now, const Machine &machine)
{
	Groups groups;
	std::vector<unsigned> seen = siblings_in(now, machine, now.cores.front());

	for (auto core = now.cores.rbegin(); core != now.cores.rend(); ++core) {
		if (contains(seen, *core))
			continue;
		groups.push_back(siblings_in(now, machine, *core));
		seen.insert(seen.end(), groups.back().begin(), groups.back().end());
	}
	return groups;
}

// The numbers of cores that it can lose without splitting SMT siblings, in words.
std::string in_words(const Counts &possible)
{
	std::string counts;

	for (std::size_t count = 1; count < possible.size(); count++)
		if (possible[count])
			counts += text(counts.empty() ? "" : ", ", count);
	return counts.empty() ? "none" : counts;
}

std::vector<unsigned> last_cores(const Holdings &now, const Machine &machine, std::size_t count,
				 bool split)
{
	if (count >= now.cores.size())
		throw Error(Code::bad_value, text("subOS '", now.name, "' has ", now.cores.size(),
						  " cores and keeps its boot core: at most ",
						  now.cores.size() - 1, " can be taken from it"));
	if (split)
		return {now.cores.end() - static_cast<std::ptrdiff_t>(count), now.cores.end()};
	const Groups groups = last_groups(now, machine);
	const Counts possible = possible_counts(groups);
	if (!possible[count])
		throw Error(Code::bad_value,
			    text(count, " cores cannot be taken from subOS '", now.name,
				 "' without splitting SMT siblings, which stay together: these "
				 "numbers can be taken: ", in_words(possible),
				 "; --allow-smt-split insists"));
	std::vector<unsigned> last;
	pick_groups(groups, count, {}, true, last);
	// In the order in which they came.
	return without(now.cores, without(now.cores, last));
}

} // namespace

CoreChange core_change(const std::string &value, const Holdings &now)
{
	const auto [sign, list] = split_sign(value);
	const std::vector<unsigned> cores = parse_cpulist(list);

	if (sign == '-')
		return {cores, {}};
	if (sign == ' ')
		return {without(now.cores, cores), without(cores, now.cores)};
	for (const unsigned core : cores)
		if (contains(now.cores, core))
			throw Error(Code::bad_value, text("core ", core, " belongs to subOS '",
							  now.name, "' already"));
	return {{}, cores};
}

CoreChange core_count_change(const std::string &value, const Holdings &now, const Machine &machine,
			     const Loses &loses, CoreRules rules, int node)
{
	const auto [sign, digits] = split_sign(value);
	const std::size_t number = parse_number("ncores", digits, 1, RF_CPUS_MAX);
	const std::size_t have = now.cores.size();

	if (sign == '-' || (sign == ' ' && number < have))
		return {last_cores(now, machine, sign == '-' ? number : have - number, rules.split),
			{}};
	const std::size_t more = sign == '+' ? number : number - have;
	if (more == 0)
		return {};
	rules.own = now.cores;
	return {{}, pick_cores(machine, static_cast<unsigned>(more), node, loses, rules)};
}

MemoryChange memory_change(const std::string &value, const Holdings &now)
{
	const auto [sign, size] = split_sign(value);
	const std::uint64_t bytes = parse_memory(size);
	const bool less = sign == '-' || (sign == ' ' && bytes < now.memory);

	if (sign == '-' && bytes >= now.memory)
		throw Error(Code::bad_value, text("memory '", value, "' is not acceptable: subOS '",
						  now.name, "' has ", format_size(now.memory)));
	if (sign != ' ')
		return less ? MemoryChange{bytes, 0} : MemoryChange{0, bytes};
	return less ? MemoryChange{now.memory - bytes, 0} : MemoryChange{0, bytes - now.memory};
}

FunctionChange function_change(const std::string &value, const Holdings &now)
{
	std::string unsigned_list, signs;

	for (std::size_t from = 0; from <= value.size();) {
		const std::size_t comma = std::min(value.find(',', from), value.size());
		const auto [sign, word] = split_sign(value.substr(from, comma - from));
		if (sign == ' ' && signs.empty())
			throw Error(Code::bad_value,
				    text("pci '", value, "' is not acceptable: put + before functions "
							 "to be given, - before ones to be taken, "
							 "such as +0000:00:04.0"));
		unsigned_list += (from ? "," : "") + word;
		signs += sign == ' ' ? signs.back() : sign;
		from = comma + 1;
	}

	const std::vector<std::uint32_t> bdfs = parse_bdfs(unsigned_list);
	FunctionChange change;
	for (std::size_t i = 0; i < bdfs.size(); i++) {
		const bool has = contains(now.functions, bdfs[i]);
		if (signs[i] == '+' && has)
			throw Error(Code::bad_value, text("PCI function ", format_bdf(bdfs[i]),
							  " belongs to subOS '", now.name,
							  "' already"));
		if (signs[i] == '-' && !has)
			throw Error(Code::bad_value,
				    text("PCI function ", format_bdf(bdfs[i]),
					 " does not belong to subOS '", now.name, "': it has ",
					 now.functions.empty() ? "none"
							       : format_bdfs(now.functions, ", ")));
		(signs[i] == '+' ? change.add : change.remove).push_back(bdfs[i]);
	}
	if (now.functions.size() - change.remove.size() + change.add.size() > RF_FUNCTIONS_MAX)
		throw Error(Code::bad_value,
			    text(change.add.size(), " PCI functions cannot be added to the ",
				 now.functions.size(), " of subOS '", now.name,
				 "': it can have at most ", RF_FUNCTIONS_MAX));
	return change;
}

void check_removable(const std::vector<unsigned> &cores, const Holdings &now)
{
	for (const unsigned core : cores) {
		if (!contains(now.cores, core))
			throw Error(Code::bad_value,
				    text("core ", core, " does not belong to subOS '", now.name,
					 "': it has cores ", format_cpulist(now.cores)));
		if (core == now.cores.front())
			throw Error(Code::bad_value,
				    text("core ", core, " is the boot core of subOS '", now.name,
					 "', which cannot be taken from it"));
	}
}

void check_none_parted(const std::vector<unsigned> &cores, const Holdings &now,
		       const Machine &machine)
{
	for (const unsigned core : cores) {
		const std::vector<unsigned> left = without(siblings_in(now, machine, core), cores);
		if (left.empty())
			continue;
		const bool boot = contains(left, now.cores.front());
		throw Error(Code::bad_value,
			    text("core ", core, " is an SMT sibling of core ",
				 boot ? now.cores.front() : left.front(), ", ",
				 boot ? "the boot core, which stays" : "which would stay",
				 " with subOS '", now.name, "': ",
				 boot ? std::string() : text("add core ", left.front(), " or "),
				 "leave out core ", core, ", or insist with --allow-smt-split"));
	}
}

std::vector<unsigned> unparted(std::vector<unsigned> cores, const Holdings &now,
			       const Machine &machine)
{
	// Of those that stay the siblings stay, too.
	for (;;) {
		std::vector<unsigned> whole;
		for (const unsigned core : cores)
			if (without(siblings_in(now, machine, core), cores).empty())
				whole.push_back(core);
		if (whole.size() == cores.size())
			return whole;
		cores = std::move(whole);
	}
}

void check_addable(const std::vector<unsigned> &cores, const Holdings &now, const Machine &machine,
		   const CoreRules &rules)
{
	if (now.cores.size() + cores.size() > RF_CPUS_MAX)
		throw Error(Code::bad_value,
			    text(now.cores.size() + cores.size(),
				 " cores were asked for: a subOS has 1 to ", RF_CPUS_MAX));
	check_cores(machine, rules, cores);
}

} // namespace rf
