// SPDX-License-Identifier: GPL-2.0
// rfm wait: until subOSes came into certain states.
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "operations/await_states.hpp"
#include "plan/create_options.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"for", "STATE", "state to wait for, as 'rfm list' shows them, or gone; repeatable", false,
	 true},
	{"timeout", "TIME", "how long until all of them have to be there (default: no limit)"},
};

struct Waited {
	std::vector<Arrival> arrived;
};

void to_json(Json &json, const Waited &waited)
{
	json = {{"arrived", waited.arrived}};
}

std::string to_text(const Waited &waited)
{
	std::string lines;

	for (const Arrival &arrival : waited.arrived)
		lines += text("subOS '", arrival.name, "' is ", arrival.state, " after ",
			      format_seconds(arrival.seconds), "\n");
	return lines;
}

Code run(const Request &request, Output &output)
{
	const auto states = request.value("for");
	if (!states)
		throw Error(Code::usage, "--for is missing: give for example --for running");

	AwaitOptions wanted{parse_states(*states), std::nullopt};
	if (request.has("timeout"))
		wanted.timeout = time_limit(request, {});
	std::vector<std::string> names;
	for (const std::string &name : request.operands)
		if (std::find(names.begin(), names.end(), name) == names.end())
			names.push_back(name);

	const Supervisor supervisor = Supervisor::open();
	catch_interrupts();
	output.result(Waited{await_states(supervisor, names, wanted, output)});
	return Code::ok;
}

} // namespace

const Verb wait_verb = {
	"wait",
	"NAME...",
	"wait until subOSes are in a state",
	"Returns when each of the subOSes was in one of the states, at the start or since:\n"
	"defined, loaded, booting, running, stopping, stopped, crashed, lost, or gone, which is\n"
	"that there is none of this name. One that is not there yet is waited for with --for\n"
	"running. Ends with exit code 10 as soon as one of them cannot come there any more,\n"
	"because it ended and no policy starts it again, or was destroyed, and with 13 when\n"
	"the time is over.",
	options,
	1,
	1024,
	run,
};

} // namespace rf
