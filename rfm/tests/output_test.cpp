// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

std::string text_of(const Json &item)
{
	return item["line"].get<std::string>() + "\n";
}

std::string printed(bool json, std::size_t items)
{
	const auto fill = [&](const Output::Sink &sink) {
		for (std::size_t i = 0; i < items; i++)
			sink({{"line", "line " + std::to_string(i)}});
	};

	testing::internal::CaptureStdout();
	Output::make(json)->list({{"name", "web"}, {"other", Json::array()}}, "lines", fill, text_of);
	return testing::internal::GetCapturedStdout();
}

TEST(Output, PrintsListsAsTheyCome)
{
	EXPECT_EQ(printed(false, 2), "line 0\nline 1\n");
	EXPECT_EQ(printed(false, 0), "");
	for (const std::size_t items : {0, 1, 3}) {
		const Json result = Json::parse(printed(true, items));
		EXPECT_EQ(result["name"], "web");
		ASSERT_EQ(result["lines"].size(), items);
		for (std::size_t i = 0; i < items; i++)
			EXPECT_EQ(result["lines"][i]["line"], "line " + std::to_string(i));
	}
}

} // namespace
