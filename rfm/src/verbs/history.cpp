// SPDX-License-Identifier: GPL-2.0
// rfm history: the adjustments of cores, memory and PCI functions, with how long each took.
#include "base/sizes.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"

namespace rf {

namespace {

std::string as_text(const Json &result)
{
	Table table({"TIME", "SUBOS", "WHAT", "AMOUNT", "TOOK", "RESULT"});

	for (const Json &event : result["history"])
		table.add({display_time(event["time"]), event["name"], event["event"], describe_amount(event),
			   format_seconds(event["duration_seconds"]), describe_result(event)});
	return table.str();
}

Code run(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	const std::string name = request.operands.empty() ? "" : request.operands[0];
	Events events = supervisor.events(0);
	Json result = {{"lost", events.lost}, {"history", Json::array()}};

	for (const rf_event &event : select_events(supervisor, std::move(events.list), name))
		if (is_adjustment(event.type))
			result["history"].push_back(event_json(event));
	if (events.lost && !request.json)
		output.note(text(events.lost, " older events are no longer kept"));
	output.result(result, as_text);
	return Code::ok;
}

} // namespace

const Verb history_verb = {
	"history", "[NAME]",
	"show past changes of cores, memory and PCI functions",
	"Shows what was added, removed, moved, borrowed and returned, oldest first, how\n"
	"long each took and how it ended. 'rfm events' shows everything that happened.",
	{}, 0, 1, run,
};

} // namespace rf
