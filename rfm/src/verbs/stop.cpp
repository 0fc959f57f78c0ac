// SPDX-License-Identifier: GPL-2.0
// rfm stop: ask subOSes to go down, and wait until they did.
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "operations/stop_operation.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"timeout", "TIME", "how long to wait until all of them have stopped (default 60s)"},
	{"force", nullptr, "hold the cores of one that does not end in time or cannot be asked"},
};

struct StopResult {
	std::vector<Stopped> stopped;
};

void to_json(Json &json, const StopResult &result)
{
	json = {{"stopped", result.stopped}};
}

std::string to_text(const StopResult &result)
{
	std::string lines;

	for (const Stopped &stopped : result.stopped)
		lines += to_text(stopped);
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

Code run(const Request &request, Output &output)
{
	StopOptions wanted;
	wanted.timeout = time_limit(request, wanted.timeout);
	wanted.force = request.has("force");

	const Supervisor supervisor = Supervisor::open();
	StopResult result;
	std::vector<std::string> names;
	std::vector<Failure> failures;

	catch_interrupts();
	for (const StopOutcome &outcome : stop_all(targets(request, supervisor), wanted, output)) {
		if (outcome.failure) {
			failures.push_back({outcome.name, *outcome.failure});
			continue;
		}
		result.stopped.push_back(*outcome.stopped);
		names.push_back(outcome.name);
	}
	// What was stopped is a result for people, even if something else was not.
	if (request.wants_names())
		output.names(names);
	else if (failures.empty() || (!request.json && !result.stopped.empty()))
		output.result(result);
	if (!failures.empty())
		throw SeveralErrors(std::move(failures), {{"stopped", result.stopped}});
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
	true,
};

} // namespace rf
