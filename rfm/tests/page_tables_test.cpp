// SPDX-License-Identifier: GPL-2.0
#include "boot/page_tables.hpp"

#include <gtest/gtest.h>

#include "page_walk.hpp"

namespace rf::test {
namespace {

constexpr std::uint64_t BASE = 0x140020000;

class PageTables : public testing::TestWithParam<unsigned> {};

INSTANTIATE_TEST_SUITE_P(Levels, PageTables, testing::Values(4u, 5u));

TEST_P(PageTables, MapsWhatIsAskedForAndNothingElse)
{
	boot::PageTables tables(BASE, GetParam());
	tables.map(0, boot::LARGE_PAGE);
	tables.map(0x140000000, boot::LARGE_PAGE);
	tables.map(0x7ffffff000, 0x2000);	// over the edge of a top-level entry
	const Bytes bytes = tables.bytes();
	const auto at = [&](std::uint64_t virt) { return walk(bytes, BASE, GetParam(), virt); };

	for (std::uint64_t virt : {0x0ull, 0x1fffffull, 0x140000000ull, 0x1401ffff8ull,
				   0x7fffe00000ull, 0x80001fffffull})
		EXPECT_EQ(at(virt), virt) << std::hex << virt;
	for (std::uint64_t virt : {0x200000ull, 0x13fffffffull, 0x140200000ull, 0x7fffdfffffull,
				   0x8000200000ull})
		EXPECT_EQ(at(virt), std::nullopt) << std::hex << virt;
}

TEST(PageTables5, AboveTheReachOfFourLevels)
{
	boot::PageTables tables(BASE, 5);
	tables.map(0x1000000000000, boot::LARGE_PAGE);
	const Bytes bytes = tables.bytes();
	EXPECT_EQ(walk(bytes, BASE, 5, 0x1000000000123), 0x1000000000123u);
	EXPECT_EQ(walk(bytes, BASE, 5, 0x123), std::nullopt);
}

TEST_P(PageTables, TooMuchIsRefused)
{
	boot::PageTables tables(BASE, GetParam());
	EXPECT_THROW(tables.map(0, 70 * boot::GIB), boot::Error);
}

} // namespace
} // namespace rf::test
