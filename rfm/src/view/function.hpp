// SPDX-License-Identifier: GPL-2.0
// A PCI function as a result: what it is, who has it, and whether it can be given to a subOS.
#pragma once

#include "base/error.hpp"
#include "cli/columns.hpp"
#include "client/problem.hpp"
#include "host/pci_function.hpp"

namespace rf {

struct Function {
	PciFunction device;
	std::vector<std::uint32_t> made;	// its virtual functions
	std::string driver;			// of the supervisor's; "" if none, or if it is lent
	unsigned dma_bits = 0;			// 0 if they are not known
	std::optional<std::string> returns_to;	// driver, or ""; of one that is lent only
	std::string reset;			// how it is reset
	std::vector<std::uint32_t> group;	// what changes hands with it, itself included
	bool iommu = false;
	// What only the module knows.
	std::optional<std::string> owner;
	std::optional<std::uint32_t> owner_id;
	std::optional<std::uint64_t> dma_faults;
	// What stands in the way.
	std::vector<std::string> uses;
	std::uint32_t problem = RF_PROBLEM_NONE;
	std::string why;			// in words, "" if nothing does

	bool can_be_given() const { return problem == RF_PROBLEM_NONE && uses.empty(); }
	bool force_helps() const
	{
		return problem == RF_PROBLEM_NONE ? !uses.empty() : is_forceable(problem);
	}
};

void to_json(Json &json, const Function &function);
// Everything about it.
std::string to_text(const Function &function);

// What --columns and --filter know of.
std::span<const Column<Function>> function_columns();

} // namespace rf
