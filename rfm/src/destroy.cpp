// SPDX-License-Identifier: GPL-2.0
// rfm destroy: give everything back, and look whether it is really back.
#include "cpulist.hpp"
#include "sizes.hpp"
#include "subos.hpp"
#include "verb.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"all", nullptr, "destroy every subOS, the newest first"},
};

// The cores of these that the running kernel does not have online.
std::vector<unsigned> missing_cores(const std::vector<unsigned> &cores)
{
	const Machine machine = read_machine();
	std::vector<unsigned> missing;

	for (const unsigned core : cores) {
		const Cpu *cpu = machine.cpu(core);
		if (!cpu || !cpu->online)
			missing.push_back(core);
	}
	return missing;
}

Json destroy(const Supervisor &supervisor, const std::string &name)
{
	const Partition subos = supervisor.subos(name);
	const rf_status status = subos.status();
	const std::vector<unsigned> cores(status.cpus, status.cpus + status.nr_cpus);
	const rf_destroy answer = subos.destroy();

	const std::vector<std::string> names = supervisor.names();
	if (std::find(names.begin(), names.end(), name) != names.end())
		throw Error(Code::incomplete,
			    text("subOS '", name, "' is still there: try 'rfm destroy ", name,
				 "' again"));
	if (const auto missing = missing_cores(cores); !missing.empty())
		throw Error(Code::incomplete,
			    text("subOS '", name, "' is gone, but of its cores ",
				 format_cpulist(missing), " did not come back online"));
	return {{"name", name},
		{"cores_returned", cores},
		{"memory_returned", answer.memory_returned}};
}

std::string as_text(const Json &result)
{
	std::string lines;

	for (const Json &one : result["destroyed"])
		lines += text("subOS '", one["name"].get<std::string>(), "' is gone: cores ",
			      format_cpulist(one["cores_returned"]), " online again, ",
			      format_size(one["memory_returned"]), " given back\n");
	return lines.empty() ? "there is no subOS\n" : lines;
}

std::vector<std::string> targets(const Request &request, const Supervisor &supervisor)
{
	std::vector<std::string> names;

	if (request.has("all")) {
		names = supervisor.names();
		std::reverse(names.begin(), names.end());
		return names;
	}
	// All must exist before the first is touched.
	for (const std::string &name : request.operands) {
		supervisor.subos(name);
		if (std::find(names.begin(), names.end(), name) == names.end())
			names.push_back(name);
	}
	return names;
}

Code run(const Request &request, Output &output)
{
	if (request.has("all") == !request.operands.empty())
		throw Error(Code::usage, "which subOS? give names, or --all");

	const Supervisor supervisor = Supervisor::open();
	Json destroyed = Json::array();
	std::optional<Error> failure;

	// One that cannot be given back does not keep the others.
	for (const std::string &name : targets(request, supervisor)) {
		output.progress(text("destroy '", name, "' ..."));
		try {
			destroyed.push_back(destroy(supervisor, name));
		} catch (const Error &error) {
			if (!failure)
				failure = error;
		}
	}
	if (failure)
		throw Error(failure->code(), failure->what(), {{"destroyed", destroyed}});
	output.result({{"destroyed", destroyed}}, as_text);
	return Code::ok;
}

} // namespace

const Verb destroy_verb = {
	"destroy", "NAME... | --all",
	"stop subOSes and give everything back",
	"Works in every state, also on a subOS that hangs, crashed or was never started.\n"
	"Reports what came back after looking at it. If something did not, the subOS\n"
	"stays in state 'stopping' and destroy can be called again.",
	options, 0, 1024, run,
};

} // namespace rf
