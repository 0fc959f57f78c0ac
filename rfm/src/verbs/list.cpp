// SPDX-License-Identifier: GPL-2.0
// rfm list: one line per subOS.
#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "client/supervisor.hpp"
#include "client/words.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

// How many functions, and what their DMA can reach.
std::string pci_text(const Json &subos)
{
	const std::uint64_t faults = subos["dma_faults"];

	if (subos["functions"].empty())
		return "-";
	return text(subos["functions"].size(), subos["dma_isolated"] ? " confined" : " open",
		    faults ? text(", ", faults, " faults") : std::string());
}

std::string as_text(const Json &result)
{
	Table table({"NAME", "STATE", "CORES", "APIC", "MEM", "PCI", "UPTIME", "CAUSE"});

	for (const Json &subos : result["subos"]) {
		std::vector<unsigned> borrowed;
		for (const Json &loan : subos["borrowed"])
			borrowed.push_back(loan["core"]);
		std::string state = subos["state"];
		if (state == state_name(RF_STATE_LOST))
			state += text(" ", format_seconds(subos["beat_age_seconds"]));
		const double uptime = subos["uptime_seconds"];
		const std::string cause = subos["cause"];
		table.add({subos["name"], state,
			   format_cpulist(subos["cores"]) +
				   (borrowed.empty() ? ""
						     : text(" (", format_cpulist(borrowed),
							    " borrowed)")),
			   format_cpulist(subos["apic_ids"]), format_size(subos["memory"]),
			   pci_text(subos),
			   uptime > 0 ? format_uptime(uptime) : "-",
			   cause == "none" ? "-" : cause});
	}
	return table.str();
}

Code run(const Request &, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	Json list = Json::array();

	for (const std::string &name : supervisor.names()) {
		try {
			const rf_status status = supervisor.subos(name).status();
			list.push_back(subos_json(status));
			list.back()["borrowed"] = borrowed_json(supervisor, status.id);
		} catch (const Error &error) {
			// Destroyed between the list and the look.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	output.result({{"subos", list}}, as_text);
	return Code::ok;
}

} // namespace

const Verb list_verb = {
	"list", "",
	"list all subOSes",
	"Shows name, state, logical cores and their APIC ids, memory, PCI functions, time\n"
	"since the kernel was entered, and why a subOS is not running any more. DMA of the\n"
	"functions is confined by an IOMMU, or open: it can reach all memory. A subOS that\n"
	"is lost has not been heard from for the time shown beside its state.",
	{}, 0, 0, run,
};

} // namespace rf
