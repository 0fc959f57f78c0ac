// SPDX-License-Identifier: GPL-2.0
#include "view/event.hpp"

#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/output.hpp"
#include "client/words.hpp"

#include "inspect/kernel_log.hpp"
#include "wire/control.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace rf {

namespace {

constexpr std::size_t date_only = std::char_traits<char>::length("2026-11-21");
constexpr std::size_t date_and_time = std::char_traits<char>::length("2026-11-21T10:02:03.123");

// What a subOS said must stay in its line.
std::string words(const char *field)
{
	return one_line(inspect::printable(field));
}

bool concerns_memory(std::uint32_t type)
{
	return type == RF_EVENT_MEMORY_ADDED || type == RF_EVENT_MEMORY_REMOVED;
}

std::string function_of(const rf_event &event)
{
	return format_bdf(static_cast<std::uint32_t>(event.args[0]));
}

// Of the request whose answer came too late.
const char *request_name(std::uint64_t op)
{
	switch (op) {
	case RF_OP_CORES_ADD: return "cores-add";
	case RF_OP_CORES_REMOVE: return "cores-remove";
	case RF_OP_MEMORY_ADD: return "memory-add";
	case RF_OP_MEMORY_REMOVE: return "memory-remove";
	case RF_OP_STOP: return "stop";
	case RF_OP_PING: return "ping";
	case RF_OP_STATISTICS: return "statistics";
	case RF_OP_WINDOW: return "window";
	case RF_OP_PCI_ADD: return "pci-add";
	case RF_OP_PCI_REMOVE: return "pci-remove";
	default: return "?";
	}
}

std::uint32_t other_id(const rf_event &event)
{
	return static_cast<std::uint32_t>(event.args[1]);
}

void add_particulars(const Event &whole, Json &json)
{
	const rf_event &event = whole.told;
	const std::string detail = whole.detail();

	switch (event.type) {
	case RF_EVENT_CREATED:
		json["memory"] = event.args[0];
		json["cores"] = detail;
		break;
	case RF_EVENT_STATE:
		json["from"] = state_name(static_cast<std::uint32_t>(event.args[0]));
		json["to"] = state_name(static_cast<std::uint32_t>(event.args[1]));
		json["why"] = cause_name(static_cast<std::uint32_t>(event.args[2]));
		json["reason"] = detail;
		break;
	case RF_EVENT_CORES_ADDED:
	case RF_EVENT_CORES_REMOVED:
		json["count"] = event.args[0];
		json["cores"] = detail;
		break;
	case RF_EVENT_CORES_MOVED:
	case RF_EVENT_CORES_BORROWED:
	case RF_EVENT_CORES_RETURNED:
		json["count"] = event.args[0];
		json["cores"] = detail;
		json["other_id"] = other_id(event);
		json["other"] = or_null(whole.other);
		json["other_gone"] = whole.other_is_gone();
		break;
	case RF_EVENT_MEMORY_ADDED:
	case RF_EVENT_MEMORY_REMOVED:
		json["memory"] = event.args[0];
		json["wanted"] = event.args[1];
		break;
	case RF_EVENT_LATE:
		json["request"] = request_name(event.args[0]);
		break;
	case RF_EVENT_POLICY:
		json["does"] = detail;
		break;
	case RF_EVENT_DESTROYED:
		json["memory"] = event.args[0];
		break;
	case RF_EVENT_CONSOLE:
		json["dropped"] = event.args[0];
		break;
	case RF_EVENT_PCI_ADDED:
	case RF_EVENT_PCI_REMOVED:
	case RF_EVENT_PCI_TAKEN:
		json["function"] = function_of(event);
		break;
	case RF_EVENT_PCI_FAULT:
		json["function"] = function_of(event);
		json["address"] = event.args[1];
		json["faults"] = event.args[2];
		break;
	case RF_EVENT_PCI_ERROR:
		json["function"] = function_of(event);
		json["problem"] = detail;
		break;
	case RF_EVENT_CORE_NOT_HELD:
		json["core"] = event.args[0];
		break;
	default:
		json["detail"] = detail;
	}
}

std::string error_of(const Event &event)
{
	return event.told.result ? std::strerror(std::abs(event.told.result)) : "";
}

std::string describe_state_change(const Event &event)
{
	const auto &args = event.told.args;
	std::string line = text(state_name(static_cast<std::uint32_t>(args[0])), " -> ",
				state_name(static_cast<std::uint32_t>(args[1])));

	if (args[2] != RF_CAUSE_NONE)
		line += text(" (", cause_name(static_cast<std::uint32_t>(args[2])), ")");
	if (!event.detail().empty())
		line += ": " + event.detail();
	return line;
}

std::string describe_other(const Event &event)
{
	const std::uint32_t id = other_id(event.told);

	if (!names_another(event.told.type))
		return "";
	if (id == 0)
		return " to the supervisor";
	if (!event.other)
		return text(" to a subOS that is gone, id ", id);
	return text(" to '", *event.other, "'", event.other_is_gone() ? " (gone)" : "");
}

// Of what is no adjustment.
std::string describe_particulars(const Event &event)
{
	const auto &args = event.told.args;

	switch (event.told.type) {
	case RF_EVENT_CREATED:
		return text("cores ", event.detail(), ", ", format_size(args[0]));
	case RF_EVENT_STATE: return describe_state_change(event);
	case RF_EVENT_LATE:
		return text(request_name(args[0]), " was answered too late and undone");
	case RF_EVENT_DESTROYED: return format_size(args[0]) + " given back";
	case RF_EVENT_CONSOLE: return text(args[0], " bytes dropped in all");
	case RF_EVENT_PCI_FAULT:
		return text(function_of(event.told), " attempted DMA to 0x", std::hex, args[1],
			    std::dec, " and was blocked, ", args[2], " times so far");
	case RF_EVENT_PCI_ERROR: return function_of(event.told) + " " + event.detail();
	case RF_EVENT_CORE_NOT_HELD:
		return text("core ", args[0], " does not react to INIT");
	default: return event.detail();
	}
}

std::string format_timestamp(std::uint64_t realtime_ns)
{
	const std::time_t seconds = static_cast<std::time_t>(realtime_ns / 1'000'000'000u);
	std::tm local{};
	char date[32], whole[64];

	::localtime_r(&seconds, &local);
	const long offset = std::labs(local.tm_gmtoff) / 60;
	std::strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &local);
	std::snprintf(whole, sizeof(whole), "%s.%03" PRIu64 "%c%02ld:%02ld", date,
		      realtime_ns / 1'000'000u % 1000u, local.tm_gmtoff < 0 ? '-' : '+',
		      offset / 60, offset % 60);
	return whole;
}

const Column<Event> columns[] = {
	{"time", "TIME", [](const Event &event) { return event.timestamp(); },
	 [](const Event &event) { return format_time(event.told.time_ns); }},
	{"name", "SUBOS", [](const Event &event) { return event.name(); }},
	{"event", "WHAT",
	 [](const Event &event) { return std::string(event_name(event.told.type)); }},
	{"amount", "AMOUNT", describe_amount},
	{"took", "TOOK", [](const Event &event) { return plain_seconds(event.duration_seconds()); },
	 [](const Event &event) { return format_seconds(event.duration_seconds()); }},
	{"result", "RESULT", describe_result},
	{"sequence", "SEQUENCE",
	 [](const Event &event) { return std::to_string(event.told.sequence); }, nullptr, false},
	{"id", "ID", [](const Event &event) { return std::to_string(event.told.id); }, nullptr,
	 false},
	{"cause", "CAUSE",
	 [](const Event &event) { return std::string(cause_name(event.told.cause)); }, nullptr,
	 false},
	{"description", "DESCRIPTION", describe_event, nullptr, false},
};

} // namespace

std::span<const Column<Event>> event_columns()
{
	return columns;
}

std::string Event::name() const
{
	return words(told.name);
}

std::string Event::detail() const
{
	return words(told.detail);
}

std::string Event::timestamp() const
{
	return format_timestamp(told.time_ns);
}

bool Event::is_adjustment() const
{
	const std::uint32_t type = told.type;

	return (type >= RF_EVENT_CORES_ADDED && type <= RF_EVENT_CORES_RETURNED) ||
	       (type >= RF_EVENT_PCI_ADDED && type <= RF_EVENT_PCI_TAKEN);
}

bool Event::is_partial() const
{
	return concerns_memory(told.type) && told.args[0] < told.args[1];
}

bool Event::other_is_gone() const
{
	return names_another(told.type) && other_id(told) != 0 && !other_lives;
}

Event name_event(const rf_event &told, const SubosNames &names)
{
	Event event{told};

	if (names_another(told.type)) {
		event.other = names.find(other_id(told));
		event.other_lives = !names.is_gone(other_id(told));
	}
	return event;
}

std::string format_time(std::uint64_t realtime_ns)
{
	std::string time = format_timestamp(realtime_ns);

	time.resize(date_and_time);
	time[date_only] = ' ';
	return time;
}

void to_json(Json &json, const Event &event)
{
	const rf_event &told = event.told;

	json = {{"sequence", told.sequence},
		{"time", event.timestamp()},
		// Beyond 2^53: always a string, whatever the clock says.
		{"time_ns", std::to_string(told.time_ns)},
		{"name", event.name()},
		{"id", told.id},
		{"event", event_name(told.type)},
		{"cause", cause_name(told.cause)}};
	if (event.is_adjustment() || told.duration_ns)
		json["duration_seconds"] = event.duration_seconds();
	if (event.is_adjustment())
		json["partial"] = event.is_partial();
	json["result"] = told.result;
	if (told.result)
		json["error"] = error_of(event);
	add_particulars(event, json);
}

std::string to_text(const Event &event)
{
	char name[RF_NAME_MAX + 1];

	std::snprintf(name, sizeof(name), "%-12s", event.name().c_str());
	return text(format_time(event.told.time_ns), "  ", name, "  ", describe_event(event), "\n");
}

std::string describe_amount(const Event &event)
{
	const auto &args = event.told.args;

	switch (event.told.type) {
	case RF_EVENT_MEMORY_ADDED:
	case RF_EVENT_MEMORY_REMOVED:
		return args[0] == args[1]
			       ? format_size(args[0])
			       : text(format_size(args[0]), " of ", format_size(args[1]));
	case RF_EVENT_PCI_ADDED:
	case RF_EVENT_PCI_REMOVED:
	case RF_EVENT_PCI_TAKEN: return function_of(event.told);
	case RF_EVENT_CORES_ADDED:
	case RF_EVENT_CORES_REMOVED:
	case RF_EVENT_CORES_MOVED:
	case RF_EVENT_CORES_BORROWED:
	case RF_EVENT_CORES_RETURNED: break;
	default: return "";
	}
	return (event.detail().empty() ? text(args[0], " cores") : event.detail()) +
	       describe_other(event);
}

std::string describe_result(const Event &event)
{
	if (event.told.result)
		return error_of(event);
	return event.is_partial() ? "in part" : "ok";
}

std::string describe_event(const Event &event)
{
	const std::string kind = event_name(event.told.type), error = error_of(event);

	if (event.is_adjustment())
		return text(kind, ": ", describe_amount(event), ", ",
			    format_seconds(event.duration_seconds()), ", ", describe_result(event));
	const std::string rest = describe_particulars(event);
	return kind + (rest.empty() ? "" : ": " + rest) + (error.empty() ? "" : " (" + error + ")");
}

std::vector<Event> select_events(const Supervisor &supervisor, const std::vector<rf_event> &events,
				 const std::string &name)
{
	std::vector<Event> selected;
	SubosNames names;

	names.look(supervisor, events);
	for (const rf_event &event : events)
		if (name.empty() || name == event.name)
			selected.push_back(name_event(event, names));
	// Events outlive their subOS: only a name that nobody ever had is an error.
	if (selected.empty() && !name.empty())
		supervisor.subos(name);
	return selected;
}

} // namespace rf
