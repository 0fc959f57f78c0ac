// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "base/sizes.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Sizes, ReadsUnitsAndBases)
{
	EXPECT_EQ(rf::parse_size("memory", "512M"), 512ull << 20);
	EXPECT_EQ(rf::parse_size("memory", "2g"), 2ull << 30);
	EXPECT_EQ(rf::parse_size("memory", "1GiB"), 1ull << 30);
	EXPECT_EQ(rf::parse_size("memory", "4K"), 4096u);
	EXPECT_EQ(rf::parse_size("memory", "0x40000000"), 1ull << 30);
	EXPECT_EQ(rf::parse_size("memory", "0x10M"), 16ull << 20);
	EXPECT_EQ(rf::parse_size("memory", "0"), 0u);
}

TEST(Sizes, RefusesWhatIsNoSizeAndNamesIt)
{
	for (const char *value : {"", "M", "abc", "-5", "1.5G", "12X", "12MB3", "0x", " 1G", "1 G",
				  "99999999999999999999", "0xffffffffffffffffK", "16777216T"}) {
		try {
			rf::parse_size("memory", value);
			ADD_FAILURE() << value;
		} catch (const rf::Error &error) {
			EXPECT_EQ(error.code(), rf::Code::bad_value);
			EXPECT_NE(std::string(error.what()).find(value), std::string::npos);
		}
	}
}

TEST(Sizes, FormatsSoThatItReadsTheSame)
{
	EXPECT_EQ(rf::format_size(512ull << 20), "512M");
	EXPECT_EQ(rf::format_size(3ull << 30), "3G");
	EXPECT_EQ(rf::format_size(1234), "1234");
	EXPECT_EQ(rf::format_size(0), "0");
	for (const std::uint64_t bytes : {1ull, 4096ull, (1ull << 30) + (2ull << 20), ~0ull})
		EXPECT_EQ(rf::parse_size("memory", rf::format_size(bytes)), bytes);
}

TEST(Numbers, AreDecimalAndBounded)
{
	EXPECT_EQ(rf::parse_number("wait", "1", 1, 10), 1u);
	EXPECT_EQ(rf::parse_number("wait", "10", 1, 10), 10u);
	for (const char *value : {"", "0", "11", "-1", "0x1", "1s"})
		EXPECT_THROW(rf::parse_number("wait", value, 1, 10), rf::Error) << value;
}

} // namespace
