// SPDX-License-Identifier: GPL-2.0
#include "client/problem.hpp"

#include "base/pci_address.hpp"

#include <algorithm>

namespace rf {

namespace {

struct Row {
	rf_problem problem;
	const char *word;
	const char *why;	// after "PCI function 0000:00:04.0 "
	bool forceable = false;
};

constexpr Row rows[] = {
	{RF_PROBLEM_NONE, "", "has no problem"},
	{RF_PROBLEM_ABSENT, "absent", "does not exist: 'rfm pci' lists those that do"},
	{RF_PROBLEM_BRIDGE, "bridge", "is a bridge or an IOMMU: these stay with the supervisor"},
	{RF_PROBLEM_LENT, "lent", "belongs to a subOS: take it from there first, or choose another"},
	{RF_PROBLEM_NO_ECAM, "no-ecam",
	 "cannot be given: ACPI's MCFG table does not cover its configuration space, as on a "
	 "machine without PCI Express"},
	{RF_PROBLEM_NO_MSI, "no-msi",
	 "has neither MSI nor MSI-X: a subOS could not get its interrupts; choose another"},
	{RF_PROBLEM_REMAPPED, "remapped",
	 "cannot be given while its interrupts are remapped: put intremap=off on the supervisor's "
	 "kernel command line and reboot"},
	{RF_PROBLEM_ATS, "ats",
	 "cannot be given while it caches the IOMMU's translations (ATS): put pci=noats on the "
	 "supervisor's kernel command line and reboot"},
	{RF_PROBLEM_NO_RESET, "no-reset",
	 "has no reset method, so it cannot be proven quiet: --force gives it anyway",
	 true},
	{RF_PROBLEM_STUCK, "stuck",
	 "could not be reset before, so it cannot be proven quiet: --force gives it anyway",
	 true},
	{RF_PROBLEM_GROUP, "group",
	 "shares a reset or an IOMMU group with others: they change hands together or not at all"},
	{RF_PROBLEM_NO_IOMMU, "no-iommu",
	 "is not behind an IOMMU that translates its DMA: turn the IOMMU on (intel_iommu=on on the "
	 "supervisor's kernel command line, then reboot), or leave out --require-iommu"},
	{RF_PROBLEM_VFS, "has-vfs", "has virtual functions: remove them first"},
	{RF_PROBLEM_BARS, "bars",
	 "cannot be given: one of its memory BARs has no address, or shares a page with another "
	 "function; choose another"},
	{RF_PROBLEM_DRIVER, "driver",
	 "cannot be given: its driver does not release it, or rf_supervisor could not take it; the "
	 "supervisor's kernel log says why"},
	{RF_PROBLEM_MANY, "many", "is named twice, or is one too many: a subOS has at most 16"},
};
static_assert(RF_FUNCTIONS_MAX == 16);

const Row &row_of(std::uint32_t problem)
{
	static constexpr Row unknown{RF_PROBLEM_NONE, "unknown",
				     "cannot be given: the supervisor's kernel log says why"};
	const auto found = std::find_if(std::begin(rows), std::end(rows), [&](const Row &row) {
		return row.problem == problem;
	});
	return found == std::end(rows) ? unknown : *found;
}

// What only this function's case tells: names and commands.
std::string particulars(std::uint32_t bdf, std::uint32_t problem, const Inventory &inventory)
{
	const rf_function_info *function = inventory.find(bdf);

	if (problem == RF_PROBLEM_VFS)
		return text(" with 'rfm pci vf ", format_bdf(bdf), " 0'");
	if (!function)
		return "";
	if (problem == RF_PROBLEM_GROUP)
		return text("; the others are ",
			    format_bdfs(inventory.companions(*function), ", "));
	if (problem == RF_PROBLEM_LENT && function->owner)
		return text("; its owner is '", inventory.owner_name(*function), "'");
	return "";
}

Code code_of(std::uint32_t problem)
{
	return problem == RF_PROBLEM_LENT || problem == RF_PROBLEM_DRIVER ? Code::busy
									  : Code::bad_value;
}

bool is_named(const std::vector<std::uint32_t> &wanted, std::uint32_t bdf)
{
	return std::find(wanted.begin(), wanted.end(), bdf) != wanted.end();
}

// Not there, not possible, or not with these flags; RF_PROBLEM_NONE otherwise.
std::uint32_t find_problem(const Inventory &inventory, std::uint32_t bdf,
			   const std::vector<std::uint32_t> &wanted, std::uint32_t flags,
			   std::uint32_t receiver)
{
	const rf_function_info *function = inventory.find(bdf);

	if (!function)
		return RF_PROBLEM_ABSENT;
	if (function->owner)
		return RF_PROBLEM_LENT;
	if (function->problem != RF_PROBLEM_NONE && function->problem != RF_PROBLEM_GROUP &&
	    !(flags & RF_PCI_FORCE && is_forceable(function->problem)))
		return function->problem;
	for (const std::uint32_t other : inventory.companions(*function))
		if (!is_named(wanted, other) &&
		    (!receiver || inventory.find(other)->owner != receiver))
			return RF_PROBLEM_GROUP;
	if (flags & RF_PCI_REQUIRE_IOMMU && !function->iommu)
		return RF_PROBLEM_NO_IOMMU;
	return RF_PROBLEM_NONE;
}

} // namespace

const rf_function_info *Inventory::find(std::uint32_t bdf) const
{
	const auto found =
		std::find_if(functions.begin(), functions.end(),
			     [bdf](const rf_function_info &one) { return one.bdf == bdf; });
	return found == functions.end() ? nullptr : &*found;
}

std::vector<std::uint32_t> Inventory::companions(const rf_function_info &function) const
{
	std::vector<std::uint32_t> others;

	for (const rf_function_info &other : functions)
		if (other.group == function.group && other.bdf != function.bdf &&
		    other.problem != RF_PROBLEM_BRIDGE && function.problem != RF_PROBLEM_BRIDGE)
			others.push_back(other.bdf);
	return others;
}

std::string Inventory::owner_name(const rf_function_info &function) const
{
	const auto name = owners.find(function.owner);

	if (!function.owner)
		return "supervisor";
	return name == owners.end() ? text("id ", function.owner) : name->second;
}

Inventory ask_inventory(const Supervisor &supervisor)
{
	return {supervisor.functions(), supervisor.names_by_id()};
}

const char *problem_word(std::uint32_t problem)
{
	return row_of(problem).word;
}

const char *reset_name(std::uint32_t way)
{
	switch (way) {
	case RF_RESET_NONE: return "none";
	case RF_RESET_FUNCTION: return "function";
	case RF_RESET_BUS: return "bus";
	case RF_RESET_VIRTIO: return "virtio";
	default: return "?";
	}
}

bool is_forceable(std::uint32_t problem)
{
	return row_of(problem).forceable;
}

Error problem_error(std::uint32_t bdf, std::uint32_t problem, const Inventory &inventory)
{
	return Error(code_of(problem),
		     text("PCI function ", format_bdf(bdf), " ", row_of(problem).why,
			  particulars(bdf, problem, inventory)),
		     {{"function", format_bdf(bdf)}, {"problem", problem_word(problem)}});
}

void check_functions(const Inventory &inventory, const std::vector<std::uint32_t> &wanted,
		     std::uint32_t flags, std::uint32_t receiver)
{
	for (const std::uint32_t bdf : wanted) {
		const std::uint32_t problem =
			find_problem(inventory, bdf, wanted, flags, receiver);
		if (problem != RF_PROBLEM_NONE)
			throw problem_error(bdf, problem, inventory);
	}
}

std::vector<std::uint32_t> not_confined(const Inventory &inventory,
					const std::vector<std::uint32_t> &bdfs)
{
	std::vector<std::uint32_t> open;

	for (const std::uint32_t bdf : bdfs)
		if (const rf_function_info *function = inventory.find(bdf);
		    function && !function->iommu)
			open.push_back(bdf);
	return open;
}

std::string not_confined_note(const std::vector<std::uint32_t> &bdfs)
{
	return text("no IOMMU confines the DMA of PCI function",
		    bdfs.size() == 1 ? " " : "s ", format_bdfs(bdfs, ", "),
		    ": a broken or hostile subOS can reach all of the machine's memory with it");
}

} // namespace rf
