// SPDX-License-Identifier: GPL-2.0
#include "plan/config.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace {

constexpr rf::Option options[] = {
	{"cores", "LIST", "", true},	 {"ncores", "N", "", true},
	{"mem", "SIZE", "", true},	 {"append", "STR", "", true},
	{"no-agent", nullptr, "", true}, {"dry-run", nullptr, "", false},
	{"pci", "BDF", "", true, true},
};

std::map<std::string, std::string> parse(const std::string &text)
{
	std::istringstream input(text);
	return rf::parse_config(input, "test.conf", options);
}

std::string error_of(const std::string &text)
{
	try {
		parse(text);
	} catch (const rf::Error &error) {
		EXPECT_EQ(error.code(), rf::Code::bad_value);
		return error.what();
	}
	return "";
}

TEST(Config, ReadsKeysCommentsAndSwitches)
{
	const auto config = parse("# a subOS\ncores = 2-3\nmem=512M   # half\n\n"
				  "append = quiet loglevel=7\nno-agent = yes\n");
	EXPECT_EQ(config.at("cores"), "2-3");
	EXPECT_EQ(config.at("mem"), "512M");
	EXPECT_EQ(config.at("append"), "quiet loglevel=7");
	EXPECT_EQ(config.at("no-agent"), "yes");
	EXPECT_FALSE(parse("no-agent = no\n").contains("no-agent"));
	EXPECT_EQ(parse("pci = 00:04.0\npci = 01:00.0,02:00.0\n").at("pci"),
		  "00:04.0,01:00.0,02:00.0");
}

TEST(Config, NamesUnknownKeysAndTheAcceptedOnes)
{
	const std::string error = error_of("memory = 1G\n");
	EXPECT_NE(error.find("'memory'"), std::string::npos) << error;
	EXPECT_NE(error.find("cores, ncores, mem, append, no-agent, pci"), std::string::npos) << error;
}

TEST(Config, RefusesWhatIsNotForFiles)
{
	EXPECT_NE(error_of("dry-run = yes\n"), "");
	EXPECT_NE(error_of("mem = 1G\nmem = 2G\n"), "");
	EXPECT_NE(error_of("no-agent = perhaps\n"), "");
	EXPECT_NE(error_of("mem 1G\n"), "");
	EXPECT_NE(error_of("[section]\nmem = 1G\n"), "");
}

TEST(Config, CommandLineOverrides)
{
	rf::Request request;
	request.values = {{"ncores", "2"}, {"mem", "1G"}};
	rf::merge_config(request, {{"cores", "2-3"}, {"mem", "512M"}, {"append", "quiet"}});
	EXPECT_EQ(request.value("mem"), "1G");
	EXPECT_EQ(request.value("append"), "quiet");
	EXPECT_FALSE(request.has("cores")) << "--ncores chooses instead";
}

} // namespace
