// SPDX-License-Identifier: GPL-2.0
#include "base/duration.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;
using namespace std::chrono_literals;

Milliseconds parse(std::string_view value)
{
	return parse_duration("timeout", value, 0ms, 24h);
}

TEST(Duration, IsInSecondsWithoutAUnit)
{
	EXPECT_EQ(parse("30"), 30s);
	EXPECT_EQ(parse("30s"), 30s);
	EXPECT_EQ(parse("0"), 0ms);
}

TEST(Duration, HasUnits)
{
	EXPECT_EQ(parse("500ms"), 500ms);
	EXPECT_EQ(parse("2m"), 2min);
	EXPECT_EQ(parse("1h"), 1h);
	EXPECT_EQ(parse("1d"), 24h);
}

TEST(Duration, IsRefusedInOneLineThatNamesTheBounds)
{
	for (const char *value : {"", "s", "-1", "-0", "+5", "1.5s", "5 s", " 5", "5sec", "5M", "soon",
				  "1500m", "2d", "99999999999999999999", "9999999999999999d"}) {
		try {
			parse(value);
			ADD_FAILURE() << value;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value);
			EXPECT_EQ(error.what(), text("timeout '", value,
						     "' is not acceptable: give a time from 0s to "
						     "1d, such as 30 (seconds), 500ms or 2m"));
		}
	}
	EXPECT_THROW(parse_duration("timeout", "999ms", 1s, 1h), Error);
	EXPECT_EQ(parse_duration("timeout", "1", 1s, 1h), 1s);
}

TEST(Duration, NeedsAUnitWhereSecondsAreNotMeant)
{
	EXPECT_FALSE(find_duration("2026", false));
	EXPECT_EQ(find_duration("10m", false), 10min);
}

TEST(Duration, FormatsSoThatItReadsTheSame)
{
	EXPECT_EQ(format_duration(30s), "30s");
	EXPECT_EQ(format_duration(120s), "2m");
	EXPECT_EQ(format_duration(90s), "90s");
	EXPECT_EQ(format_duration(1500ms), "1500ms");
	EXPECT_EQ(format_duration(0ms), "0s");
	for (const Milliseconds duration : {1ms, 999ms, 3600'000ms, 86'399'999ms})
		EXPECT_EQ(parse(format_duration(duration)), duration);
}

} // namespace
