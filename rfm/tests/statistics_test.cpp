// SPDX-License-Identifier: GPL-2.0
#include "view/statistics.hpp"

#include "host/proc_statistics.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

constexpr std::uint64_t second = 1'000'000'000;

TEST(Statistics, ReadsPressure)
{
	EXPECT_EQ(parse_pressure("some avg10=1.23 avg60=0.00 avg300=0.00 total=12"), 123u);
	EXPECT_EQ(parse_pressure("some avg10=0.00 avg60=0.00"), 0u);
	EXPECT_EQ(parse_pressure("some avg10=250"), 10000u);
	for (const char *line : {"", "full avg10=1.00", "some avg10=", "some avg10=x"})
		EXPECT_EQ(parse_pressure(line), ~0u) << line;
}

TEST(Statistics, ReadsBusyTime)
{
	// idle and iowait do not count; guest time is part of user time.
	EXPECT_EQ(parse_busy_ns("cpu  100 20 30 9999 8888 1 2 3 50 0", 100), 156 * second / 100);
	EXPECT_EQ(parse_busy_ns("", 100), 0u);
}

rf_statistics make(std::uint64_t seconds, std::uint64_t messages)
{
	rf_statistics one{};
	one.uptime_ns = seconds * second;
	one.cpus_online = 2;
	one.busy_ns = seconds * second;	// one of two cores
	one.messages_in = messages;
	one.messages_out = messages;
	one.interrupts = messages / 2;
	one.pressure[1] = ~0u;
	one.load[0] = 150;
	return one;
}

TEST(Statistics, MakesRatesOfTwoLooks)
{
	const Usage usage = usage_of(make(110, 5000), make(100, 1000));
	EXPECT_DOUBLE_EQ(*usage.messages_per_second, 800);
	EXPECT_DOUBLE_EQ(*usage.interrupts_per_second, 200);
	EXPECT_DOUBLE_EQ(usage.busy_percent, 50);
	EXPECT_DOUBLE_EQ(usage.load[0], 1.5);
	const Json json = usage;
	EXPECT_DOUBLE_EQ(json["pressure_percent"]["cpu"], 0);
	EXPECT_TRUE(json["pressure_percent"]["memory"].is_null());
}

TEST(Statistics, BeginsAnewWithAnotherKernel)
{
	EXPECT_DOUBLE_EQ(*usage_of(make(10, 100), std::nullopt).messages_per_second, 20);
	EXPECT_DOUBLE_EQ(*usage_of(make(10, 100), make(500, 90)).messages_per_second, 20);
	// Counters that run backwards are nonsense.
	EXPECT_DOUBLE_EQ(*usage_of(make(10, 100), make(5, 900)).messages_per_second, 0);
	EXPECT_DOUBLE_EQ(usage_of(rf_statistics{}, std::nullopt).busy_percent, 0);
}

TEST(Statistics, LooksAtItsOwnKernel)
{
	const rf_statistics own = supervisor_statistics();
	EXPECT_GT(own.uptime_ns, 0u);
	EXPECT_GT(own.memory_total, own.memory_free);
	EXPECT_GT(own.busy_ns, 0u);
	EXPECT_GE(own.cpus_online, 1u);
	EXPECT_GE(own.processes, 1u);
}

} // namespace
