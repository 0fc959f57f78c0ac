// SPDX-License-Identifier: GPL-2.0
// rfm list: one line per subOS.
#include "cpulist.hpp"
#include "sizes.hpp"
#include "subos.hpp"
#include "verb.hpp"

namespace rf {

namespace {

std::string as_text(const Json &result)
{
	Table table({"NAME", "STATE", "CORES", "APIC", "MEM", "UPTIME", "CAUSE"});

	for (const Json &subos : result["subos"]) {
		const double uptime = subos["uptime_seconds"];
		const std::string cause = subos["cause"];
		table.add({subos["name"], subos["state"], format_cpulist(subos["cores"]),
			   format_cpulist(subos["apic_ids"]), format_size(subos["memory"]),
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
			list.push_back(subos_json(supervisor.subos(name).status()));
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
	"Shows name, state, logical cores and their APIC ids, memory, time since the\n"
	"kernel was entered, and why a subOS is not running any more.",
	{}, 0, 0, run,
};

} // namespace rf
