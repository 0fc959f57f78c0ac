// SPDX-License-Identifier: GPL-2.0
#include "base/cpulist.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

namespace {

using List = std::vector<unsigned>;

TEST(Cpulist, ReadsNumbersAndRangesInOrder)
{
	EXPECT_EQ(rf::parse_cpulist("2-3,5"), (List{2, 3, 5}));
	EXPECT_EQ(rf::parse_cpulist("7"), (List{7}));
	EXPECT_EQ(rf::parse_cpulist("5,2-3"), (List{5, 2, 3}));
	EXPECT_EQ(rf::parse_cpulist("4-4"), (List{4}));
}

TEST(Cpulist, RefusesMalformedAndDoubled)
{
	for (const char *list : {"", ",", "1,", ",1", "a", "3-2", "1-", "-1", "1--2", "2,2",
				 "1-3,2", "1 2", "0x1", "99999999999", "0-99999999"})
		EXPECT_THROW(rf::parse_cpulist(list), rf::Error) << list;
}

TEST(Cpulist, FormatsRunsAsRanges)
{
	EXPECT_EQ(rf::format_cpulist({2, 3, 5}), "2-3,5");
	EXPECT_EQ(rf::format_cpulist({5, 2, 3}), "5,2-3");
	EXPECT_EQ(rf::format_cpulist({}), "");
	EXPECT_EQ(rf::parse_cpulist(rf::format_cpulist({9, 1, 2, 3})), (List{9, 1, 2, 3}));
}

} // namespace
