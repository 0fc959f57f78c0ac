// SPDX-License-Identifier: GPL-2.0
// rfm show: everything about one subOS.
#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "client/supervisor.hpp"
#include "client/words.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

std::string hex(std::uint64_t number)
{
	return text("0x", std::hex, number);
}

// On the machine's clock; people want to know how long after the create.
void add_moments(Table &table, const Json &moments)
{
	const std::uint64_t create = moments["create"];

	for (const auto &[name, moment] : moments.items())
		if (moment > create)
			table.add({text("to '", name, "'"),
				   format_seconds(static_cast<double>(moment.get<std::uint64_t>() -
								      create) /
						  1e9)});
}

std::string as_text(const Json &subos)
{
	Table table({"WHAT", "VALUE"});
	const auto add = [&](const std::string &what, const std::string &value) {
		if (!value.empty())
			table.add({what, value});
	};

	add("name", subos["name"]);
	add("id", subos["id"].dump());
	add("state", subos["state"]);
	add("cause", subos["cause"]);
	add("reason", subos["reason"]);
	add("stage", subos["stage"]);
	add("cores", format_cpulist(subos["cores"]));
	add("APIC ids", format_cpulist(subos["apic_ids"]));
	add("cores up", subos["cores_online"].dump());
	if (!subos["core_not_held"].is_null())
		add("not held", text("core ", subos["core_not_held"], ": it does not react to INIT"));
	add("memory", format_size(subos["memory"]));
	for (const Json &range : subos["ranges"])
		add("range", text(hex(range["start"]), " + ", format_size(range["size"])));
	add("PCI functions", join(subos["functions"]));
	add("taken by force", join(subos["functions_taken"]));
	if (!subos["functions"].empty())
		add("DMA", subos["dma_isolated"] ? "confined to its memory by an IOMMU"
						 : "not confined: no IOMMU translates it");
	if (!subos["functions"].empty() || subos["dma_faults"] > 0)
		add("DMA faults", subos["dma_faults"].dump());
	add("low slice", hex(subos["low_slice"]));
	add("VMCOREINFO", subos["vmcoreinfo"] == 0 ? "not reported" : hex(subos["vmcoreinfo"]));
	add("uptime", format_uptime(subos["uptime_seconds"]));
	for (const Json &loan : subos["borrowed"])
		add("borrowed", text("core ", loan["core"], " from ",
				     loan["lender"].is_null() ? "a subOS that is gone"
							      : loan["lender"].get<std::string>()));
	add("resize step", subos["block_size"] == 0 ? "unknown until its agent reports"
						    : format_size(subos["block_size"]));
	add("agent can", join(subos["capabilities"]));
	if (subos["beat_age_seconds"] > 0)
		add("last heartbeat", format_seconds(subos["beat_age_seconds"]) + " ago");
	add("starts", subos["starts"].dump());
	add("on crash", subos["on_crash"] == policy_name(RF_POLICY_RESTART)
				? text("restart, ", subos["restarts_left"], " times left")
				: subos["on_crash"].get<std::string>());
	add("on reboot", subos["on_reboot"]);
	add("hang after", format_seconds(subos["hang_timeout_seconds"]));
	add("console viewers", subos["console_viewers"].dump());
	add_moments(table, subos["moments_ns"]);
	return table.str();
}

Code run(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	const rf_status status = supervisor.subos(request.operands[0]).status();
	Json result = subos_json(status);

	result["borrowed"] = borrowed_json(supervisor, status.id);
	result["memory_block_size"] = supervisor.info().memory_block_size;
	output.result(result, as_text);
	return Code::ok;
}

} // namespace

const Verb show_verb = {
	"show", "NAME",
	"show everything about one subOS",
	"Shows state, cause and reason, stage of the boot, cores with APIC ids, loans,\n"
	"memory ranges and the step in which memory can be resized, PCI functions and\n"
	"whether their DMA is confined, policies, heartbeat, and when each moment of its\n"
	"life was reached.",
	{}, 1, 1, run,
};

} // namespace rf
