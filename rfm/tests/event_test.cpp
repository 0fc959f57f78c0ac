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

std::string words_of(const rf_event &event)
{
	return describe_event(event_json(event));
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
		  "cores-borrowed: 6 to id 4, 0.034 s, ok");
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

TEST(Event, TellsWhenLessWasDoneThanWanted)
{
	rf_event event = make_event(RF_EVENT_MEMORY_REMOVED, {256 << 20, 512 << 20});
	const Json partial = event_json(event);
	EXPECT_EQ(describe_amount(partial), "256M of 512M");
	EXPECT_EQ(describe_result(partial), "in part");
	EXPECT_TRUE(partial["partial"]);

	event.result = -ETIMEDOUT;
	const Json failed = event_json(event);
	EXPECT_EQ(describe_result(failed), std::strerror(ETIMEDOUT));
	EXPECT_EQ(failed["result"], -ETIMEDOUT);
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
	EXPECT_FALSE(is_adjustment(RF_EVENT_STATE));
	EXPECT_TRUE(is_adjustment(RF_EVENT_CORES_ADDED));
	EXPECT_TRUE(is_adjustment(RF_EVENT_CORES_RETURNED));
	EXPECT_FALSE(is_adjustment(RF_EVENT_LATE));
	EXPECT_TRUE(is_adjustment(RF_EVENT_PCI_TAKEN));
	EXPECT_FALSE(is_adjustment(RF_EVENT_PCI_FAULT));

	// A create took its time, too; what takes none has no duration.
	rf_event event = make_event(RF_EVENT_CREATED, {});
	EXPECT_DOUBLE_EQ(event_json(event)["duration_seconds"], 0.034);
	event.duration_ns = 0;
	EXPECT_FALSE(event_json(event).contains("duration_seconds"));
	event.type = RF_EVENT_CORES_ADDED;
	EXPECT_TRUE(event_json(event).contains("duration_seconds"));
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
		const Json event = event_json(make_event(RF_EVENT_CREATED, {}));
		EXPECT_EQ(event["time"], timestamp);
		EXPECT_EQ(event["time_ns"], "1795000000123456789");
		EXPECT_EQ(display_time(event["time"]), format_time(1'795'000'000'123'456'789));
	}
	zone ? ::setenv("TZ", before.c_str(), 1) : ::unsetenv("TZ");
	::tzset();
}

} // namespace
