// SPDX-License-Identifier: GPL-2.0
#include "plan/apply_plan.hpp"

#include "fixture.hpp"
#include "operations/undo.hpp"
#include "plan/definition_text.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

constexpr std::uint64_t M = 1 << 20;

Wanted wanted(Values more = {})
{
	Wanted one{"web.toml", {}, {}};

	one.request.operands = {"web"};
	one.request.values = {{"cores", "2-3"},
			      {"mem", "512M"},
			      {"kernel", "/boot/vmlinuz-1"},
			      {"initrd", "/boot/initrd.img-1"}};
	if (more.contains("ncores"))
		one.request.values.erase("cores");
	for (const auto &[key, value] : more)
		one.request.values[key] = value;
	one.options = parse_create_options(one.request);
	return one;
}

// As it is right after it was created so.
Present present(const Wanted &as)
{
	Present now;

	now.definition = parse_definition(
		"web", format_definition(as.options, *as.options.initrd, std::nullopt));
	now.cores = {2, 3};
	now.status.state = RF_STATE_RUNNING;
	now.status.memory = 512 * M;
	now.status.block_size = 128 * M;
	now.status.nr_cpus = 2;
	now.status.cpus[0] = 2;
	now.status.cpus[1] = 3;
	now.status.on_crash = as.options.policies.on_crash;
	now.status.on_reboot = as.options.policies.on_reboot;
	now.status.hang_timeout_ms = as.options.policies.hang_timeout_ms;
	return now;
}

const Present running = present(wanted());

template <typename List> std::string keys(const List &changes)
{
	std::string all;

	for (const auto &change : changes)
		all += (all.empty() ? "" : " ") + change.key;
	return all;
}

std::string why_not(const Wanted &one, const Present &now, Code code)
{
	try {
		plan_apply(one, now, "");
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), code) << error.what();
		return error.what();
	}
	return "";
}

TEST(ApplyPlan, OfWhatIsSoAlreadyIsEmpty)
{
	for (const Values &values :
	     {Values{}, Values{{"cores", "3,2"}}, Values{{"ncores", "2"}}, Values{{"mem", "0x20000000"}},
	      Values{{"on-crash", "keep"}, {"restarts", "5"}}, Values{{"append", ""}},
	      Values{{"no-start", "yes"}, {"allow-smt-split", "yes"}}})
		EXPECT_TRUE(plan_apply(wanted(values), running, "").is_empty()) << Json(values);
}

TEST(ApplyPlan, OfWhatWasExportedIsEmpty)
{
	const Wanted made = wanted({{"on-crash", "restart"}, {"restarts", "2"}, {"append", "a \"b c\""},
				    {"timeout", "5"}, {"hang-timeout", "3"}});
	Present now = present(made);
	now.status.memory = 640 * M;
	now.status.cpus[2] = 5;
	now.status.nr_cpus = 3;
	now.cores = {2, 3, 5};
	const std::string toml = definition_text(
		"web", present_values(now.definition, now.status, now.cores), create_verb.options);
	const auto read = parse_definitions(toml, "f", "f", create_verb.options);
	Wanted again{"f", {}, {}};
	again.request.operands = {read[0].name};
	again.request.values = read[0].values;
	again.options = parse_create_options(again.request);

	EXPECT_TRUE(plan_apply(again, now, "").is_empty()) << toml;
	EXPECT_EQ(keys(plan_apply(made, now, "").resize), "cores mem");
}

TEST(ApplyPlan, SortsByWhatItTakes)
{
	const ApplyPlan plan = plan_apply(wanted({{"cores", "2-4"},
						  {"mem", "1G"},
						  {"pci", "00:04.0"},
						  {"on-reboot", "keep"},
						  {"timeout", "5"},
						  {"append", "quiet"},
						  {"kernel", "/boot/vmlinuz-2"}}),
					  running, "");
	EXPECT_EQ(keys(plan.resize), "cores mem pci");
	EXPECT_EQ(keys(plan.set), "on-reboot timeout");
	EXPECT_EQ(keys(plan.restart), "kernel append");
	EXPECT_TRUE(plan.needs_restart());
	EXPECT_FALSE(plan.start);
	EXPECT_EQ(plan.resize[0].before, "2-3");
	EXPECT_EQ(plan.resize[0].after, "2-4");
	EXPECT_EQ(plan.resize[2].before, "none");
	EXPECT_EQ(setting_words(plan.set), (std::vector<std::string>{"on-reboot=keep", "timeout=5"}));
	const auto on = plan_apply(wanted({{"no-console", "yes"}}), running, "").restart;
	EXPECT_EQ(setting_words(on), std::vector<std::string>{"no-console=true"});
}

// It comes in blocks: a second apply must find nothing to do.
TEST(ApplyPlan, MemoryMayBeUpToABlockMore)
{
	Present now = running;
	const std::pair<std::uint64_t, bool> table[] = {
		{512, true}, {514, true}, {638, true}, {640, false}, {510, false}, {384, false}};

	for (const auto &[memory, enough] : table) {
		now.status.memory = memory * M;
		EXPECT_EQ(plan_apply(wanted(), now, "").resize.empty(), enough) << memory;
	}
	// Not known before its agent reported.
	now.status.block_size = 0;
	now.status.memory = 514 * M;
	EXPECT_FALSE(plan_apply(wanted(), now, "").resize.empty());
}

TEST(ApplyPlan, InitrdThatIsNotNamedIsTheKernelsOwn)
{
	Wanted one = wanted();
	one.request.values.erase("initrd");
	one.options = parse_create_options(one.request);

	EXPECT_TRUE(plan_apply(one, running, "/boot/initrd.img-1").is_empty());
	EXPECT_EQ(keys(plan_apply(one, running, "/boot/initrd.img-2").restart), "initrd");
}

TEST(ApplyPlan, WhatEndedIsStartedUnlessItIsNotTo)
{
	Present now = running;
	for (const rf_state state : {RF_STATE_STOPPED, RF_STATE_CRASHED, RF_STATE_LOADED}) {
		now.status.state = state;
		EXPECT_TRUE(plan_apply(wanted(), now, "").start);
		EXPECT_TRUE(plan_apply(wanted({{"no-start", "yes"}}), now, "").is_empty());
		EXPECT_NE(why_not(wanted({{"no-start", "yes"}, {"mem", "1G"}}), now, Code::not_up)
				  .find("'rfm start web' first"),
			  std::string::npos);
	}
}

TEST(ApplyPlan, DoesNotLoadWhatIsLoaded)
{
	Present now = running;
	now.status.state = RF_STATE_LOADED;
	EXPECT_NE(why_not(wanted({{"append", "quiet"}}), now, Code::busy)
			  .find("subOS 'web' is loaded as it is, and append takes another boot image: "
				"'rfm start web' first"),
		  std::string::npos);
}

TEST(ApplyPlan, RefusesWhatCannotBe)
{
	for (const Values &values : {Values{{"numa", "1"}}, Values{{"require-iommu", "yes"}}})
		EXPECT_NE(why_not(wanted(values), running, Code::bad_value)
				  .find("cannot be changed while it exists: 'rfm destroy web' first"),
			  std::string::npos);
	Present now = running;
	now.status.state = RF_STATE_STOPPING;
	EXPECT_NE(why_not(wanted(), now, Code::busy), "");
	now.status.state = RF_STATE_LOST;
	EXPECT_EQ(why_not(wanted({{"on-crash", "destroy"}}), now, Code::not_up), "");
	EXPECT_NE(why_not(wanted({{"mem", "1G"}}), now, Code::not_up), "");
}

// It was named by the kernel that was there, and is not to follow to the new one.
TEST(ApplyPlan, InitrdThatIsNamedStays)
{
	const Wanted newer = wanted({{"kernel", "/boot/vmlinuz-2"}});
	const ApplyPlan plan = plan_apply(newer, running, "");

	EXPECT_EQ(keys(plan.restart), "kernel");
	EXPECT_EQ(restart_words(plan), (std::vector<std::string>{"kernel=/boot/vmlinuz-2",
								 "initrd=/boot/initrd.img-1"}));
	const Values set = with_settings("web", running.definition.request.values, restart_words(plan));
	EXPECT_EQ(set.at("initrd"), "/boot/initrd.img-1");
}

// `defined` between the end of one kernel and the next.
TEST(ApplyPlan, OfOneThatIsBeingRestartedSaysSo)
{
	Present now;
	now.status.state = RF_STATE_DEFINED;
	EXPECT_NE(why_not(wanted({{"numa", "1"}}), now, Code::busy).find("wait until that is done"),
		  std::string::npos);
}

TEST(ApplyPlan, ComparesWithThePoliciesThatThereAre)
{
	Present now = present(wanted({{"on-crash", "restart"}}));
	now.status.on_crash = RF_POLICY_KEEP;
	EXPECT_EQ(keys(plan_apply(wanted({{"on-crash", "restart"}}), now, "").set), "on-crash");
}

TEST(Undo, GoesBackWhateverFails)
{
	std::string done;
	Undo undo;

	undo.add("one", [&] { done += "1"; });
	undo.add("two", [&] { throw Error(Code::incomplete, "it is stuck"); });
	undo.add("three", [&] { done += "3"; });
	undo.add("four", [&] { throw std::bad_alloc(); });
	undo.add("five", [&] { throw 5; });
	EXPECT_FALSE(undo.empty());
	undo.run([&](const std::string &what) { done += what[0]; });
	EXPECT_EQ(done, "fft3to1");
	EXPECT_TRUE(undo.empty());
	EXPECT_EQ(undo.failures(), (std::vector<std::string>{"five: unexpected", "four: std::bad_alloc",
							     "two: it is stuck"}));
}

} // namespace
} // namespace rf
