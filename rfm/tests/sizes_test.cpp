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
	EXPECT_EQ(rf::parse_size("memory", "512MiB"), rf::parse_size("memory", "512M"));
	EXPECT_EQ(rf::parse_size("memory", "4K"), 4096u);
	EXPECT_EQ(rf::parse_size("memory", "0x40000000"), 1ull << 30);
	EXPECT_EQ(rf::parse_size("memory", "0x10M"), 16ull << 20);
	EXPECT_EQ(rf::parse_size("memory", "0"), 0u);
}

// What a disk's maker and a standard mean by it.
TEST(Sizes, DecimalUnitsAreDecimal)
{
	EXPECT_EQ(rf::parse_size("memory", "4KB"), 4000u);
	EXPECT_EQ(rf::parse_size("memory", "512MB"), 512'000'000u);
	EXPECT_EQ(rf::parse_size("memory", "2GB"), 2'000'000'000u);
	EXPECT_EQ(rf::parse_size("memory", "18446744TB"), 18'446'744'000'000'000'000u);
	EXPECT_THROW(rf::parse_size("memory", "18446745TB"), rf::Error);
}

std::string refused_multiple(const char *value, std::uint64_t step)
{
	try {
		rf::check_multiple("memory", value, rf::parse_size("memory", value), step);
	} catch (const rf::Error &error) {
		EXPECT_EQ(error.code(), rf::Code::bad_value);
		return error.what();
	}
	return "";
}

TEST(Sizes, ThatAreNoMultipleNameTheNearest)
{
	constexpr std::uint64_t step = 2 << 20;

	EXPECT_EQ(refused_multiple("512M", step), "");
	EXPECT_EQ(refused_multiple("32768MB", step), "");
	EXPECT_EQ(refused_multiple("512MB", step), "memory '512MB' is 512000000 bytes, not a "
						   "multiple of 2M: give 488M or 490M");
	EXPECT_EQ(refused_multiple("1M", step),
		  "memory '1M' is 1048576 bytes, not a multiple of 2M: give 2M");
	EXPECT_EQ(refused_multiple("0xffffffffffffffff", step),
		  "memory '0xffffffffffffffff' is 18446744073709551615 bytes, not a multiple of "
		  "2M: give 17592186044414M");
}

TEST(Sizes, RefusesWhatIsNoSizeAndNamesIt)
{
	for (const char *value : {"", "M", "abc", "-5", "1.5G", "12X", "12MB3", "12iB", "12MBi", "0x", " 1G", "1 G",
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
	EXPECT_EQ(rf::parse_number("restarts", "1", 1, 10), 1u);
	EXPECT_EQ(rf::parse_number("restarts", "10", 1, 10), 10u);
	for (const char *value : {"", "0", "11", "-1", "0x1", "1s"})
		EXPECT_THROW(rf::parse_number("restarts", value, 1, 10), rf::Error) << value;
}

} // namespace
