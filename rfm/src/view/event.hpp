// SPDX-License-Identifier: GPL-2.0
// Events of the module as result models and as text.
#pragma once

#include "client/supervisor.hpp"

namespace rf {

// A resize, move, loan or return, and what became of it.
bool is_adjustment(std::uint32_t type);

// Everything that the event tells, in words and plain numbers.
Json event_json(const rf_event &event);

// "2026-11-21T10:02:03.123+01:00" (RFC 3339), local time.
std::string format_timestamp(std::uint64_t realtime_ns);

// Such a timestamp for people: "2026-11-21 10:02:03.123".
std::string display_time(std::string timestamp);

// Both: local time for people.
std::string format_time(std::uint64_t realtime_ns);

// Of an adjustment's model: "4-5", "256M of 512M".
std::string describe_amount(const Json &event);

// "ok", "in part", or what went wrong.
std::string describe_result(const Json &event);

// The event in one line without time and name: "memory-added: 512M, 0.102 s, ok".
std::string describe_event(const Json &event);

// The events with this subOS's name ("": all). Throws Error(no_such_subos) if there is
// none and no such subOS either.
std::vector<rf_event> select_events(const Supervisor &supervisor, std::vector<rf_event> events,
				    const std::string &name);

} // namespace rf
