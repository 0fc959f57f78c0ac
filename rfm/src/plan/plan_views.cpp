// SPDX-License-Identifier: GPL-2.0
// The plan as a dry run shows it.
#include "base/cpulist.hpp"
#include "base/duration.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/words.hpp"
#include "plan/plan.hpp"

namespace rf {

namespace {

bool has_console(const Plan &plan)
{
	return plan.wanted.agent && plan.wanted.console;
}

std::string uart_name(const Plan &plan)
{
	return plan.wanted.uart ? plan.wanted.uart->name : "";
}

std::string or_none(const std::string &word)
{
	return word.empty() ? "none" : word;
}

std::string crash_text(const rf_policies &policies)
{
	if (policies.on_crash != RF_POLICY_RESTART)
		return policy_name(policies.on_crash);
	return text("restart, ", policies.restarts, " times");
}

} // namespace

void to_json(Json &json, const Plan &plan)
{
	const rf_policies &policies = plan.wanted.policies;

	json = {
		{"name", plan.wanted.name},
		{"cores", plan.request.cpus},
		{"apic_ids", plan.apic_ids},
		{"memory", plan.request.memory},
		{"numa", plan.request.node},
		{"functions", bdfs_json(plan.request.functions)},
		{"require_iommu", (plan.request.function_flags & RF_PCI_REQUIRE_IOMMU) != 0},
		{"kernel", plan.wanted.kernel},
		{"version", plan.files.kernel.version},
		{"initrd", or_null(plan.files.user_initrd.path())},
		{"ficm", or_null(plan.files.ficm.path())},
		{"agent", or_null(plan.files.agent.path())},
		{"first_stage", or_null(plan.files.first_stage.path())},
		{"uart", or_null(uart_name(plan))},
		{"console", has_console(plan)},
		{"on_crash", policy_name(policies.on_crash)},
		{"on_reboot", policy_name(policies.on_reboot)},
		{"restarts", policies.restarts},
		{"hang_timeout_seconds", policies.hang_timeout_ms / 1000.0},
		{"start", plan.wanted.start},
		{"timeout_seconds", static_cast<double>(plan.wanted.timeout.count()) / 1000},
		{"until", until_name(plan.wanted.until)},
		{"memory_needed", memory_needed(plan)},
		{"cmdline", plan.cmdline},
		{"notes", plan.notes},
	};
}

std::string to_text(const Plan &plan)
{
	const CreateOptions &wanted = plan.wanted;
	const CreateRequest &request = plan.request;
	Table table({"WHAT", "PLANNED"});

	table.add({"name", wanted.name});
	table.add({"cores", format_cpulist(request.cpus)});
	table.add({"APIC ids", format_cpulist({plan.apic_ids.begin(), plan.apic_ids.end()})});
	table.add({"memory", text(format_size(request.memory), " (needed: ",
				  format_size(memory_needed(plan)), ")")});
	table.add({"NUMA node", request.node < 0 ? "any" : std::to_string(request.node)});
	table.add({"PCI functions", or_none(format_bdfs(request.functions, ", "))});
	table.add({"kernel", text(wanted.kernel, " (", or_none(plan.files.kernel.version), ")")});
	table.add({"initrd", or_none(plan.files.user_initrd.path())});
	table.add({"agent", or_none(plan.files.agent.path())});
	table.add({"first stage", or_none(plan.files.first_stage.path())});
	table.add({"uart", or_none(uart_name(plan))});
	table.add({"console", has_console(plan) ? "yes" : "no"});
	table.add({"on crash", crash_text(wanted.policies)});
	table.add({"on reboot", policy_name(wanted.policies.on_reboot)});
	table.add({"hang after", format_duration(Milliseconds(wanted.policies.hang_timeout_ms))});
	table.add({"start", wanted.start ? text("yes, wait ", format_duration(wanted.timeout),
						  " for ", until_name(wanted.until))
					   : "no"});
	table.add({"command line", or_none(plan.cmdline)});
	return table.str();
}

} // namespace rf
