// SPDX-License-Identifier: GPL-2.0
#include "view/event.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace {

using namespace rf;

rf_event make_event(rf_event_type type, std::initializer_list<std::uint64_t> args,
		    const char *detail = "")
{
	rf_event event{};
	int i = 0;

	event.sequence = 9;
	event.time_ns = 1'795'000'000'123'456'789;
	event.duration_ns = 34'000'000;
	event.id = 3;
	event.type = type;
	event.cause = RF_CAUSE_OPERATOR;
	for (const std::uint64_t argument : args)
		event.args[i++] = argument;
	std::strcpy(event.name, "web");
	std::strcpy(event.detail, detail);
	return event;
}

Event make_event_of(rf_event_type type)
{
	return {make_event(type, {})};
}

std::string words_of(const rf_event &event)
{
	return describe_event(Event{event});
}

TEST(Event, IsDescribedByItsKind)
{
	EXPECT_EQ(words_of(make_event(RF_EVENT_CREATED, {512 << 20}, "2-3")),
		  "created: cores 2-3, 512M");
	EXPECT_EQ(words_of(make_event(RF_EVENT_STATE,
				      {RF_STATE_RUNNING, RF_STATE_CRASHED, RF_CAUSE_PANIC},
				      "Fatal exception")),
		  "state: running -> crashed (panic): Fatal exception");
	EXPECT_EQ(words_of(make_event(RF_EVENT_CORES_ADDED, {2}, "4-5")),
		  "cores-added: 4-5, 0.034 s, ok");
	EXPECT_EQ(words_of(make_event(RF_EVENT_CORES_BORROWED, {1, 4}, "6")),
		  "cores-borrowed: 6 to a subOS that is gone, id 4, 0.034 s, ok");
	EXPECT_EQ(words_of(make_event(RF_EVENT_LATE, {4})),
		  "late: memory-add was answered too late and undone");
	EXPECT_EQ(words_of(make_event(RF_EVENT_POLICY, {}, "restart 1 of 3")),
		  "policy: restart 1 of 3");
	EXPECT_EQ(words_of(make_event(RF_EVENT_DESTROYED, {1 << 30})), "destroyed: 1G given back");
	EXPECT_EQ(words_of(make_event(RF_EVENT_CONSOLE, {77})), "console: 77 bytes dropped in all");
	EXPECT_EQ(words_of(make_event(RF_EVENT_PCI_ADDED, {RF_BDF(0, 1, 0)}, "0000:01:00.0")),
		  "pci-added: 0000:01:00.0, 0.034 s, ok");
	EXPECT_EQ(words_of(make_event(RF_EVENT_PCI_FAULT, {RF_BDF(0, 1, 0), 0x1000, 3})),
		  "pci-fault: 0000:01:00.0 attempted DMA to 0x1000 and was blocked, 3 times so far");
	EXPECT_EQ(words_of(make_event(RF_EVENT_CORE_NOT_HELD, {3})),
		  "core-not-held: core 3 does not react to INIT");
	EXPECT_EQ(words_of(make_event(RF_EVENT_PCI_ERROR, {RF_BDF(0, 1, 0)}, "unplugged")),
		  "pci-error: 0000:01:00.0 unplugged");
	EXPECT_EQ(words_of(make_event(static_cast<rf_event_type>(99), {}, "new")), "?: new");
}

// Names can be given again, ids are not.
TEST(Event, NamesTheOtherSubos)
{
	SubosNames names;
	rf_event other = make_event(RF_EVENT_CREATED, {});
	const auto amount_to = [&](std::uint64_t id) {
		return describe_amount(
			name_event(make_event(RF_EVENT_CORES_MOVED, {1, id}, "6"), names));
	};

	other.id = 4;
	std::strcpy(other.name, "db");
	names.learn({other});
	names.set_living({{5, "db"}});
	EXPECT_EQ(amount_to(5), "6 to 'db'");
	EXPECT_EQ(amount_to(4), "6 to 'db' (gone)");
	EXPECT_EQ(amount_to(9), "6 to a subOS that is gone, id 9");
	EXPECT_EQ(amount_to(0), "6 to the supervisor");

	const Json gone = name_event(make_event(RF_EVENT_CORES_RETURNED, {1, 4}, "6"), names);
	EXPECT_EQ(gone["other_id"], 4);
	EXPECT_EQ(gone["other"], "db");
	EXPECT_TRUE(gone["other_gone"]);
	const Json unknown = name_event(make_event(RF_EVENT_CORES_MOVED, {1, 9}), names);
	EXPECT_TRUE(unknown["other"].is_null());
}

TEST(Event, TellsWhenLessWasDoneThanWanted)
{
	rf_event event = make_event(RF_EVENT_MEMORY_REMOVED, {256 << 20, 512 << 20});
	EXPECT_EQ(describe_amount({event}), "256M of 512M");
	EXPECT_EQ(describe_result({event}), "in part");
	EXPECT_TRUE(Json(Event{event})["partial"]);

	event.result = -ETIMEDOUT;
	EXPECT_EQ(describe_result({event}), std::strerror(ETIMEDOUT));
	EXPECT_EQ(Json(Event{event})["result"], -ETIMEDOUT);
}

TEST(Event, KeepsWhatASubosSaidInItsLine)
{
	EXPECT_EQ(words_of(make_event(RF_EVENT_STATE,
				      {RF_STATE_RUNNING, RF_STATE_CRASHED, RF_CAUSE_PANIC},
				      "a\nb\x1b[2J")),
		  "state: running -> crashed (panic): a?b\\x1b[2J");
}

TEST(Event, TellsAdjustmentsFromTheRest)
{
	EXPECT_FALSE(make_event_of(RF_EVENT_STATE).is_adjustment());
	EXPECT_TRUE(make_event_of(RF_EVENT_CORES_ADDED).is_adjustment());
	EXPECT_TRUE(make_event_of(RF_EVENT_CORES_RETURNED).is_adjustment());
	EXPECT_FALSE(make_event_of(RF_EVENT_LATE).is_adjustment());
	EXPECT_TRUE(make_event_of(RF_EVENT_PCI_TAKEN).is_adjustment());
	EXPECT_FALSE(make_event_of(RF_EVENT_PCI_FAULT).is_adjustment());

	// A create took its time, too; what takes none has no duration.
	rf_event event = make_event(RF_EVENT_CREATED, {});
	EXPECT_DOUBLE_EQ(Json(Event{event})["duration_seconds"], 0.034);
	event.duration_ns = 0;
	EXPECT_FALSE(Json(Event{event}).contains("duration_seconds"));
	event.type = RF_EVENT_CORES_ADDED;
	EXPECT_TRUE(Json(Event{event}).contains("duration_seconds"));
}

TEST(Event, HasMillisecondsInItsTime)
{
	const std::string time = format_time(1'795'000'000'123'456'789);
	EXPECT_EQ(time.size(), 23u);
	EXPECT_EQ(time.substr(0, 2), "20");
	EXPECT_EQ(time.substr(19), ".123");
}

// Of what a script reads, the offset from UTC is part.
TEST(Event, HasATimestampWithOffset)
{
	const std::pair<const char *, const char *> zones[] = {
		{"UTC0", "2026-11-18T11:06:40.123+00:00"},
		{"AAA-5:45", "2026-11-18T16:51:40.123+05:45"},
		{"BBB9:30", "2026-11-18T01:36:40.123-09:30"},
	};
	const char *zone = std::getenv("TZ");
	const std::string before = zone ? zone : "";

	for (const auto &[name, timestamp] : zones) {
		::setenv("TZ", name, 1);
		::tzset();
		const Json event = Json(Event{make_event(RF_EVENT_CREATED, {})});
		EXPECT_EQ(event["time"], timestamp);
		EXPECT_EQ(event["time_ns"], "1795000000123456789");
		EXPECT_EQ(format_time(1'795'000'000'123'456'789),
			  std::string(timestamp).replace(10, 1, " ").substr(0, 23));
	}
	zone ? ::setenv("TZ", before.c_str(), 1) : ::unsetenv("TZ");
	::tzset();
}

// The columns of history: what is told for people and what for programs.
TEST(Event, HasColumns)
{
	Request request;
	request.values = {{"columns", "name,event,amount,took,result,id"}};
	const Columns<Event> columns(event_columns(), request);
	const std::vector<Event> events = {
		{make_event(RF_EVENT_MEMORY_REMOVED, {256 << 20, 512 << 20})}};

	EXPECT_EQ(columns.table(events), "SUBOS  WHAT            AMOUNT        TOOK     RESULT   ID\n"
					 "web    memory-removed  256M of 512M  0.034 s  in part  3\n");
	EXPECT_EQ(columns.csv(events), "name,event,amount,took,result,id\n"
				       "web,memory-removed,256M of 512M,0.034,in part,3\n");
}

} // namespace
