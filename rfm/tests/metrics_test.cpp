// SPDX-License-Identifier: GPL-2.0
// The text format of Prometheus, held against its grammar: a line that breaks it makes Prometheus
// throw away the whole file.
#include "client/ioctl.hpp"
#include "fake_module.hpp"
#include "view/metrics.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <regex>
#include <set>
#include <sstream>

namespace {

using rf::Exposition;
using rf::Metrics;

// Samples by name and labels. Fails the test for what is not in the grammar, or not as Prometheus'
// conventions have it.
std::map<std::string, double> parsed(const std::string &words)
{
	static const std::regex help("# HELP ([a-z_:][a-z0-9_:]*) (\\S.*\\.)");
	static const std::regex type("# TYPE ([a-z_:][a-z0-9_:]*) (counter|gauge)");
	static const std::regex sample(
		"([a-z_:][a-z0-9_:]*)(\\{[a-z_]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\""
		"(,[a-z_]+=\"([^\"\\\\]|\\\\[\\\\\"n])*\")*\\})? "
		"([-+]?[0-9.]+(e[-+]?[0-9]+)?|NaN)");
	std::map<std::string, double> samples;
	std::set<std::string> families;
	std::istringstream lines(words);
	std::string line, described, family;
	std::smatch found;

	EXPECT_TRUE(words.empty() || words.back() == '\n');
	while (std::getline(lines, line)) {
		EXPECT_TRUE(std::ranges::all_of(line, [](char letter) {
			return letter >= 0x20 && letter < 0x7f;
		})) << line;
		if (std::regex_match(line, found, help)) {
			described = found[1];
		} else if (std::regex_match(line, found, type)) {
			family = found[1];
			EXPECT_EQ(family, described);
			EXPECT_TRUE(families.insert(family).second) << "again: " << family;
			EXPECT_EQ(family.ends_with("_total"), found[2] == "counter") << line;
		} else if (std::regex_match(line, found, sample)) {
			EXPECT_EQ(found[1], family) << line;
			const std::string key = found[1].str() + found[2].str();
			EXPECT_TRUE(samples.emplace(key, std::stod(found[6])).second) << line;
		} else {
			ADD_FAILURE() << "not in the grammar: " << line;
		}
	}
	return samples;
}

Metrics two_suboses()
{
	Metrics metrics;
	rf::SubosMetrics web;

	metrics.version = "0.1.0";
	metrics.abi = RF_ABI_VERSION;
	metrics.pool_total = 3ull << 30;
	metrics.events = 1100;
	metrics.events_lost = 76;
	web.name = "web";
	web.id = 4;
	web.state = RF_STATE_RUNNING;
	web.uptime_seconds = 12.5;
	web.cores = 2;
	web.memory = 512 << 20;
	web.starts = 3;
	web.crashes = 2;
	web.heartbeat_age_seconds = 0.125;
	web.inside = rf_statistics{};
	web.inside->busy_ns = 2'500'000'000;
	web.inside->memory_available = 300 << 20;
	web.inside->messages_in = 7;
	web.inside->pressure[0] = 1234;
	web.inside->pressure[1] = ~0u;
	std::strcpy(web.inside->release, "6.1.0");
	metrics.suboses = {web, {}};
	metrics.suboses[1].name = "batch";
	metrics.suboses[1].state = RF_STATE_CRASHED;
	metrics.cores = {{"supervisor", 0, 2}, {"web", 4, 2}, {"", 9, 1}, {"", 10, 1}};
	return metrics;
}

TEST(Metrics, AreInTheGrammarAndInBaseUnits)
{
	const auto samples = parsed(to_exposition(two_suboses()).text());
	const auto value = [&](const std::string &key) {
		EXPECT_TRUE(samples.contains(key)) << key;
		return samples.contains(key) ? samples.at(key) : -1;
	};

	EXPECT_EQ(value("rainforest_pool_size_bytes"), 3.0 * (1 << 30));
	EXPECT_EQ(value("rainforest_events_lost_total"), 76);
	EXPECT_EQ(value("rainforest_cores{owner=\"web\",id=\"4\"}"), 2);
	EXPECT_EQ(value("rainforest_subos_state{subos=\"web\",state=\"running\"}"), 1);
	EXPECT_EQ(value("rainforest_subos_state{subos=\"web\",state=\"crashed\"}"), 0);
	EXPECT_EQ(value("rainforest_subos_state{subos=\"batch\",state=\"crashed\"}"), 1);
	EXPECT_EQ(value("rainforest_subos_uptime_seconds{subos=\"web\"}"), 12.5);
	EXPECT_EQ(value("rainforest_subos_crashes_total{subos=\"web\"}"), 2);
	EXPECT_EQ(value("rainforest_subos_heartbeat_age_seconds{subos=\"web\"}"), 0.125);
	EXPECT_EQ(value("rainforest_subos_cpu_seconds_total{subos=\"web\"}"), 2.5);
	EXPECT_EQ(value("rainforest_subos_memory_available_bytes{subos=\"web\"}"), 300 << 20);
	EXPECT_EQ(value("rainforest_subos_pressure_ratio{subos=\"web\",resource=\"cpu\"}"), 0.1234);
	EXPECT_EQ(value("rainforest_subos_ficm_messages_received_total{subos=\"web\"}"), 7);
	// What is not known is not there, and no zero.
	EXPECT_EQ(value("rainforest_subos_agent_up{subos=\"batch\"}"), 0);
	for (const char *absent : {"rainforest_subos_pressure_ratio{subos=\"web\",resource=\"memory\"}",
				   "rainforest_subos_cpu_seconds_total{subos=\"batch\"}",
				   "rainforest_subos_crashes_total{subos=\"batch\"}",
				   "rainforest_subos_heartbeat_age_seconds{subos=\"batch\"}"})
		EXPECT_FALSE(samples.contains(absent)) << absent;
}

TEST(Metrics, NoTextBreaksALine)
{
	Metrics metrics = two_suboses();
	const std::string hostile = "a\"} 1\nb{c=\"\\\\d\t\x7f\xff\xc3\xa4\x1b[2J";

	metrics.version = hostile;
	metrics.cores[1].owner = hostile;
	for (rf::SubosMetrics &subos : metrics.suboses)
		subos.name = hostile + subos.name;
	std::strcpy(metrics.suboses[0].inside->release, "6.1\\\"\n# TYPE x gauge");
	EXPECT_EQ(parsed(to_exposition(metrics).text()).size(),
		  parsed(to_exposition(two_suboses()).text()).size());
	EXPECT_EQ(rf::label_value("a\\b\"c\nd\xff"), "a\\\\b\\\"c?d?");
}

TEST(Metrics, SayWhetherThereIsAModule)
{
	EXPECT_EQ(parsed(to_exposition(two_suboses()).text()).at("rainforest_up"), 1);
	EXPECT_EQ(rf::exposition_without_module().text(),
		  "# HELP rainforest_up Whether rf_supervisor is loaded.\n"
		  "# TYPE rainforest_up gauge\nrainforest_up 0\n");
}

TEST(Metrics, NumbersAreExactAndOfNoLocale)
{
	Exposition out;

	out.family("a_bytes", Exposition::Type::gauge, "Bytes.");
	out.add({}, ~std::uint64_t{0});
	out.add({{"of", "half"}}, 0.5);
	out.add({{"of", "nothing"}}, std::numeric_limits<double>::quiet_NaN());
	out.family("b_bytes", Exposition::Type::gauge, "There are none.");
	EXPECT_EQ(out.text(), "# HELP a_bytes Bytes.\n# TYPE a_bytes gauge\n"
			      "a_bytes 18446744073709551615\na_bytes{of=\"half\"} 0.5\n"
			      "a_bytes{of=\"nothing\"} NaN\n");
	EXPECT_EQ(out.samples(), 3u);
}

TEST(Metrics, ComeFromTheModuleAndTheAgents)
{
	rf::test::FakeModule module(RF_ABI_VERSION);
	module.names = {"web"};
	const Metrics metrics = read_metrics(rf::Supervisor::open(), std::chrono::seconds(10));

	ASSERT_EQ(metrics.suboses.size(), 1u);
	EXPECT_EQ(metrics.suboses[0].starts, 3u);
	EXPECT_EQ(metrics.suboses[0].crashes, 2u);
	ASSERT_TRUE(metrics.suboses[0].inside);
	EXPECT_EQ(metrics.suboses[0].inside->messages_in, 7u);
	ASSERT_EQ(metrics.cores.size(), 2u);
	EXPECT_EQ(metrics.cores[1].owner, "web");
	EXPECT_EQ(metrics.cores[1].cores, 1u);
	parsed(to_exposition(metrics).text());
}

TEST(Metrics, OneThatDoesNotAnswerKeepsNoOther)
{
	rf::test::FakeModule module(RF_ABI_VERSION);
	module.names = {"web", "batch"};
	for (const int error : {-ETIMEDOUT, -EOPNOTSUPP, -EPROTO, -EPIPE, -ENOMEM, -EIO}) {
		module.statistics = error;
		const Metrics metrics = read_metrics(rf::Supervisor::open(), std::chrono::seconds(10));
		ASSERT_EQ(metrics.suboses.size(), 2u) << error;
		EXPECT_FALSE(metrics.suboses[0].inside);
	}
	// Nobody is asked any more when the time is over, nor one that does not run.
	module.statistics = 0;
	EXPECT_FALSE(read_metrics(rf::Supervisor::open(), std::chrono::seconds(0)).suboses[0].inside);
	module.state = RF_STATE_LOST;
	EXPECT_FALSE(read_metrics(rf::Supervisor::open(), std::chrono::seconds(10)).suboses[0].inside);
}

TEST(Metrics, AnOlderModuleDoesNotCountCrashes)
{
	rf::test::FakeModule module(2);
	module.names = {"web"};
	const Metrics metrics = read_metrics(rf::Supervisor::open(), std::chrono::seconds(10));

	EXPECT_FALSE(metrics.suboses[0].crashes);
	EXPECT_EQ(parsed(to_exposition(metrics).text())
			  .count("rainforest_subos_crashes_total{subos=\"web\"}"), 0u);
}

} // namespace
