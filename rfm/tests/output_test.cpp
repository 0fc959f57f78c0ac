// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"

#include <gtest/gtest.h>

#include <cstdint>

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

std::string no_text(const Json &)
{
	return "";
}

// What a call prints on standard output.
template <typename Call> std::string printed_by(bool json, Call call)
{
	testing::internal::CaptureStdout();
	call(*rf::Output::make(json));
	return testing::internal::GetCapturedStdout();
}

TEST(Output, IntegersThatADoubleCannotHoldAreStrings)
{
	constexpr std::uint64_t most = std::uint64_t{1} << 53;
	const Json item = {{"most", most},
			   {"more", most + 1},
			   {"all", UINT64_MAX},
			   {"least", -static_cast<std::int64_t>(most)},
			   {"less", INT64_MIN},
			   {"real", 1e300},
			   {"list", {1, {{"deep", most + 2}}}}};

	const std::string line =
		printed_by(true, [&](rf::Output &output) { output.item(item, no_text); });
	EXPECT_EQ(line, "{\"most\":9007199254740992,\"more\":\"9007199254740993\","
			"\"all\":\"18446744073709551615\",\"least\":-9007199254740992,"
			"\"less\":\"-9223372036854775808\",\"real\":1e+300,"
			"\"list\":[1,{\"deep\":\"9007199254740994\"}]}\n");
	const std::string whole =
		printed_by(true, [&](rf::Output &output) { output.result(item, no_text); });
	EXPECT_EQ(Json::parse(whole), Json::parse(line));
}

// A stream stays one of lines when an error ends it.
TEST(Output, AnErrorIsOneLineOfJson)
{
	const rf::Error error(rf::Code::busy, "two\nlines", {{"numbers", {1, 2}}});
	const std::string lines = printed_by(true, [&](rf::Output &output) {
		output.item({{"number", 1}}, no_text);
		output.error(error);
	});

	EXPECT_EQ(lines, "{\"number\":1}\n{\"error\":{\"code\":5,\"kind\":\"busy\","
			 "\"message\":\"two?lines\",\"numbers\":[1,2]}}\n");
}

TEST(Output, SeveralErrorsHaveALineEach)
{
	const Json failed = {{{"name", "a"}, {"message", "no a"}},
			     {{"name", "b"}, {"message", "no b"}}};

	testing::internal::CaptureStderr();
	const std::string out = printed_by(false, [&](rf::Output &output) {
		output.error(rf::Error(rf::Code::busy, "no a", {{"failed", failed}}));
	});
	EXPECT_EQ(out, "");
	EXPECT_EQ(testing::internal::GetCapturedStderr(), "rfm: no a\nrfm: no b\n");
}

} // namespace
