// SPDX-License-Identifier: GPL-2.0
// rfm list: one line per subOS.
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/columns.hpp"
#include "client/supervisor.hpp"
#include "client/words.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

struct SubosList {
	std::vector<Subos> subos;
};

void to_json(Json &json, const SubosList &list)
{
	json = {{"subos", list.subos}};
}

std::string or_dash(const std::string &word)
{
	return word.empty() ? "-" : word;
}

std::string borrowed_list(const Subos &subos)
{
	std::vector<unsigned> cores;

	for (const Loan &loan : subos.borrowed)
		cores.push_back(loan.core);
	return format_cpulist(cores);
}

std::string functions_list(const Subos &subos)
{
	return format_bdfs(subos.functions());
}

std::string state_of(const Subos &subos)
{
	return state_name(subos.status.state);
}

// A subOS that is lost has not been heard from for so long.
std::string state_cell(const Subos &subos)
{
	if (subos.status.state != RF_STATE_LOST)
		return state_of(subos);
	return text(state_of(subos), " ", format_seconds(subos.beat_age_seconds()));
}

std::string cores_of(const Subos &subos)
{
	return format_cpulist(subos.cores());
}

std::string cores_cell(const Subos &subos)
{
	if (subos.borrowed.empty())
		return cores_of(subos);
	return text(cores_of(subos), " (", borrowed_list(subos), " borrowed)");
}

// How many functions, and what their DMA can reach.
std::string functions_cell(const Subos &subos)
{
	const rf_status &status = subos.status;

	if (!status.nr_functions)
		return "-";
	return text(status.nr_functions, status.dma_isolated ? " confined" : " open",
		    status.dma_faults ? text(", ", status.dma_faults, " faults") : std::string());
}

std::string uptime_cell(const Subos &subos)
{
	return subos.uptime_ns ? format_uptime(subos.uptime_seconds()) : "-";
}

std::string cause_of(const Subos &subos)
{
	return cause_name(subos.status.cause);
}

std::string cause_cell(const Subos &subos)
{
	return subos.status.cause == RF_CAUSE_NONE ? "-" : cause_of(subos);
}

template <auto field> std::string number_of(const Subos &subos)
{
	return std::to_string(subos.status.*field);
}

const Column<Subos> columns[] = {
	{"name", "NAME", [](const Subos &subos) { return std::string(subos.status.name); }},
	{"state", "STATE", state_of, state_cell},
	{"cores", "CORES", cores_of, cores_cell},
	{"apic", "APIC", [](const Subos &subos) { return format_cpulist(subos.apic_ids()); }},
	{"mem", "MEM", number_of<&rf_status::memory>,
	 [](const Subos &subos) { return format_size(subos.status.memory); }},
	{"pci", "PCI", functions_list, functions_cell},
	{"uptime", "UPTIME", [](const Subos &subos) { return plain_seconds(subos.uptime_seconds()); }, uptime_cell},
	{"cause", "CAUSE", cause_of, cause_cell},
	{"id", "ID", number_of<&rf_status::id>, nullptr, false},
	{"stage", "STAGE",
	 [](const Subos &subos) { return std::string(stage_name(subos.status.stage)); }, nullptr,
	 false},
	{"reason", "REASON",
	 [](const Subos &subos) { return inspect::printable(subos.status.reason); },
	 [](const Subos &subos) { return or_dash(inspect::printable(subos.status.reason)); }, false},
	{"borrowed", "BORROWED", borrowed_list,
	 [](const Subos &subos) { return or_dash(borrowed_list(subos)); }, false},
	{"starts", "STARTS", number_of<&rf_status::starts>, nullptr, false},
	{"on-crash", "ON CRASH",
	 [](const Subos &subos) { return std::string(policy_name(subos.status.on_crash)); }, nullptr,
	 false},
	{"on-reboot", "ON REBOOT",
	 [](const Subos &subos) { return std::string(policy_name(subos.status.on_reboot)); },
	 nullptr, false},
	{"viewers", "VIEWERS", number_of<&rf_status::console_viewers>, nullptr, false},
};

constexpr Option options[] = {columns_option, filter_option};

Code run(const Request &request, Output &output)
{
	const Columns<Subos> shown(columns, request);
	const Supervisor supervisor = Supervisor::open();
	SubosList list;

	for (const std::string &name : supervisor.names()) {
		try {
			const Subos subos = subos_of(supervisor, supervisor.subos(name).status());
			if (shown.takes(subos))
				list.subos.push_back(subos);
		} catch (const Error &error) {
			// Destroyed between the list and the look.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	if (request.wants_names()) {
		std::vector<std::string> names;
		for (const Subos &subos : list.subos)
			names.emplace_back(subos.status.name);
		output.names(names);
	} else {
		output.show(ListView(list, list.subos, shown));
	}
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
	options, 0, 0, run,
};

} // namespace rf
