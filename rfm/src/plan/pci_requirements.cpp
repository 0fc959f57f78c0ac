// SPDX-License-Identifier: GPL-2.0
// Rows of `rfm check` about PCI and what can be handed out.
#include "base/error.hpp"
#include "client/problem.hpp"
#include "plan/requirement_rows.hpp"

#include <map>

namespace rf {

void add_devices(std::vector<Finding> &findings, const Platform &platform)
{
	if (platform.has_ecam)
		findings.push_back({"ECAM", Verdict::ok,
				    text("present; ", platform.pci_functions, " PCI functions"),
				    ""});
	else
		findings.push_back({"ECAM", Verdict::warn,
				    "absent: no PCI functions can be given to subOSes",
				    "a machine (or QEMU type) with PCI Express"});
	if (platform.has_iommu)
		findings.push_back({"IOMMU", Verdict::ok, "present", ""});
	else
		findings.push_back({"IOMMU", Verdict::warn,
				    "off or absent: devices given to a subOS can reach all memory",
				    text("intel_iommu=on", on_command_line)});
	if (platform.has_interrupt_remapping)
		findings.push_back({"interrupt remapping", Verdict::warn,
				    "on: subOSes cannot set up MSI of PCI functions",
				    text("intremap=off", on_command_line)});
	else
		findings.push_back({"interrupt remapping", Verdict::ok, "off", ""});
}

// What all of the rows above come to, as the module sees it.
void add_passthrough(std::vector<Finding> &findings, const std::optional<ModuleFacts> &module)
{
	std::map<std::string, unsigned> reasons;
	unsigned able = 0, devices = 0;

	if (!module)
		return;
	for (const rf_function_info &function : module->functions) {
		if (function.problem == RF_PROBLEM_BRIDGE)
			continue;
		devices++;
		if (function.problem == RF_PROBLEM_NONE)
			able++;
		else
			reasons[problem_word(function.problem)]++;
	}
	if (const auto ats = reasons.find(problem_word(RF_PROBLEM_ATS)); ats != reasons.end())
		findings.push_back({"ATS", Verdict::warn,
				    text("on for ", ats->second,
					 " PCI function(s): these cannot be given"),
				    text("pci=noats", on_command_line)});
	std::string detail = text(able, " of ", devices, " PCI functions can be given");
	for (const auto &[word, count] : reasons)
		detail += text(", ", count, " ", word);
	findings.push_back({"PCI passthrough", able ? Verdict::ok : Verdict::warn, detail,
			    able ? "" : "'rfm pci BDF' says why a function cannot be given"});
}

} // namespace rf
