// SPDX-License-Identifier: GPL-2.0
// Events of the module as results: events, history, and the stream of both are rows of these.
#pragma once

#include "base/error.hpp"
#include "cli/columns.hpp"
#include "view/subos_names.hpp"

namespace rf {

// One that the module told, in words.
struct Event {
	rf_event told{};
	std::optional<std::string> other{};	// who got cores, if anybody knows the name
	bool other_lives = false;

	std::string name() const;	// of the subOS
	std::string detail() const;
	std::string timestamp() const;	// "2026-11-21T10:02:03.123+01:00" (RFC 3339), local time
	bool is_adjustment() const;	// a resize, move, loan or return, and what became of it
	bool is_partial() const;	// less was done than wanted
	bool other_is_gone() const;
	double duration_seconds() const { return static_cast<double>(told.duration_ns) / 1e9; }
};

// With names for the ids in it.
Event name_event(const rf_event &told, const SubosNames &names);

// Everything that the event tells, in words and plain numbers.
void to_json(Json &json, const Event &event);
// A line: events come one by one, so columns cannot wait for the widest name.
std::string to_text(const Event &event);

// What --columns and --filter know of.
std::span<const Column<Event>> event_columns();

// "2026-11-21 10:02:03.123": local time for people.
std::string format_time(std::uint64_t realtime_ns);

// Of an adjustment: "4-5", "4-5 to 'db'", "256M of 512M".
std::string describe_amount(const Event &event);

// "ok", "in part", or what went wrong.
std::string describe_result(const Event &event);

// The event in one line without time and name: "memory-added: 512M, 0.102 s, ok".
std::string describe_event(const Event &event);

// The events with this subOS's name ("": all). Throws Error(no_such_subos) if there is
// none and no such subOS either.
std::vector<Event> select_events(const Supervisor &supervisor, const std::vector<rf_event> &events,
				 const std::string &name);

} // namespace rf
