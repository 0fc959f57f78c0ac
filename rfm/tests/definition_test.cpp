// SPDX-License-Identifier: GPL-2.0
// Definitions as text: what is printed is read again.
#include "fixture.hpp"
#include "plan/config.hpp"
#include "plan/definition_text.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace rf {
namespace {

const std::span<const Option> options = create_verb.options;
const std::string needed = "mem = \"1G\"\nkernel = \"/boot/vmlinuz\"\n";

std::vector<NamedConfig> parse(const std::string &content)
{
	return parse_definitions(content, "test.toml", "test", options);
}

std::string error_of(const std::string &content)
{
	return test::refusal([&] { parse(content); });
}

rf_status status_of(std::vector<unsigned> cores, std::uint64_t memory)
{
	rf_status status{};

	status.id = 7;
	status.memory = memory;
	status.nr_cpus = static_cast<std::uint32_t>(cores.size());
	std::copy(cores.begin(), cores.end(), status.cpus);
	status.on_reboot = RF_POLICY_RESTART;
	status.hang_timeout_ms = 10000;
	return status;
}

TEST(DefinitionText, IsReadAgain)
{
	const Values values = {{"cores", "3,1-2"},
			       {"mem", "640M"},
			       {"pci", "0000:00:04.0,0000:01:00.0"},
			       {"append", "x=\"a  b\\\" #c\"\t-- é\x7f"},
			       {"no-console", "yes"},
			       {"restarts", "0"},
			       {"timeout", "060"},
			       {"kernel", "/boot/vmlinuz"},
			       {"uart", "ttyS1"}};
	const std::string toml = definition_text("web-1", values, options);
	const auto read = parse(toml);

	ASSERT_EQ(read.size(), 1u) << toml;
	EXPECT_EQ(read[0].name, "web-1");
	EXPECT_EQ(read[0].values, values) << toml;
	EXPECT_TRUE(toml.starts_with("[web-1]\ncores = \"3,1-2\"\nmem = \"640M\"\n")) << toml;
	EXPECT_NE(toml.find("\nno-console = true\n"), std::string::npos) << toml;
	EXPECT_NE(toml.find("\nrestarts = 0\n"), std::string::npos) << toml;
	EXPECT_EQ(parse(definition_text("5", {{"mem", "1G"}}, options))[0].name, "5");
}

TEST(DefinitionText, HasWhatTheSubosHasByNow)
{
	Definition definition;
	definition.request.values = {{"ncores", "2"}, {"mem", "1G"}, {"pci", "00:04.0"},
				     {"on-crash", "keep"}};
	rf_status status = status_of({4, 2, 3}, 1152ull << 20);
	status.on_crash = RF_POLICY_DESTROY;
	// Core 3 is lent to it, core 6 by it.
	const std::vector<rf_core> cores = {{2, 2, 7, 0, 0, 0}, {3, 3, 7, 5, 0, 0},
					    {4, 4, 7, 0, 0, 0}, {6, 6, 5, 7, 0, 0}};

	const Values values = present_values(definition, status, own_cores(status, cores));
	EXPECT_EQ(values.at("cores"), "4,2,6");
	EXPECT_EQ(values.at("mem"), "1152M");
	EXPECT_FALSE(values.contains("pci"));
	EXPECT_FALSE(values.contains("ncores"));
	EXPECT_EQ(values.at("on-crash"), "destroy");
	EXPECT_FALSE(values.contains("on-reboot")) << "it is the default, and was not given";
}

TEST(DefinitionText, HasTimesToTheMillisecond)
{
	Definition definition;
	rf_status status = status_of({2}, 1ull << 30);

	status.hang_timeout_ms = 1500;
	EXPECT_EQ(present_values(definition, status, {2}).at("hang-timeout"), "1500ms");
	definition.request.values = {{"hang-timeout", "90"}};
	status.hang_timeout_ms = 90'000;
	EXPECT_EQ(present_values(definition, status, {2}).at("hang-timeout"), "90") << "as it was given";
}

TEST(Definitions, HaveATableEachOrTheNameOfTheFile)
{
	const auto alone = parse("cores = \"2\"\n" + needed);
	ASSERT_EQ(alone.size(), 1u);
	EXPECT_EQ(alone[0].name, "test");

	const auto both = parse("[web]\ncores = 2\n[db]\nncores = 1\nno-start = true\n");
	ASSERT_EQ(both.size(), 2u);
	EXPECT_EQ(both[0].name, "web");
	EXPECT_EQ(both[1].name, "db");
	EXPECT_EQ(both[1].values, (Values{{"ncores", "1"}, {"no-start", "yes"}}));
}

TEST(Definitions, AreRefusedWithLineAndKey)
{
	const std::pair<const char *, const char *> table[] = {
		{"mem = \"1G\"\n[web]\n", "line 1: key 'mem' stands outside of the tables"},
		{"[web]\n[Web]\n", "line 2: "},
		{"[web]\ncolour = 1\n", "line 2: unknown key 'colour'; keys are: cores, "},
		{"[web]\nmem = true\n", "line 2: the value of key 'mem' is not text"},
		{"mem = {a = 1}\n", "line 1: the value of key 'mem' is not text"},
		{"[web]\n[web]\n", "line 2: "},
		{"[web.db]\nmem = 1\n", "unknown key 'db'"},
	};

	for (const auto &[content, said] : table)
		EXPECT_NE(error_of(content).find(said), std::string::npos)
			<< content << error_of(content);
}

} // namespace
} // namespace rf
