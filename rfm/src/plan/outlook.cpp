// SPDX-License-Identifier: GPL-2.0
#include "plan/outlook.hpp"

#include <algorithm>

namespace rf {

namespace {

Cpu *find_cpu(Machine &machine, unsigned core)
{
	const auto found = std::ranges::find(machine.cpus, core, &Cpu::id);

	return found == machine.cpus.end() ? nullptr : &*found;
}

} // namespace

void Outlook::foresee(const std::string &name, Machine &machine, Lent &lent) const
{
	for (const rf_core &core : freed) {
		lent.erase(core.cpu);
		if (Cpu *cpu = find_cpu(machine, core.cpu)) {
			cpu->online = true;
			cpu->node = core.node;
			cpu->apic_id = core.apic_id;
		}
	}
	for (const auto &[core, owner] : claimed) {
		if (owner == name)
			continue;
		lent.emplace(core, owner);
		if (Cpu *cpu = find_cpu(machine, core))
			cpu->online = false;
	}
}

void Outlook::foresee(Inventory &inventory) const
{
	for (rf_function_info &function : inventory.functions) {
		if (std::ranges::find(functions, function.bdf) == functions.end())
			continue;
		function.owner = 0;
		function.problem = RF_PROBLEM_NONE;
	}
}

std::uint64_t Outlook::left(int node, std::uint64_t available) const
{
	const std::uint64_t all = available + given_up;
	std::uint64_t gone = 0;

	for (const auto &[from, bytes] : taken)
		if (node < 0 || from == node)
			gone += bytes;
	return all > gone ? all - gone : 0;
}

} // namespace rf
