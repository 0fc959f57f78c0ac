// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "cli/moment.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace {

using namespace rf;

constexpr std::uint64_t second = 1'000'000'000;
// 2026-11-28T09:02:03.5Z
constexpr std::uint64_t now = 1'795'856'523 * second + second / 2;

// In a zone two hours east of Greenwich.
class Moment : public testing::Test {
protected:
	void SetUp() override
	{
		const char *zone = std::getenv("TZ");
		before_ = zone ? zone : "";
		set("AAA-2");
	}
	void TearDown() override { set(before_); }

	static void set(const std::string &zone)
	{
		zone.empty() ? ::unsetenv("TZ") : ::setenv("TZ", zone.c_str(), 1);
		::tzset();
	}
	static std::uint64_t at(const char *value) { return parse_moment("since", value, now); }

private:
	std::string before_;
};

TEST_F(Moment, IsAsInRfc3339)
{
	EXPECT_EQ(at("2026-11-28T09:02:03Z"), now - second / 2);
	EXPECT_EQ(at("2026-11-28T09:02:03.5Z"), now);
	EXPECT_EQ(at("2026-11-28T10:02:03.500+01:00"), now);
	EXPECT_EQ(at("2026-11-28t03:32:03.500-05:30"), now);
	EXPECT_EQ(at("1970-01-01T00:00:00Z"), 0u);
}

TEST_F(Moment, IsLocalWithoutAnOffset)
{
	EXPECT_EQ(at("2026-11-28T11:02:03.5"), now);
	EXPECT_EQ(at("2026-11-28 11:02:03.5"), now);
	EXPECT_EQ(at("2026-11-28"), at("2026-11-28T00:00:00+02:00"));
	EXPECT_EQ(at("today"), at("2026-11-28"));
}

TEST_F(Moment, IsSoLongAgo)
{
	EXPECT_EQ(at("10m"), now - 600 * second);
	EXPECT_EQ(at("500ms"), now - second / 2);
	EXPECT_EQ(at("1d"), now - 86400 * second);
	EXPECT_EQ(at("0s"), now);
	EXPECT_EQ(at("99999d"), 0u);
}

TEST_F(Moment, IsRefusedInOneLineThatShowsSome)
{
	for (const char *value :
	     {"", "now", "10", "-10m", "10 m", "2026", "2026-11-31", "2026-02-29", "2026-13-01",
	      "2026-11-28T", "2026-11-28T10", "2026-11-28T24:00:00Z", "2026-11-28T10:02:03+1",
	      "2026-11-28T10:02:03.Z", "2026-11-28T10:02:03Z ", "2026-11-28Z", "11:02:03"}) {
		try {
			at(value);
			ADD_FAILURE() << value;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value);
			const std::string begin = text("since '", value, "' is not a time: ");
			EXPECT_TRUE(std::string(error.what()).starts_with(begin)) << error.what();
		}
	}
}

} // namespace
