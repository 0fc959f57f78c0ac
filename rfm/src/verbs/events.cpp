// SPDX-License-Identifier: GPL-2.0
// rfm events: what happened to subOSes, as it happens if wanted.
#include "base/name.hpp"
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>

#include <poll.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"follow", nullptr, "keep printing new events until Ctrl-C"},
};

std::string event_text(const Json &event)
{
	char name[RF_NAME_MAX + 1];

	// Events come one by one: columns cannot wait for the widest name.
	std::snprintf(name, sizeof(name), "%-12s", event["name"].get<std::string>().c_str());
	return text(display_time(event["time"]), "  ", name, "  ", describe_event(event),
		    "\n");
}

std::string events_text(const Json &result)
{
	std::string lines;

	for (const Json &event : result["events"])
		lines += event_text(event);
	return lines;
}

void tell_lost(std::uint32_t lost, Output &output)
{
	if (lost)
		output.note(text(lost, " older events are no longer kept"));
}

void wait(const Supervisor &supervisor)
{
	pollfd entries[] = {{supervisor.fd(), POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};

	if (::poll(entries, std::size(entries), -1) < 0 && errno != EINTR)
		throw Error(Code::internal, text("poll: ", std::strerror(errno)));
}

void follow(const Supervisor &supervisor, const std::string &name, Output &output)
{
	std::uint64_t after = 0;

	// Who waits for a subOS to be created names it before it is there.
	if (!name.empty())
		check_name(name);
	catch_interrupts();
	while (!interrupted()) {
		const Events events = supervisor.events(after);
		tell_lost(events.lost, output);
		for (const rf_event &event : events.list) {
			after = event.sequence;
			if (name.empty() || name == event.name)
				output.item(event_json(event), event_text);
		}
		if (events.list.empty())
			wait(supervisor);
	}
}

Code run(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	const std::string name = request.operands.empty() ? "" : request.operands[0];

	if (request.has("follow")) {
		follow(supervisor, name, output);
		return Code::ok;
	}
	Events events = supervisor.events(0);
	Json result = {{"lost", events.lost}, {"events", Json::array()}};
	for (const rf_event &event : select_events(supervisor, std::move(events.list), name))
		result["events"].push_back(event_json(event));
	if (!request.json)
		tell_lost(events.lost, output);
	output.result(result, events_text);
	return Code::ok;
}

} // namespace

const Verb events_verb = {
	"events", "[NAME]",
	"show what happened to subOSes",
	"Shows the events that the supervisor keeps, oldest first: creations, changes of\n"
	"state, adjustments, what policies did. With --follow and --json there is one JSON\n"
	"object per line.",
	options, 0, 1, run,
};

} // namespace rf
