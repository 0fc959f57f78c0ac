// SPDX-License-Identifier: GPL-2.0
// The command line, whatever the command.
#include "base/error.hpp"
#include "plan/config.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace {

using namespace rf;
using Words = std::vector<std::string>;

Request parse(const char *verb, const Words &words)
{
	return parse_request(*find_verb(verb), words);
}

// The message with which words are refused as wrong usage; "" if they are not.
template <typename Call> std::string refusal_of(Call call)
{
	try {
		call();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::usage) << error.what();
		return error.what();
	}
	return "";
}

std::string refusal_of(const char *verb, const Words &words)
{
	return refusal_of([&] { parse(verb, words); });
}

// By hand: a letter that comes to mean another thing breaks scripts.
TEST(Letters, MeanOneThingEverywhere)
{
	const std::map<std::string, char> expected = {
		{"all", 'a'},	{"cores", 'c'}, {"delay", 'd'}, {"follow", 'f'},
		{"help", 'h'},	{"last", 'n'},	{"level", 'l'}, {"mem", 'm'},	    {"output", 'o'},
		{"quiet", 'q'}, {"since", 'S'}, {"timeout", 't'}, {"verbose", 'v'},
	};
	std::map<std::string, char> found;
	std::set<char> letters;

	for (const Verb *verb : verbs())
		for (const Option &option : options_of(*verb))
			if (const char letter = letter_of(option.name))
				found[option.name] = letter;
	EXPECT_EQ(found, expected);
	for (const auto &[name, letter] : found)
		EXPECT_TRUE(letters.insert(letter).second) << letter << " is also --" << name;
	EXPECT_EQ(letter_of("force"), 0) << "to be written out";
}

TEST(Letters, StandForTheirOptions)
{
	const Request request = parse("resize", {"web", "-c", "-5", "-m-512M", "-t", "500ms", "-v"});

	EXPECT_EQ(request.operands, Words{"web"});
	EXPECT_EQ(request.value("cores"), "-5");
	EXPECT_EQ(request.value("mem"), "-512M");
	EXPECT_EQ(request.value("timeout"), "500ms");
	EXPECT_TRUE(request.has("verbose"));
	EXPECT_TRUE(parse("log", {"-qf", "web", "-n5"}).has("follow"));
	EXPECT_EQ(parse("log", {"-qf", "web", "-n5"}).value("last"), "5");
	EXPECT_TRUE(parse("log", {"-qf", "web"}).quiet);
	EXPECT_TRUE(parse("destroy", {"-a"}).has("all"));
	EXPECT_TRUE(parse("create", {"-h"}).has("help"));
}

TEST(Letters, OfOtherCommandsAreRefused)
{
	EXPECT_NE(refusal_of("list", {"-f"}).find("'-f'"), std::string::npos);
	EXPECT_NE(refusal_of("stop", {"web", "-f"}).find("'-f'"), std::string::npos);
	EXPECT_NE(refusal_of("log", {"web", "-n"}), "");
}

TEST(Options, OfTheTimeLimitHaveOneName)
{
	for (const Verb *verb : verbs())
		for (const Option &option : verb->options)
			EXPECT_STRNE(option.name, "wait") << verb->name;
	for (const char *verb : {"create", "start", "restart", "resize", "return"})
		EXPECT_TRUE(refusal_of(verb, {"web", "--wait", "5"})
				    .starts_with("--wait is now --timeout, whose value can have a unit"))
			<< verb;
	EXPECT_NE(refusal_of("list", {"--wait", "5"}).find("'--wait'"), std::string::npos);
}

// In a configuration file, too.
TEST(Options, OfTheTimeLimitHaveOneKey)
{
	try {
		parse_config("wait = 120\n", "web.toml", create_verb.options);
		ADD_FAILURE();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_value);
		EXPECT_STREQ(error.what(), "configuration file 'web.toml', line 1: key 'wait' is now "
					   "'timeout': write timeout = \"TIME\"");
	}
}

TEST(Options, ThatAreSwitchesCanBeGivenTwice)
{
	EXPECT_TRUE(parse("list", {"--json", "--json"}).json);
	EXPECT_NE(refusal_of("stop", {"web", "-t1", "--timeout=2"}).find("--timeout is given twice"),
		  std::string::npos);
}

TEST(Options, QuietAndVerboseExcludeEachOther)
{
	EXPECT_NE(refusal_of("list", {"-q", "-v"}), "");
	EXPECT_TRUE(parse("list", {"-q"}).wants_names());
	for (const Words &words : {Words{"-q", "--json"}, {"-qo", "json"}, {"-q", "-ocsv"}})
		EXPECT_FALSE(parse("list", words).wants_names());
}

TEST(CommandLine, MayHaveCommonOptionsBeforeTheCommand)
{
	const CommandLine line =
		split_command_line({"--json", "-qv", "--verbose", "log", "web", "-f"});

	EXPECT_EQ(line.command, "log");
	EXPECT_EQ(line.words(), (Words{"--json", "-qv", "--verbose", "web", "-f"}));
	EXPECT_FALSE(line.help);
	EXPECT_FALSE(line.version);
	EXPECT_TRUE(split_command_line({"-h", "list"}).help);
	EXPECT_TRUE(split_command_line({"-qh"}).help);
	EXPECT_TRUE(split_command_line({"--help"}).command.empty());
	EXPECT_TRUE(split_command_line({"-V"}).version);
	EXPECT_TRUE(split_command_line({"--json", "--version"}).version);
	EXPECT_EQ(split_command_line({}).command, "");
}

TEST(CommandLine, RefusesOtherOptionsBeforeTheCommand)
{
	for (const char *word : {"--follow", "-f", "-qf", "-", "--", "--jso", "--wait", "-fq"}) {
		const std::string message =
			refusal_of([&] { split_command_line({word, "log", "web"}); });
		EXPECT_TRUE(message.starts_with(text("unknown option '", word, "' before")))
			<< message;
	}
}

TEST(CommandLine, MayHaveAFormatBeforeTheCommand)
{
	for (const Words &words : {Words{"-o", "json"}, {"-ojson"}, {"-qo", "json"}, {"-qojson"},
				   {"--output", "json"}, {"--output=json"}}) {
		Words whole = words;
		whole.insert(whole.end(), {"list", "-v"});
		const CommandLine line = split_command_line(whole);
		EXPECT_EQ(line.command, "list");
		EXPECT_EQ(line.options, words);
		EXPECT_EQ(format_of(whole), Format::json) << words[0];
	}
	EXPECT_EQ(format_of({"log", "-n", "json", "--no", "json"}), Format::table);
}

// Behind it they are the affair of the command.
TEST(CommandLine, LeavesTheRestAlone)
{
	const CommandLine line = split_command_line({"frob", "--frob", "-V"});

	EXPECT_EQ(line.command, "frob");
	EXPECT_EQ(line.rest, (Words{"--frob", "-V"}));
	EXPECT_FALSE(line.version);
}

// With its output closed a verb that changes something does it; others would do nothing.
TEST(Verbs, ThatActAreThoseThatChangeSomething)
{
	std::set<std::string> acting;

	for (const Verb *verb : verbs())
		if (verb->acts)
			acting.insert(verb->name);
	EXPECT_EQ(acting,
		  (std::set<std::string>{"apply", "create", "destroy", "dump", "image", "move", "resize",
					 "restart", "return", "set", "start", "stop"}));
}

} // namespace
