// SPDX-License-Identifier: GPL-2.0
// rfm history: the adjustments of cores, memory and PCI functions, with how long each took.
#include "cli/columns.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"

namespace rf {

namespace {

struct History {
	std::uint32_t lost = 0;	// older events
	std::vector<Event> adjustments;
};

void to_json(Json &json, const History &history)
{
	json = {{"lost", history.lost}, {"history", history.adjustments}};
}

constexpr Option options[] = {columns_option, filter_option};

Code run(const Request &request, Output &output)
{
	const Columns<Event> shown(event_columns(), request);
	const Supervisor supervisor = Supervisor::open();
	const std::string name = request.operands.empty() ? "" : request.operands[0];
	const Events events = supervisor.events(0);
	History history{events.lost, select_events(supervisor, events.list, name)};

	std::erase_if(history.adjustments, [&](const Event &event) {
		return !event.is_adjustment() || !shown.takes(event);
	});
	if (events.lost && !request.json)
		output.note(text(events.lost, " older events are no longer kept"));
	output.show(ListView(history, history.adjustments, shown));
	return Code::ok;
}

} // namespace

const Verb history_verb = {
	"history", "[NAME]",
	"show past changes of cores, memory and PCI functions",
	"Shows what was added, removed, moved, borrowed and returned, oldest first, how\n"
	"long each took and how it ended. 'rfm events' shows everything that happened.",
	options, 0, 1, run,
};

} // namespace rf
