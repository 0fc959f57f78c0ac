// SPDX-License-Identifier: GPL-2.0
#include "plan/config.hpp"

#include "plan/image_options.hpp"

#include <gtest/gtest.h>

namespace {

constexpr rf::Option options[] = {
	{"cores", "LIST", "", true},	 {"ncores", "N", "", true},
	{"mem", "SIZE", "", true},	 {"append", "STR", "", true},
	{"no-agent", nullptr, "", true}, {"dry-run", nullptr, "", false},
	{"pci", "BDF", "", true, true},	 {"root-password", "WORD", "", true},
};

std::map<std::string, std::string> parse(const std::string &text)
{
	return rf::parse_config(text, "test.toml", options);
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

// The error says where it is and has all @parts.
void expect_error(const std::string &file, unsigned line, std::vector<std::string> parts)
{
	const std::string error = error_of(file);
	const std::string where = "configuration file 'test.toml', line " + std::to_string(line) + ": ";

	EXPECT_TRUE(error.starts_with(where)) << error;
	EXPECT_EQ(error.find('\n'), std::string::npos) << error;
	for (const std::string &part : parts)
		EXPECT_NE(error.find(part), std::string::npos) << error << "\nlacks " << part;
}

TEST(Config, ReadsTextNumbersAndSwitches)
{
	const auto config = parse("# a subOS\ncores = \"2-3\"\nmem = '512M'   # half\n\n"
				  "append = \"quiet loglevel=7\"\nno-agent = true\n");
	EXPECT_EQ(config.at("cores"), "2-3");
	EXPECT_EQ(config.at("mem"), "512M");
	EXPECT_EQ(config.at("append"), "quiet loglevel=7");
	EXPECT_EQ(config.at("no-agent"), "yes");
	EXPECT_EQ(parse("ncores = 2\r\n").at("ncores"), "2");
	EXPECT_FALSE(parse("no-agent = false\n").contains("no-agent"));
}

TEST(Config, ReadsArraysWhereListsAreTaken)
{
	EXPECT_EQ(parse("pci = [\"00:04.0\",\n \"01:00.0,02:00.0\"]").at("pci"),
		  "00:04.0,01:00.0,02:00.0");
	EXPECT_EQ(parse("cores = [2, 3]").at("cores"), "2,3");
	EXPECT_FALSE(parse("pci = []").contains("pci"));
	expect_error("mem = [\"1G\"]", 1, {"'mem' is not text", "mem = \"SIZE\""});
	expect_error("cores = [[2]]", 1, {"'cores' is not text"});
}

TEST(Config, KeepsValuesWhole)
{
	EXPECT_EQ(parse("root-password = \"a#bc\"\n").at("root-password"), "a#bc");
	EXPECT_EQ(parse("root-password = 'a\\b\"c = # d '").at("root-password"), "a\\b\"c = # d ");
	EXPECT_EQ(parse("append = \"dyndbg=\\\"file x +p\\\" # y\"").at("append"),
		  "dyndbg=\"file x +p\" # y");
}

TEST(Config, APasswordWithAHashReachesTheImage)
{
	rf::Request request;
	request.values = {{"disk", "debian.img"}};
	rf::merge_config(request, parse("root-password = \"a#bc\""));
	EXPECT_EQ(rf::parse_image_options(request).password, "a#bc");
}

TEST(Config, NamesUnknownKeysAndTheAcceptedOnes)
{
	const std::string keys = "keys are: cores, ncores, mem, append, no-agent, pci, root-password";

	expect_error("memory = \"1G\"\n", 1, {"unknown key 'memory'", keys});
	expect_error("cores = \"1\"\ndry-run = true\n", 2, {"unknown key 'dry-run'", keys});
	expect_error("\n[section]\nmem = \"1G\"\n", 2, {"unknown key 'section'", keys});
	expect_error("section.mem = \"1G\"\n", 1, {"unknown key 'section'", keys});
	// The first one in the file, not in the alphabet.
	expect_error("zzz = 1\naaa = 1\n", 1, {"unknown key 'zzz'"});
}

TEST(Config, RefusesValuesOfAnotherType)
{
	expect_error("no-agent = \"yes\"\n", 1, {"'no-agent'", "give true or false"});
	expect_error("no-agent = 1\n", 1, {"'no-agent'", "give true or false"});
	expect_error("mem = true\n", 1, {"'mem' is not text", "mem = \"SIZE\""});
	expect_error("mem = 1.5\n", 1, {"'mem' is not text"});
	expect_error("mem.much = true\n", 1, {"'mem' is not text"});
	expect_error("append = \"a\\u0000b\"\n", 1, {"'append' holds a NUL"});
}

TEST(Config, RefusesTheOldFormInOneLine)
{
	const std::string files[] = {"cores = 2-3", "mem = 512M   # half", "mem=1G",
				     "append = quiet loglevel=7", "no-agent = yes", "append =",
				     "pci = 00:04.0", "root-password = a#bc", "colour = blue"};

	for (const std::string &file : files)
		expect_error("# a subOS\n" + file + "\n", 2,
			     {"'" + file.substr(0, file.find_first_of(" =")) + "'",
			      "is written in the old form, which is not read any more: files are TOML"});
	expect_error("no-agent = yes", 1, {"such as no-agent = true"});
	expect_error("mem = 512M", 1, {"such as mem = \"SIZE\""});
	expect_error("ncores = 1\ncores = 2-3\n", 2, {"such as cores = \"LIST\", or cores = ["});
}

TEST(Config, NeverShowsASecret)
{
	for (const char *file : {"root-password = hush", "root-password = [\"hush\"]",
				 "root-password = \"hush", "root-password = {hush = 1}"})
		EXPECT_EQ(error_of(file).find("hush"), std::string::npos) << error_of(file);
}

TEST(Config, RefusesWhatIsNotToml)
{
	expect_error("mem = \"1G\"\nmem = \"2G\"\n", 2, {"key 'mem' is given twice"});
	expect_error("mem 1G\n", 1, {"expected '='", "such as mem = \"1G\"", "keys are: cores, "});
	expect_error("ncores = 99999999999999999999\n", 1, {"not representable"});
	expect_error("mem = \"1G\n", 1, {"files are TOML"});
	expect_error("\xff = 1\n", 1, {"utf-8"});
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
