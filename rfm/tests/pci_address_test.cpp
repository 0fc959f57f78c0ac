// SPDX-License-Identifier: GPL-2.0
#include "base/pci_address.hpp"

#include "fixture.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

TEST(Bdf, AsPeopleWriteIt)
{
	const std::pair<const char *, std::uint32_t> table[] = {
		{"0000:00:04.0", RF_BDF(0, 0, 4 << 3)},	{"00:04.0", RF_BDF(0, 0, 4 << 3)},
		{"0:4.0", RF_BDF(0, 0, 4 << 3)},	{"0001:3f:1f.7", RF_BDF(1, 0x3f, 0xff)},
		{"FFFF:00:00.1", RF_BDF(0xffff, 0, 1)},
	};
	for (const auto &[word, bdf] : table)
		EXPECT_EQ(parse_bdf(word), bdf) << word;
	EXPECT_EQ(format_bdf(RF_BDF(1, 0x3f, 0xff)), "0001:3f:1f.7");
	EXPECT_EQ(format_bdf(parse_bdf("4:2.1")), "0000:04:02.1");
}

TEST(Bdf, ThatIsNone)
{
	for (const char *word :
	     {"", "04", "04.0", "00:04", "00:04.", "00:.0", ":04.0", "00:20.0", "00:04.8",
	      "000:04.0", "00:004.0", "10000:00:04.0", "0:0000:00:04.0", "00:04.0 ", " 00:04.0",
	      "00:04.00", "00:0x4.0", "00:-4.0", "+00:04.0", "00:04.0:1", "ffff:ff:1f.7", "nvme0"})
		EXPECT_NE(test::refusal([&] { parse_bdf(word); })
				  .find(std::string("PCI function '") + word + "' is not acceptable"),
			  std::string::npos)
			<< word;
}

TEST(Bdf, Lists)
{
	EXPECT_EQ(parse_bdfs("0000:00:04.0,01:00.1"),
		  (std::vector<std::uint32_t>{RF_BDF(0, 0, 0x20), RF_BDF(0, 1, 1)}));
	for (const char *list : {"", ",", "00:04.0,", ",00:04.0", "00:04.0;00:05.0"})
		EXPECT_NE(test::refusal([&] { parse_bdfs(list); }), "") << list;
	EXPECT_EQ(test::refusal([] { parse_bdfs("00:04.0,01:00.0,0000:00:04.0"); }),
		  "PCI function 0000:00:04.0 is named twice in '00:04.0,01:00.0,0000:00:04.0': "
		  "name each function once");
	std::string many = "00:00.0";
	for (int i = 1; i <= RF_FUNCTIONS_MAX; i++)
		many += "," + format_bdf(RF_BDF(0, 0, i));
	EXPECT_NE(test::refusal([&] { parse_bdfs(many); }).find("at most 16"), std::string::npos);
}

} // namespace
} // namespace rf
