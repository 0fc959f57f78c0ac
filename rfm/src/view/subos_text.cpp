// SPDX-License-Identifier: GPL-2.0
// One subOS for people.
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/output.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

std::string hex(std::uint64_t number)
{
	return text("0x", std::hex, number);
}

// On the machine's clock; people want to know how long after the create.
void add_moments(Table &table, const rf_status &status)
{
	const std::uint64_t create = status.moments[RF_MOMENT_CREATE];

	for (int i = 0; i < RF_MOMENT_NR; i++)
		if (status.moments[i] > create)
			table.add({text("to '", moment_name(i), "'"),
				   format_seconds(static_cast<double>(status.moments[i] - create) /
						  1e9)});
}

void add_functions(Table &table, const Subos &subos)
{
	const rf_status &status = subos.status;
	const std::vector<std::uint32_t> taken = subos.functions_taken();

	if (status.nr_functions)
		table.add({"PCI functions", format_bdfs(subos.functions(), ", ")});
	if (!taken.empty())
		table.add({"taken by force", format_bdfs(taken, ", ")});
	if (status.nr_functions)
		table.add({"DMA", status.dma_isolated ? "confined to its memory by an IOMMU"
						      : "not confined: no IOMMU translates it"});
	if (status.nr_functions || status.dma_faults)
		table.add({"DMA faults", std::to_string(status.dma_faults)});
}

void add_policies(Table &table, const Subos &subos)
{
	const rf_status &status = subos.status;

	table.add({"starts", std::to_string(status.starts)});
	table.add({"on crash", status.on_crash == RF_POLICY_RESTART
				       ? text("restart, ", status.restarts_left, " times left")
				       : policy_name(status.on_crash)});
	table.add({"on reboot", policy_name(status.on_reboot)});
	table.add({"hang after", format_seconds(subos.hang_timeout_seconds())});
	table.add({"console viewers", std::to_string(status.console_viewers)});
}

} // namespace

std::string to_text(const Subos &subos)
{
	const rf_status &status = subos.status;
	Table table({"WHAT", "VALUE"});
	const auto add = [&](const std::string &what, const std::string &value) {
		if (!value.empty())
			table.add({what, value});
	};

	add("name", status.name);
	add("id", std::to_string(status.id));
	add("state", state_name(status.state));
	add("cause", cause_name(status.cause));
	add("reason", inspect::printable(status.reason));
	add("stage", stage_name(status.stage));
	add("cores", format_cpulist(subos.cores()));
	add("APIC ids", format_cpulist(subos.apic_ids()));
	add("cores up", std::to_string(status.cpus_online));
	if (status.not_held)
		add("not held", text("core ", status.not_held, ": it does not react to INIT"));
	add("memory", format_size(status.memory));
	for (std::uint32_t i = 0; i < status.nr_ranges; i++)
		add("range", text(hex(status.ranges[i].start), " + ",
				  format_size(status.ranges[i].size)));
	add_functions(table, subos);
	add("low slice", hex(status.low_slice));
	add("VMCOREINFO", status.vmcoreinfo ? hex(status.vmcoreinfo) : "not reported");
	add("uptime", format_uptime(subos.uptime_seconds()));
	for (const Loan &loan : subos.borrowed)
		add("borrowed", text("core ", loan.core, " from ",
				     loan.lender.empty() ? "a subOS that is gone" : loan.lender));
	add("resize step", status.block_size ? format_size(status.block_size)
					     : "unknown until its agent reports");
	add("agent can", join(capability_names(status.capabilities)));
	if (status.beat_age_ns)
		add("last heartbeat", format_seconds(subos.beat_age_seconds()) + " ago");
	add_policies(table, subos);
	add_moments(table, status);
	return table.str();
}

} // namespace rf
