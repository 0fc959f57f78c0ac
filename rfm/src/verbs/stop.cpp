// SPDX-License-Identifier: GPL-2.0
// rfm stop: ask subOSes to go down, and wait until they did.
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "operations/stop_operation.hpp"
#include "plan/create_options.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"timeout", "S", "seconds until all of them have to have stopped (default 60)"},
	{"force", nullptr, "hold the cores of one that does not end in time or cannot be asked"},
};

std::string as_text(const Json &result)
{
	std::string lines;

	for (const Json &stopped : result["stopped"])
		lines += stopped_line(stopped);
	return lines;
}

// All must exist before the first is asked.
std::vector<Partition> targets(const Request &request, const Supervisor &supervisor)
{
	std::vector<std::string> names;
	std::vector<Partition> subos;

	for (const std::string &name : request.operands) {
		if (std::find(names.begin(), names.end(), name) != names.end())
			continue;
		names.push_back(name);
		subos.push_back(supervisor.subos(name));
	}
	return subos;
}

Json failure_json(const StopOutcome &outcome)
{
	const Error &error = *outcome.failure;

	return {{"name", outcome.name},
		{"code", static_cast<int>(error.code())},
		{"kind", exit_code(error.code()).kind},
		{"message", one_line(error.what())}};
}

Code run(const Request &request, Output &output)
{
	StopOptions wanted;
	wanted.timeout = parse_seconds(request, "timeout", 0, wanted.timeout);
	wanted.force = request.has("force");

	const Supervisor supervisor = Supervisor::open();
	Json stopped = Json::array(), failed = Json::array();
	std::optional<Error> first;

	catch_interrupts();
	for (const StopOutcome &outcome : stop_all(targets(request, supervisor), wanted, output)) {
		if (!outcome.failure) {
			stopped.push_back(outcome.stopped);
			continue;
		}
		failed.push_back(failure_json(outcome));
		if (!first)
			first = outcome.failure;
	}
	// What was stopped is a result for people, even if something else was not.
	if (!first || (!request.json && !stopped.empty()))
		output.result({{"stopped", stopped}}, as_text);
	if (first)
		throw Error(first->code(), first->what(),
			    {{"stopped", stopped}, {"failed", failed}});
	return Code::ok;
}

} // namespace

const Verb stop_verb = {
	"stop",
	"NAME...",
	"ask subOSes to go down",
	"Asks the agent of each subOS for an orderly power-off and waits for its end. It\n"
	"keeps its cores and its memory: 'rfm start' starts it again, 'rfm destroy' gives\n"
	"everything back. --timeout is for all of them together, and each that did not end\n"
	"has its line. With --force, one that hangs, has no agent or does not end in\n"
	"time is stopped all the same, without warning: its cores are held. One that is not\n"
	"running is left as it is.",
	options,
	1,
	1024,
	run,
};

} // namespace rf
