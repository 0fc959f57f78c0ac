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

void add_particulars(const rf_event &event, Json &json)
{
	const std::string detail = words(event.detail);

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
		json["other_id"] = event.args[1];
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

std::string string_of(const Json &event, const char *key)
{
	return event.value(key, "");
}

std::string describe_state_change(const Json &event)
{
	std::string line = string_of(event, "from") + " -> " + string_of(event, "to");

	if (string_of(event, "why") != "none")
		line += " (" + string_of(event, "why") + ")";
	if (!string_of(event, "reason").empty())
		line += ": " + string_of(event, "reason");
	return line;
}

} // namespace

bool is_adjustment(std::uint32_t type)
{
	return (type >= RF_EVENT_CORES_ADDED && type <= RF_EVENT_CORES_RETURNED) ||
	       (type >= RF_EVENT_PCI_ADDED && type <= RF_EVENT_PCI_TAKEN);
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

std::string display_time(std::string timestamp)
{
	timestamp.resize(date_and_time);
	timestamp[date_only] = ' ';
	return timestamp;
}

std::string format_time(std::uint64_t realtime_ns)
{
	return display_time(format_timestamp(realtime_ns));
}

Json event_json(const rf_event &event)
{
	Json json = {{"sequence", event.sequence},
		     {"time", format_timestamp(event.time_ns)},
		     // Beyond 2^53: always a string, whatever the clock says.
		     {"time_ns", std::to_string(event.time_ns)},
		     {"name", words(event.name)},
		     {"id", event.id},
		     {"event", event_name(event.type)},
		     {"cause", cause_name(event.cause)}};

	if (is_adjustment(event.type) || event.duration_ns)
		json["duration_seconds"] = static_cast<double>(event.duration_ns) / 1e9;
	if (is_adjustment(event.type))
		json["partial"] = concerns_memory(event.type) && event.args[0] < event.args[1];
	json["result"] = event.result;
	if (event.result)
		json["error"] = std::strerror(std::abs(event.result));
	add_particulars(event, json);
	return json;
}

std::string describe_amount(const Json &event)
{
	if (event.contains("wanted")) {
		const std::uint64_t done = event["memory"], wanted = event["wanted"];
		return done == wanted ? format_size(done)
				      : text(format_size(done), " of ", format_size(wanted));
	}
	if (event.contains("function"))
		return string_of(event, "function");
	const std::string cores = string_of(event, "cores");
	const std::string other =
		event.contains("other_id") ? text(" to id ", event["other_id"]) : std::string();
	return (cores.empty() ? text(event["count"], " cores") : cores) + other;
}

std::string describe_result(const Json &event)
{
	if (event.contains("error"))
		return string_of(event, "error");
	return event.value("partial", false) ? "in part" : "ok";
}

std::string describe_event(const Json &event)
{
	const std::string kind = string_of(event, "event");
	const auto with = [&](const std::string &rest) {
		const std::string error = string_of(event, "error");
		return kind + (rest.empty() ? "" : ": " + rest) +
		       (error.empty() ? "" : " (" + error + ")");
	};

	if (event.contains("partial"))
		return text(kind, ": ", describe_amount(event), ", ",
			    format_seconds(event["duration_seconds"]), ", ",
			    describe_result(event));
	if (event.contains("faults"))
		return with(text(string_of(event, "function"), " attempted DMA to 0x", std::hex,
				 event["address"].get<std::uint64_t>(), std::dec,
				 " and was blocked, ", event["faults"], " times so far"));
	if (event.contains("core"))
		return with(text("core ", event["core"], " does not react to INIT"));
	if (event.contains("problem"))
		return with(string_of(event, "function") + " " + string_of(event, "problem"));
	if (event.contains("from"))
		return with(describe_state_change(event));
	if (event.contains("request"))
		return with(string_of(event, "request") + " was answered too late and undone");
	if (event.contains("does"))
		return with(string_of(event, "does"));
	if (event.contains("dropped"))
		return with(text(event["dropped"], " bytes dropped in all"));
	if (event.contains("cores"))
		return with(text("cores ", string_of(event, "cores"), ", ",
				 format_size(event["memory"])));
	if (event.contains("memory"))
		return with(format_size(event["memory"]) + " given back");
	return with(string_of(event, "detail"));
}

std::vector<rf_event> select_events(const Supervisor &supervisor, std::vector<rf_event> events,
				    const std::string &name)
{
	if (name.empty())
		return events;
	std::erase_if(events, [&](const rf_event &event) { return name != event.name; });
	// Events outlive their subOS: only a name that nobody ever had is an error.
	if (events.empty())
		supervisor.subos(name);
	return events;
}

} // namespace rf
