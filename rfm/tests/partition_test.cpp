// SPDX-License-Identifier: GPL-2.0
#include "client/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace rf;

constexpr std::uint32_t first = 0x20, second = 0x28;	// 0000:00:04.0, 0000:00:05.0

rf_status status_with(std::vector<std::uint32_t> functions)
{
	rf_status status{};

	std::copy(functions.begin(), functions.end(), status.functions);
	status.nr_functions = static_cast<std::uint32_t>(functions.size());
	return status;
}

TEST(Partition, TellsThatNothingHasChanged)
{
	const ResizeRequest add{.op = RF_RESIZE_PCI_ADD, .functions = {first, second}};
	const ResizeRequest remove{.op = RF_RESIZE_PCI_REMOVE, .functions = {first}};

	EXPECT_EQ(done_text(add, {}, status_with({0x30})), "; nothing has changed");
	EXPECT_EQ(done_text(remove, {}, status_with({first})), "; nothing has changed");
}

TEST(Partition, TellsWhatAnAgentThatDidNotAnswerMayHave)
{
	const ResizeRequest add{.op = RF_RESIZE_PCI_ADD, .functions = {first, second}};
	const std::string words = done_text(add, {}, status_with({0x30, second}));

	EXPECT_EQ(words.find("nothing has changed"), words.npos);
	EXPECT_NE(words.find("0000:00:05.0 belong to it"), words.npos) << words;
	EXPECT_EQ(words.find("0000:00:04.0"), words.npos);
}

TEST(Partition, TellsWhatWasDoneBefore)
{
	rf_resize answer{};

	answer.functions_done = 1;
	EXPECT_EQ(done_text({.op = RF_RESIZE_PCI_REMOVE, .functions = {first, second}}, answer,
			    status_with({second})),
		  "; before that, 1 PCI functions changed hands");
}

} // namespace
