// SPDX-License-Identifier: GPL-2.0
#include "cli/columns.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

struct Row {
	std::string name;
	int size;
};

const Column<Row> columns[] = {
	{"name", "NAME", [](const Row &row) { return row.name; }},
	{"size", "SIZE", [](const Row &row) { return std::to_string(row.size); },
	 [](const Row &row) { return std::to_string(row.size) + "M"; }},
	{"twice", "TWICE", [](const Row &row) { return std::to_string(2 * row.size); }, nullptr, false},
};

const std::vector<Row> rows = {{"web", 5}, {"a \"b\",c\n", 7}};

Columns<Row> of(std::map<std::string, std::string> options)
{
	Request request;

	request.values = std::move(options);
	return {columns, request};
}

std::string refusal(std::map<std::string, std::string> options)
{
	try {
		of(std::move(options));
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::usage);
		return error.what();
	}
	return "";
}

TEST(Columns, TheUsualOnesAreForPeople)
{
	EXPECT_EQ(of({}).table(rows), "NAME      SIZE\n"
				      "web       5M\n"
				      "a \"b\",c?  7M\n");
	EXPECT_FALSE(of({}).chosen());
}

TEST(Columns, OthersComeInTheOrderWanted)
{
	const Columns<Row> chosen = of({{"columns", "twice,name"}});

	EXPECT_EQ(chosen.table({{"web", 5}}), "TWICE  NAME\n10     web\n");
	EXPECT_TRUE(chosen.chosen());
}

TEST(Columns, CsvHasPlainValuesInQuotesWhereNeeded)
{
	EXPECT_EQ(of({}).csv(rows), "name,size\nweb,5\n\"a \"\"b\"\",c?\",7\n");
	EXPECT_EQ(of({}).csv(std::vector<Row>{}), "name,size\n");
}

TEST(Columns, FiltersLookAtPlainValues)
{
	EXPECT_TRUE(of({{"filter", "size=5"}}).takes(rows[0]));
	EXPECT_FALSE(of({{"filter", "size=5"}}).takes(rows[1]));
	// Of a column that is not shown; all of them count.
	EXPECT_TRUE(of({{"filter", "twice=10,name=web"}}).takes(rows[0]));
	EXPECT_FALSE(of({{"filter", "twice=10,name=db"}}).takes(rows[0]));
	EXPECT_TRUE(of({{"filter", "name=2-3,5"}}).takes({"2-3,5", 1}));
	EXPECT_TRUE(of({{"filter", "name="}}).takes({"", 1}));
}

TEST(Columns, RefusalsNameWhatThereIs)
{
	EXPECT_EQ(refusal({{"columns", "nmae"}}),
		  "--columns: there is no column 'nmae'; columns are: name, size, twice");
	EXPECT_EQ(refusal({{"filter", "nmae=web"}}),
		  "--filter: there is no column 'nmae'; columns are: name, size, twice");
	EXPECT_EQ(refusal({{"filter", "web"}}),
		  "filter 'web' has no KEY: give KEY=VALUE, such as state=running");
	EXPECT_NE(refusal({{"columns", ""}}), "");
}

Request parse(const std::vector<std::string> &words, bool lists)
{
	static constexpr Option options[] = {columns_option, filter_option};
	const Verb verb = {"verb", "", "", "", lists ? std::span<const Option>(options)
						     : std::span<const Option>(),
			   0, 0, nullptr};

	return parse_request(verb, words);
}

TEST(Columns, FormatsAreAskedForInSeveralWays)
{
	EXPECT_FALSE(parse({}, true).json);
	EXPECT_FALSE(parse({"-o", "table"}, false).json);
	EXPECT_FALSE(parse({"-o", "csv"}, true).json);
	const std::vector<std::vector<std::string>> ways = {
		{"--json"}, {"-o", "json"}, {"-ojson"}, {"--output", "json"}, {"--output=json"},
		{"--json", "-o", "json"}};
	for (const std::vector<std::string> &words : ways)
		EXPECT_TRUE(parse(words, false).json) << words.front();
	EXPECT_THROW(parse({"-o", "yaml"}, true), Error);
	EXPECT_THROW(parse({"--json", "-o", "table"}, true), Error);
	// Before anything is done.
	EXPECT_THROW(parse({"-o", "csv"}, false), Error);
}

} // namespace
