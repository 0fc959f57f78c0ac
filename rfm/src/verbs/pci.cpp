// SPDX-License-Identifier: GPL-2.0
// rfm pci: which PCI functions there are, who has them, and which could be given to a
// subOS; rfm pci vf: make virtual ones.
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/problem.hpp"
#include "client/supervisor.hpp"
#include "host/device_users.hpp"
#include "host/pci_function.hpp"
#include "operations/virtual_functions.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <cstdio>

namespace rf {

namespace {

constexpr unsigned vfs_limit = 65535;	// the field in the SR-IOV capability has 16 bits
constexpr std::size_t class_width = 18, driver_width = 12, owner_width = 12;

// Where the two sources of facts meet.
struct Subject {
	const PciFunction &function;
	const std::optional<Inventory> &inventory;
	const rf_function_info *info;	// what the module says of it, if it does
};

Json or_null(const std::string &word)
{
	return word.empty() ? Json() : Json(word);
}

Json or_null(const std::optional<unsigned> &number)
{
	return number ? Json(*number) : Json();
}

// What stands in the way: the module's judgement, or what sysfs alone tells.
std::uint32_t problem_of(const Subject &subject)
{
	if (subject.info)
		return subject.info->owner ? std::uint32_t{RF_PROBLEM_LENT} : subject.info->problem;
	if (subject.function.bridge)
		return RF_PROBLEM_BRIDGE;
	if (subject.function.msi == 0u && subject.function.msix == 0u)
		return RF_PROBLEM_NO_MSI;
	if (subject.function.vfs)
		return RF_PROBLEM_VFS;
	return subject.function.reset == RF_RESET_NONE ? RF_PROBLEM_NO_RESET : RF_PROBLEM_NONE;
}

// Of its group, itself included.
std::vector<std::uint32_t> group_of(const Subject &subject, const std::vector<PciFunction> &all)
{
	std::vector<std::uint32_t> group{subject.function.bdf};

	if (subject.info) {
		for (const std::uint32_t bdf : subject.inventory->companions(*subject.info))
			group.push_back(bdf);
	} else if (subject.function.iommu_group) {
		for (const PciFunction &other : all)
			if (other.iommu_group == subject.function.iommu_group && !other.bridge &&
			    other.bdf != subject.function.bdf)
				group.push_back(other.bdf);
	}
	std::sort(group.begin(), group.end());
	return group;
}

std::string why_not(const Subject &subject, std::uint32_t problem,
		    const std::vector<std::string> &uses)
{
	static const Inventory none;

	if (problem != RF_PROBLEM_NONE)
		return problem_error(subject.function.bdf, problem,
				     subject.inventory ? *subject.inventory : none)
			.what();
	std::string list;
	for (const std::string &use : uses)
		list += text(list.empty() ? "in use: " : ", ", use);
	return list;
}

Json identity_json(const PciFunction &function)
{
	return {{"function", format_bdf(function.bdf)},
		{"class", function.class_code},
		{"class_name", function.class_name},
		{"vendor", function.vendor},
		{"vendor_name", function.vendor_name},
		{"device", function.device},
		{"device_name", function.device_name},
		{"driver", or_null(function.driver)},
		{"numa", function.node},
		{"msi", or_null(function.msi)},
		{"msix", or_null(function.msix)},
		{"dma_bits", function.dma_bits ? Json(function.dma_bits) : Json()},
		{"bridge", function.bridge},
		{"physical_function",
		 function.physical ? Json(format_bdf(*function.physical)) : Json()},
		{"virtual_functions", bdfs_json(virtual_functions(function.bdf))},
		{"virtual_functions_most", function.vfs_most}};
}

Json function_json(const Subject &subject, const std::vector<PciFunction> &all)
{
	const PciFunction &function = subject.function;
	const rf_function_info *info = subject.info;
	const bool lent = info && info->owner;
	const std::vector<std::string> uses =
		function.bridge || lent ? std::vector<std::string>{} : uses_of(function.bdf);
	const std::uint32_t problem = problem_of(subject);
	Json json = identity_json(function);

	if (lent) {
		// Our own driver holds it: what that asked for says nothing of the device.
		json["driver"] = nullptr;
		json["dma_bits"] = nullptr;
		json["returns_to"] = or_null(info->driver);
	}
	json["dma_32bit_only"] = json["dma_bits"].is_null() ? Json() : Json(json["dma_bits"] <= 32);
	json["reset"] = reset_name(info ? info->reset : std::uint32_t{function.reset});
	json["group"] = bdfs_json(group_of(subject, all));
	json["iommu"] = info ? info->iommu != 0 : function.iommu_group.has_value();
	json["owner"] = info ? Json(subject.inventory->owner_name(*info)) : Json();
	json["owner_id"] = info ? Json(info->owner) : Json();
	json["dma_faults"] = info ? Json(info->faults) : Json();
	json["uses"] = uses;
	json["problem"] = or_null(problem_word(problem));
	json["force_helps"] = problem == RF_PROBLEM_NONE ? !uses.empty() : is_forceable(problem);
	json["can_be_given"] = problem == RF_PROBLEM_NONE && uses.empty();
	json["why"] = or_null(why_not(subject, problem, uses));
	return json;
}

std::string shortened(const std::string &word, std::size_t width)
{
	return word.size() <= width ? word : word.substr(0, width - 1) + "~";
}

std::string short_answer(const Json &function)
{
	if (!function["problem"].is_null())
		return function["problem"];
	if (!function["uses"].empty())
		return "in use";
	return function["group"].size() > 1 ? text("yes, all ", function["group"].size()) : "yes";
}

std::string vectors_text(const Json &function)
{
	if (function["msix"].is_null())
		return "?";
	return std::max(function["msi"], function["msix"]).dump();
}

std::string table_text(const Json &result)
{
	Table table({"FUNCTION", "CLASS", "DRIVER", "MSI", "OWNER", "CAN GIVE"});
	const auto or_dash = [](const Json &word) {
		return word.is_null() ? "-" : word.get<std::string>();
	};

	for (const Json &function : result["functions"])
		table.add({function["function"], shortened(function["class_name"], class_width),
			   shortened(or_dash(function["driver"]), driver_width),
			   vectors_text(function),
			   shortened(or_dash(function["owner"]), owner_width),
			   short_answer(function)});
	return table.str();
}

std::string name_text(const Json &name, unsigned number)
{
	char digits[16];

	std::snprintf(digits, sizeof(digits), "%04x", number);
	return text(name.get<std::string>(), " (", digits, ")");
}

std::string vectors_of(const Json &function, const char *kind)
{
	return function[kind].is_null() ? "visible only to root" : function[kind].dump();
}

std::string dma_text(const Json &function)
{
	if (function["dma_bits"].is_null())
		return "not known without a driver";
	return text(function["dma_bits"], " bits",
		    function["dma_32bit_only"] ? ": it reaches only memory below 4G" : "");
}

// What has to do with the subOS it may be given to.
void add_lending(const Json &function, Table &table)
{
	const Json &why = function["why"];

	table.add({"reset by", function["reset"]});
	table.add({"changes hands with",
		   function["group"].size() > 1 ? join(function["group"]) : "no other function"});
	table.add({"IOMMU", function["iommu"] ? "confines its DMA" : "none"});
	table.add({"owner", function["owner"].is_null() ? "known only to the module"
							: function["owner"].get<std::string>()});
	if (function.contains("returns_to") && !function["returns_to"].is_null())
		table.add({"returns to", function["returns_to"]});
	if (!function["dma_faults"].is_null())
		table.add({"DMA faults", function["dma_faults"].dump()});
	table.add({"can be given", why.is_null() ? "yes" : "no"});
	if (!why.is_null())
		table.add({"because", why});
}

std::string details_text(const Json &result)
{
	const Json &function = result["functions"][0];
	Table table({"WHAT", "VALUE"});

	table.add({"function", function["function"]});
	table.add({"class", name_text(function["class_name"], function["class"].get<unsigned>() >> 8)});
	table.add({"vendor", name_text(function["vendor_name"], function["vendor"])});
	table.add({"device", name_text(function["device_name"], function["device"])});
	table.add({"driver", function["driver"].is_null() ? "none"
							  : function["driver"].get<std::string>()});
	table.add({"NUMA node", function["numa"] < 0 ? "not known" : function["numa"].dump()});
	table.add({"MSI vectors", vectors_of(function, "msi")});
	table.add({"MSI-X vectors", vectors_of(function, "msix")});
	table.add({"DMA", dma_text(function)});
	if (!function["physical_function"].is_null())
		table.add({"virtual function of", function["physical_function"]});
	if (function["virtual_functions_most"] > 0)
		table.add({"virtual functions", text(function["virtual_functions"].size(), " of ",
						     function["virtual_functions_most"])});
	for (const Json &bdf : function["virtual_functions"])
		table.add({"", bdf});
	add_lending(function, table);
	return table.str();
}

std::optional<Inventory> inventory_if_possible()
{
	const auto supervisor = Supervisor::open_if_possible();

	return supervisor ? std::optional(ask_inventory(*supervisor)) : std::nullopt;
}

// All functions, or one.
Code show(const std::string &operand, Output &output)
{
	const std::uint32_t wanted = operand.empty() ? RF_BDF_NONE : parse_bdf(operand);
	const std::vector<PciFunction> all = read_functions();
	const std::optional<Inventory> inventory = inventory_if_possible();
	Json result = {{"functions", Json::array()}};

	if (wanted != RF_BDF_NONE && !find_function(all, wanted))
		throw problem_error(wanted, RF_PROBLEM_ABSENT, {});
	for (const PciFunction &function : all)
		if (wanted == RF_BDF_NONE || wanted == function.bdf)
			result["functions"].push_back(function_json(
				{function, inventory,
				 inventory ? inventory->find(function.bdf) : nullptr},
				all));
	if (!inventory)
		output.note("showing only what sysfs has: rf_supervisor is not loaded, or rfm is "
			    "not run as root");
	output.result(result, operand.empty() ? table_text : details_text);
	return Code::ok;
}

std::string vf_text(const Json &result)
{
	std::string lines = text("PCI function ", result["function"].get<std::string>(), " has ",
				 result["virtual_functions"].size(), " of ", result["most"],
				 " virtual functions\n");

	for (const Json &bdf : result["virtual_functions"])
		lines += "  " + bdf.get<std::string>() + "\n";
	return lines;
}

Code make_virtual(const Request &request, Output &output)
{
	const std::uint32_t physical = parse_bdf(request.operands[1]);
	const auto count = static_cast<unsigned>(
		parse_number("number of virtual functions", request.operands[2], 0, vfs_limit));

	set_virtual_functions(physical, count, inventory_if_possible());
	// Not what was written, but what became of it.
	const std::vector<PciFunction> functions = read_functions();
	const PciFunction *function = find_function(functions, physical);
	const std::vector<std::uint32_t> made = virtual_functions(physical);
	if (!function || made.size() != count)
		throw Error(Code::incomplete, text("PCI function ", format_bdf(physical), " has ",
						   made.size(), " virtual functions, not ", count));
	output.result({{"function", format_bdf(physical)},
		       {"virtual_functions", bdfs_json(made)},
		       {"most", function->vfs_most}},
		      vf_text);
	return Code::ok;
}

Code run(const Request &request, Output &output)
{
	const std::vector<std::string> &operands = request.operands;

	if (operands.empty() || (operands.size() == 1 && operands[0] != "vf"))
		return show(operands.empty() ? "" : operands[0], output);
	if (operands[0] != "vf" || operands.size() != 3)
		throw Error(Code::usage, "give 'rfm pci', 'rfm pci BDF' or 'rfm pci vf BDF N'");
	return make_virtual(request, output);
}

} // namespace

const Verb pci_verb = {
	"pci",
	"[BDF | vf BDF N]",
	"show PCI functions, and make virtual ones",
	"Lists every PCI function, its owner, and whether it could be given to a subOS; for a\n"
	"single function, everything: its interrupts, how it is reset, which others change\n"
	"hands with it, whether an IOMMU confines its DMA, and why it cannot be given. Works\n"
	"without the module too, but then shows less.\n"
	"With vf: makes N virtual functions of a function with SR-IOV, to be given to\n"
	"subOSes; 0 removes them.",
	{},
	0,
	3,
	run,
};

} // namespace rf
