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
	{"timeout", "S", "seconds to wait until it has stopped (default 60)"},
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

Code run(const Request &request, Output &output)
{
	StopOptions wanted;
	wanted.timeout = parse_seconds(request, "timeout", 0, wanted.timeout);
	wanted.force = request.has("force");

	const Supervisor supervisor = Supervisor::open();
	Json stopped = Json::array();
	std::vector<StopOperation> under_way;
	std::optional<Error> failure;
	// One that cannot be stopped does not keep the others.
	const auto attempt = [&](const auto &step) {
		try {
			step();
		} catch (const Error &error) {
			if (!failure)
				failure = error;
		}
	};

	catch_interrupts();
	for (Partition &subos : targets(request, supervisor))
		attempt([&] { under_way.emplace_back(std::move(subos), wanted); });
	for (StopOperation &one : under_way)
		attempt([&] { stopped.push_back(one.await(output)); });
	if (failure)
		throw Error(failure->code(), failure->what(), {{"stopped", stopped}});
	output.result({{"stopped", stopped}}, as_text);
	return Code::ok;
}

} // namespace

const Verb stop_verb = {
	"stop",
	"NAME...",
	"ask subOSes to go down",
	"Asks the agent of each subOS for an orderly power-off and waits for its end. It\n"
	"keeps its cores and its memory: 'rfm start' starts it again, 'rfm destroy' gives\n"
	"everything back. With --force, one that hangs, has no agent or does not end in\n"
	"time is stopped all the same, without warning: its cores are held. One that is not\n"
	"running is left as it is.",
	options,
	1,
	1024,
	run,
};

} // namespace rf
