// SPDX-License-Identifier: GPL-2.0
#include "view/function.hpp"

#include "base/pci_address.hpp"
#include "cli/output.hpp"

#include <algorithm>
#include <cstdio>

namespace rf {

namespace {

constexpr std::size_t class_width = 18, driver_width = 12, owner_width = 12;

std::string shortened(const std::string &word, std::size_t width)
{
	return word.size() <= width ? word : word.substr(0, width - 1) + "~";
}

std::string or_dash(const std::string &word)
{
	return word.empty() ? "-" : word;
}

std::string short_answer(const Function &function)
{
	if (function.problem != RF_PROBLEM_NONE)
		return problem_word(function.problem);
	if (!function.uses.empty())
		return "in use";
	return function.group.size() > 1 ? text("yes, all ", function.group.size()) : "yes";
}

// The most that it can have of either kind, "" if that is not known.
std::string vectors_of(const Function &function)
{
	const auto &device = function.device;

	return device.msix ? std::to_string(std::max(device.msi.value_or(0), *device.msix)) : "";
}

std::string vectors_text(const std::optional<unsigned> &vectors)
{
	return vectors ? std::to_string(*vectors) : "visible only to root";
}

std::string name_text(const std::string &name, unsigned number)
{
	char digits[16];

	std::snprintf(digits, sizeof(digits), "%04x", number);
	return text(name, " (", digits, ")");
}

std::string dma_text(const Function &function)
{
	if (!function.dma_bits)
		return "not known without a driver";
	return text(function.dma_bits, " bits",
		    function.dma_bits <= 32 ? ": it reaches only memory below 4G" : "");
}

// What has to do with the subOS it may be given to.
void add_lending(const Function &function, Table &table)
{
	table.add({"reset by", function.reset});
	table.add({"changes hands with", function.group.size() > 1
						 ? format_bdfs(function.group, ", ")
						 : "no other function"});
	table.add({"IOMMU", function.iommu ? "confines its DMA" : "none"});
	table.add({"owner", function.owner.value_or("known only to the module")});
	if (function.returns_to && !function.returns_to->empty())
		table.add({"returns to", *function.returns_to});
	if (function.dma_faults)
		table.add({"DMA faults", std::to_string(*function.dma_faults)});
	table.add({"can be given", function.why.empty() ? "yes" : "no"});
	if (!function.why.empty())
		table.add({"because", function.why});
}

std::string class_of(const Function &function)
{
	return function.device.class_name;
}

std::string driver_of(const Function &function)
{
	return function.driver;
}

std::string owner_of(const Function &function)
{
	return function.owner.value_or("");
}

const Column<Function> columns[] = {
	{"function", "FUNCTION",
	 [](const Function &function) { return format_bdf(function.device.bdf); }},
	{"class", "CLASS", class_of,
	 [](const Function &function) { return shortened(class_of(function), class_width); }},
	{"driver", "DRIVER", driver_of,
	 [](const Function &function) { return shortened(or_dash(driver_of(function)), driver_width); }},
	{"msi", "MSI", vectors_of,
	 [](const Function &function) {
		 return function.device.msix ? vectors_of(function) : std::string("?");
	 }},
	{"owner", "OWNER", owner_of,
	 [](const Function &function) { return shortened(or_dash(owner_of(function)), owner_width); }},
	{"can-give", "CAN GIVE", short_answer},
	{"vendor", "VENDOR", [](const Function &function) { return function.device.vendor_name; },
	 nullptr, false},
	{"device", "DEVICE", [](const Function &function) { return function.device.device_name; },
	 nullptr, false},
	{"numa", "NUMA", [](const Function &function) { return std::to_string(function.device.node); },
	 nullptr, false},
	{"iommu", "IOMMU",
	 [](const Function &function) { return std::string(function.iommu ? "yes" : "no"); }, nullptr,
	 false},
	{"reset", "RESET", [](const Function &function) { return function.reset; }, nullptr, false},
};

} // namespace

std::span<const Column<Function>> function_columns()
{
	return columns;
}

void to_json(Json &json, const Function &function)
{
	const PciFunction &device = function.device;
	const unsigned bits = function.dma_bits;

	json = {{"function", format_bdf(device.bdf)},
		{"class", device.class_code},
		{"class_name", device.class_name},
		{"vendor", device.vendor},
		{"vendor_name", device.vendor_name},
		{"device", device.device},
		{"device_name", device.device_name},
		{"driver", or_null(function.driver)},
		{"numa", device.node},
		{"msi", or_null(device.msi)},
		{"msix", or_null(device.msix)},
		{"dma_bits", bits ? Json(bits) : Json()},
		{"dma_32bit_only", bits ? Json(bits <= 32) : Json()},
		{"bridge", device.bridge},
		{"physical_function", device.physical ? Json(format_bdf(*device.physical)) : Json()},
		{"virtual_functions", bdfs_json(function.made)},
		{"virtual_functions_most", device.vfs_most},
		{"reset", function.reset},
		{"group", bdfs_json(function.group)},
		{"iommu", function.iommu},
		{"owner", or_null(function.owner)},
		{"owner_id", or_null(function.owner_id)},
		{"dma_faults", or_null(function.dma_faults)},
		{"uses", function.uses},
		{"problem", or_null(std::string(problem_word(function.problem)))},
		{"force_helps", function.force_helps()},
		{"can_be_given", function.can_be_given()},
		{"why", or_null(function.why)}};
	if (function.returns_to)
		json["returns_to"] = or_null(*function.returns_to);
}

std::string to_text(const Function &function)
{
	const PciFunction &device = function.device;
	Table table({"WHAT", "VALUE"});

	table.add({"function", format_bdf(device.bdf)});
	table.add({"class", name_text(device.class_name, device.class_code >> 8)});
	table.add({"vendor", name_text(device.vendor_name, device.vendor)});
	table.add({"device", name_text(device.device_name, device.device)});
	table.add({"driver", function.driver.empty() ? "none" : function.driver});
	table.add({"NUMA node", device.node < 0 ? "not known" : std::to_string(device.node)});
	table.add({"MSI vectors", vectors_text(device.msi)});
	table.add({"MSI-X vectors", vectors_text(device.msix)});
	table.add({"DMA", dma_text(function)});
	if (device.physical)
		table.add({"virtual function of", format_bdf(*device.physical)});
	if (device.vfs_most > 0)
		table.add({"virtual functions",
			   text(function.made.size(), " of ", device.vfs_most)});
	for (const std::uint32_t bdf : function.made)
		table.add({"", format_bdf(bdf)});
	add_lending(function, table);
	return table.str();
}

} // namespace rf
