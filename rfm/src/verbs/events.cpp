// SPDX-License-Identifier: GPL-2.0
// rfm events: what happened to subOSes, as it happens if wanted.
#include "base/name.hpp"
#include "cli/columns.hpp"
#include "cli/interrupt.hpp"
#include "cli/moment.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"follow", nullptr, "keep printing new events until Ctrl-C"},
	{"since", "TIME",
	 "only events from then on: 2026-11-28T10:02:03+01:00, 2026-11-28, 10m (ago) or today"},
	columns_option,
	filter_option,
};

struct EventList {
	std::uint32_t lost = 0;	// older ones
	std::vector<Event> events;
};

void to_json(Json &json, const EventList &list)
{
	json = {{"lost", list.lost}, {"events", list.events}};
}

// Which events are printed and what of them: their usual lines, or the columns asked for.
class Lines {
public:
	explicit Lines(const Request &request) : columns_(event_columns(), request)
	{
		if (const auto since = request.value("since"))
			since_ = parse_moment("since", *since, realtime_ns());
	}

	std::uint64_t since() const { return since_; }
	bool takes(const Event &event) const
	{
		return event.told.time_ns >= since_ && columns_.takes(event);
	}
	std::string text_of(const Event &event) const
	{
		std::string line;

		if (!columns_.chosen())
			return to_text(event);
		for (const std::string &cell : columns_.cells(event))
			line += (line.empty() ? "" : "  ") + one_line(cell);
		return line + '\n';
	}
	std::string text_of(const std::vector<Event> &events) const
	{
		std::string lines;

		if (columns_.chosen())
			return columns_.table(events);
		for (const Event &event : events)
			lines += to_text(event);
		return lines;
	}
	const Columns<Event> &columns() const { return columns_; }

private:
	const Columns<Event> columns_;
	std::uint64_t since_ = 0;
};

class EventListView final : public View {
public:
	EventListView(const EventList &list, const Lines &lines) : list_(list), lines_(lines) {}
	Json json() const override
	{
		Json json;
		to_json(json, list_);
		return json;
	}
	std::string text() const override { return lines_.text_of(list_.events); }
	std::string csv() const override { return lines_.columns().csv(list_.events); }

private:
	const EventList &list_;
	const Lines &lines_;
};

// One of a stream; before the first, CSV has the names of the columns.
class EventView final : public View {
public:
	EventView(const Event &event, const Lines &lines, bool first)
		: event_(event), lines_(lines), first_(first) {}
	Json json() const override
	{
		Json json;
		to_json(json, event_);
		return json;
	}
	std::string text() const override { return lines_.text_of(event_); }
	std::string csv() const override
	{
		const Columns<Event> &columns = lines_.columns();
		return (first_ ? columns.csv_head() : "") + columns.csv(event_);
	}

private:
	const Event &event_;
	const Lines &lines_;
	const bool first_;
};

// Those that are not kept any more are older than those that are: nothing is missing if one of
// these is too old, too.
void tell_lost(const Events &events, std::uint64_t since, Output &output)
{
	if (events.lost && (events.list.empty() || events.list.front().time_ns >= since))
		output.note(text(events.lost, " older events are no longer kept"));
}

void wait(const Supervisor &supervisor)
{
	pollfd entries[] = {{supervisor.fd(), POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};

	if (::poll(entries, std::size(entries), -1) < 0 && errno != EINTR)
		throw Error(Code::internal, text("poll: ", std::strerror(errno)));
}

void follow(const Supervisor &supervisor, const std::string &name, const Lines &lines,
	    Output &output)
{
	std::uint64_t after = 0;
	SubosNames names;
	bool first = true;

	// Who waits for a subOS to be created names it before it is there.
	if (!name.empty())
		check_name(name);
	catch_interrupts();
	while (!interrupted()) {
		const Events events = supervisor.events(after);
		tell_lost(events, lines.since(), output);
		names.look(supervisor, events.list);
		for (const rf_event &told : events.list) {
			const Event event = name_event(told, names);
			after = told.sequence;
			if ((!name.empty() && name != told.name) || !lines.takes(event))
				continue;
			output.show_item(EventView(event, lines, std::exchange(first, false)));
		}
		if (events.list.empty())
			wait(supervisor);
	}
}

Code run(const Request &request, Output &output)
{
	const Lines lines(request);
	const Supervisor supervisor = Supervisor::open();
	const std::string name = request.operands.empty() ? "" : request.operands[0];

	if (request.has("follow")) {
		follow(supervisor, name, lines, output);
		return Code::ok;
	}
	const Events events = supervisor.events(0);
	EventList list{events.lost, select_events(supervisor, events.list, name)};
	std::erase_if(list.events, [&](const Event &event) { return !lines.takes(event); });
	if (!request.json)
		tell_lost(events, lines.since(), output);
	output.show(EventListView(list, lines));
	return Code::ok;
}

} // namespace

const Verb events_verb = {
	"events", "[NAME]",
	"show what happened to subOSes",
	"Shows the events that the supervisor keeps, oldest first: creations, changes of\n"
	"state, adjustments, what policies did. A TIME without offset is local time; 10m, 2h or\n"
	"1d are so long ago. With --follow and --json there is one JSON object per line.",
	options, 0, 1, run,
};

} // namespace rf
