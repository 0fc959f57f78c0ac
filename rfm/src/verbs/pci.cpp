// SPDX-License-Identifier: GPL-2.0
// rfm pci: which PCI functions there are, who has them, and which could be given to a
// subOS; rfm pci vf: make virtual ones.
#include "base/pci_address.hpp"
#include "cli/columns.hpp"
#include "base/sizes.hpp"
#include "client/problem.hpp"
#include "client/supervisor.hpp"
#include "host/device_users.hpp"
#include "host/pci_function.hpp"
#include "operations/virtual_functions.hpp"
#include "verbs/verbs.hpp"
#include "view/function.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr unsigned vfs_limit = 65535;	// the field in the SR-IOV capability has 16 bits
constexpr Option options[] = {columns_option, filter_option};

// Where the two sources of facts meet.
struct Subject {
	const PciFunction &function;
	const std::optional<Inventory> &inventory;
	const rf_function_info *info;	// what the module says of it, if it does
};

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

Function function_of(const Subject &subject, const std::vector<PciFunction> &all)
{
	const PciFunction &device = subject.function;
	const rf_function_info *info = subject.info;
	const bool lent = info && info->owner;
	Function function;

	function.device = device;
	function.made = virtual_functions(device.bdf);
	if (lent) {
		// Our own driver holds it: what that asked for says nothing of the device.
		function.returns_to = info->driver;
	} else {
		function.driver = device.driver;
		function.dma_bits = device.dma_bits;
	}
	function.reset = reset_name(info ? info->reset : std::uint32_t{device.reset});
	function.group = group_of(subject, all);
	function.iommu = info ? info->iommu != 0 : device.iommu_group.has_value();
	if (info) {
		function.owner = subject.inventory->owner_name(*info);
		function.owner_id = info->owner;
		function.dma_faults = info->faults;
	}
	if (!device.bridge && !lent)
		function.uses = uses_of(device.bdf);
	function.problem = problem_of(subject);
	function.why = why_not(subject, function.problem, function.uses);
	return function;
}

std::optional<Inventory> inventory_if_possible()
{
	const auto supervisor = Supervisor::open_if_possible();

	return supervisor ? std::optional(ask_inventory(*supervisor)) : std::nullopt;
}

struct FunctionList {
	std::vector<Function> functions;
};

void to_json(Json &json, const FunctionList &list)
{
	json = {{"functions", list.functions}};
}

// One, with everything about it.
class FunctionView final : public View {
public:
	FunctionView(const FunctionList &one, const Columns<Function> &columns)
		: one_(one), columns_(columns) {}
	Json json() const override
	{
		Json json;
		to_json(json, one_);
		return json;
	}
	std::string text() const override
	{
		return columns_.chosen() ? columns_.table(one_.functions)
					 : to_text(one_.functions.front());
	}
	std::string csv() const override { return columns_.csv(one_.functions); }

private:
	const FunctionList &one_;
	const Columns<Function> &columns_;
};

// All functions, or one.
Code show(const std::string &operand, const Request &request, Output &output)
{
	const Columns<Function> shown(function_columns(), request);
	const std::uint32_t wanted = operand.empty() ? RF_BDF_NONE : parse_bdf(operand);
	const std::vector<PciFunction> all = read_functions();
	const std::optional<Inventory> inventory = inventory_if_possible();
	FunctionList list;

	if (wanted != RF_BDF_NONE && !find_function(all, wanted))
		throw problem_error(wanted, RF_PROBLEM_ABSENT, {});
	for (const PciFunction &device : all) {
		if (wanted != RF_BDF_NONE && wanted != device.bdf)
			continue;
		const Function function = function_of(
			{device, inventory, inventory ? inventory->find(device.bdf) : nullptr}, all);
		if (wanted != RF_BDF_NONE || shown.takes(function))
			list.functions.push_back(function);
	}
	if (!inventory)
		output.note("showing only what sysfs has: rf_supervisor is not loaded, or rfm is "
			    "not run as root");
	if (wanted == RF_BDF_NONE)
		output.show(ListView(list, list.functions, shown));
	else
		output.show(FunctionView(list, shown));
	return Code::ok;
}

struct VirtualFunctions {
	std::uint32_t physical = 0;
	std::vector<std::uint32_t> made;
	unsigned most = 0;
};

void to_json(Json &json, const VirtualFunctions &functions)
{
	json = {{"function", format_bdf(functions.physical)},
		{"virtual_functions", bdfs_json(functions.made)},
		{"most", functions.most}};
}

std::string to_text(const VirtualFunctions &functions)
{
	std::string lines = text("PCI function ", format_bdf(functions.physical), " has ",
				 functions.made.size(), " of ", functions.most,
				 " virtual functions\n");

	for (const std::uint32_t bdf : functions.made)
		lines += "  " + format_bdf(bdf) + "\n";
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
	output.result(VirtualFunctions{physical, made, function->vfs_most});
	return Code::ok;
}

Code run(const Request &request, Output &output)
{
	const std::vector<std::string> &operands = request.operands;

	if (operands.empty() || (operands.size() == 1 && operands[0] != "vf"))
		return show(operands.empty() ? "" : operands[0], request, output);
	if (operands[0] != "vf" || operands.size() != 3)
		throw Error(Code::usage, "give 'rfm pci', 'rfm pci BDF' or 'rfm pci vf BDF N'");
	for (const Option &option : options)
		if (request.has(option.name) || request.value("output") == "csv")
			throw Error(Code::usage, text("'rfm pci vf' lists nothing: give no --columns, "
						      "no --filter and no -o csv"));
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
	options,
	0,
	3,
	run,
};

} // namespace rf
