// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

using namespace rf;

// A result of which the test says what it is.
struct Result {
	Json json;
	std::string words;
};

void to_json(Json &json, const Result &result)
{
	json = result.json;
}

std::string to_text(const Result &result)
{
	return result.words;
}

std::string printed(Format format, std::size_t items)
{
	const auto fill = [&](const auto &sink) {
		for (std::size_t i = 0; i < items; i++) {
			const std::string line = "line " + std::to_string(i);
			sink({{{"line", line}}, line + "\n"});
		}
	};

	testing::internal::CaptureStdout();
	Output::make(format)->list<Result, Result>({{{"name", "web"}, {"other", Json::array()}}, ""},
						   "lines", fill);
	return testing::internal::GetCapturedStdout();
}

TEST(Output, PrintsListsAsTheyCome)
{
	EXPECT_EQ(printed(Format::table, 2), "line 0\nline 1\n");
	EXPECT_EQ(printed(Format::table, 0), "");
	for (const std::size_t items : {0, 1, 3}) {
		const Json result = Json::parse(printed(Format::json, items));
		EXPECT_EQ(result["schema"], json_schema_version);
		EXPECT_EQ(result["name"], "web");
		ASSERT_EQ(result["lines"].size(), items);
		for (std::size_t i = 0; i < items; i++)
			EXPECT_EQ(result["lines"][i]["line"], "line " + std::to_string(i));
	}
}

// What a call prints on standard output.
template <typename Call> std::string printed_by(Format format, Call call)
{
	testing::internal::CaptureStdout();
	call(*rf::Output::make(format));
	return testing::internal::GetCapturedStdout();
}

TEST(Output, IntegersThatADoubleCannotHoldAreStrings)
{
	constexpr std::uint64_t most = std::uint64_t{1} << 53;
	const Json numbers = {{"most", most},
			   {"more", most + 1},
			   {"all", UINT64_MAX},
			   {"least", -static_cast<std::int64_t>(most)},
			   {"less", INT64_MIN},
			   {"real", 1e300},
			   {"list", {1, {{"deep", most + 2}}}}};

	const std::string line =
		printed_by(Format::json, [&](rf::Output &output) { output.item(Result{numbers, ""}); });
	EXPECT_EQ(line, "{\"schema\":1,\"most\":9007199254740992,\"more\":\"9007199254740993\","
			"\"all\":\"18446744073709551615\",\"least\":-9007199254740992,"
			"\"less\":\"-9223372036854775808\",\"real\":1e+300,"
			"\"list\":[1,{\"deep\":\"9007199254740994\"}]}\n");
	const std::string whole =
		printed_by(Format::json, [&](rf::Output &output) { output.result(Result{numbers, ""}); });
	EXPECT_EQ(Json::parse(whole), Json::parse(line));
}

// A stream stays one of lines when an error ends it.
TEST(Output, AnErrorIsOneLineOfJson)
{
	const rf::Error error(rf::Code::busy, "two\nlines", {{"numbers", {1, 2}}});
	const std::string lines = printed_by(Format::json, [&](rf::Output &output) {
		output.item(Result{{{"number", 1}}, ""});
		output.error(error);
	});

	EXPECT_EQ(lines, "{\"schema\":1,\"number\":1}\n{\"schema\":1,\"error\":{\"code\":5,\"kind\":\"busy\","
			 "\"message\":\"two?lines\",\"numbers\":[1,2]}}\n");
}

TEST(Output, SeveralErrorsHaveALineEach)
{
	testing::internal::CaptureStderr();
	const std::string out = printed_by(Format::table, [&](rf::Output &output) {
		output.error(rf::SeveralErrors({{"a", rf::Error(rf::Code::busy, "no a")},
						{"b", rf::Error(rf::Code::usage, "no b")}},
					       rf::Json::object()));
	});
	EXPECT_EQ(out, "");
	EXPECT_EQ(testing::internal::GetCapturedStderr(), "rfm: no a\nrfm: no b\n");
}

TEST(Output, LinesOfALogFollowTheirError)
{
	testing::internal::CaptureStderr();
	printed_by(Format::table, [&](rf::Output &output) {
		output.error(rf::ErrorWithLog(rf::Code::not_up, "no", {{"name", "web"}}, {"a", "b"}));
	});
	EXPECT_EQ(testing::internal::GetCapturedStderr(), "rfm: no\n  a\n  b\n");

	const std::string json = printed_by(Format::json, [&](rf::Output &output) {
		output.error(rf::ErrorWithLog(rf::Code::not_up, "no", {{"name", "web"}}, {"a", "b"}));
	});
	EXPECT_EQ(Json::parse(json)["error"]["log"], Json::array({"a", "b"}));
}

TEST(Output, FormatIsFoundWhateverElseIsWrong)
{
	EXPECT_EQ(format_of({"list"}), Format::table);
	EXPECT_EQ(format_of({"--json", "list"}), Format::json);
	EXPECT_EQ(format_of({"list", "-o", "json", "--frob"}), Format::json);
	EXPECT_EQ(format_of({"list", "-ojson"}), Format::json);
	EXPECT_EQ(format_of({"list", "--output=json"}), Format::json);
	EXPECT_EQ(format_of({"list", "--output", "csv"}), Format::csv);
	EXPECT_EQ(format_of({"list", "--output"}), Format::table);
	EXPECT_THROW(parse_format("yaml"), Error);
}

// Widths are those of letters, nothing is cut, and no line is longer than it has to be.
TEST(Output, TablesAreAligned)
{
	Table table({"NAME", "VALUE", ""});

	table.add({"\xc3\xa9t\xc3\xa9", std::string(300, 'x'), ""});
	table.add({"a", "b", "c"});
	table.add({"only"});
	const std::string printed = table.str();
	EXPECT_EQ(printed.substr(0, printed.find('\n')), "NAME  VALUE");
	EXPECT_NE(printed.find("  " + std::string(300, 'x') + "\n"), std::string::npos);
	EXPECT_NE(printed.find("a     b" + std::string(299, ' ') + "  c\n"), std::string::npos);
	EXPECT_TRUE(printed.ends_with("\nonly\n"));
	EXPECT_EQ(Table({"NAME", "STATE"}).str(), "NAME  STATE\n");
}

TEST(Output, TablesKeepATerminalInOrder)
{
	Table table({"NAME"});

	table.add({"a\nb\x1b[2J\xc2\x9b"});
	EXPECT_EQ(table.str(), "NAME\na?b?[2J?\n");
}

} // namespace
