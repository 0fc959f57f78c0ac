// SPDX-License-Identifier: GPL-2.0
// Why a PCI function cannot be handed out, as the module sees it, in words and with what
// helps. Pure but for asking the module: unit tests can make up its answers.
#pragma once

#include "client/supervisor.hpp"

#include <map>

namespace rf {

// What the module says of all functions, and who owns those that are lent.
struct Inventory {
	std::vector<rf_function_info> functions;
	std::map<std::uint32_t, std::string> owners;	// names of subOSes by id

	const rf_function_info *find(std::uint32_t bdf) const;
	// Those that change hands together with it, without bridges and without itself.
	std::vector<std::uint32_t> companions(const rf_function_info &function) const;
	// "supervisor", or a subOS's name.
	std::string owner_name(const rf_function_info &function) const;
};

Inventory ask_inventory(const Supervisor &supervisor);

// A stable word for programs and tables: "no-msi"; "" for RF_PROBLEM_NONE.
const char *problem_word(std::uint32_t problem);
// "function", "bus", "virtio" or "none".
const char *reset_name(std::uint32_t way);
// Does RF_PCI_FORCE overrule it?
bool is_forceable(std::uint32_t problem);

// One sentence that names the function and the remedy, as the error it is.
Error problem_error(std::uint32_t bdf, std::uint32_t problem, const Inventory &inventory);

// Throws the first problem of these functions. `flags`: RF_PCI_*. `receiver`: id of the
// subOS that may have the rest of a group already, 0: a new one.
void check_functions(const Inventory &inventory, const std::vector<std::uint32_t> &wanted,
		     std::uint32_t flags, std::uint32_t receiver);

// Those whose DMA no IOMMU translates.
std::vector<std::uint32_t> not_confined(const Inventory &inventory,
					const std::vector<std::uint32_t> &bdfs);
std::string not_confined_note(const std::vector<std::uint32_t> &bdfs);

} // namespace rf
