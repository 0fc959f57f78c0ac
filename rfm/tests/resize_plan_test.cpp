// SPDX-License-Identifier: GPL-2.0
#include "plan/resize_plan.hpp"

#include "base/sizes.hpp"
#include "fixture.hpp"
#include "plan/create_options.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

constexpr std::uint64_t M = 1 << 20;

const Holdings web{"web", {4, 2, 3}, 1024 * M, {RF_BDF(0, 1, 0), RF_BDF(0, 2, 0)}};

// Eight cores without SMT, of which web has its own.
Machine machine()
{
	Machine machine;

	for (unsigned id = 0; id < 8; id++) {
		const bool online = id < 2 || id > 4;
		machine.cpus.push_back({id, online, 0, {id}, id});
	}
	machine.possible = 8;
	machine.nodes = {0};
	return machine;
}

TEST(ResizePlan, Cores)
{
	using Cores = std::vector<unsigned>;
	const std::tuple<const char *, Cores, Cores> table[] = {
		{"4,2-3", {}, {}},	     {"2-4", {}, {}},	 {"4-6", {2, 3}, {5, 6}},
		{"4", {2, 3}, {}},	     {"+5", {}, {5}},	 {"+7,5-6", {}, {7, 5, 6}},
		{"-2", {2}, {}},	     {"-2-3", {2, 3}, {}}, {"2-3,5", {4}, {5}},
	};
	for (const auto &[value, remove, add] : table) {
		const CoreChange change = core_change(value, web);
		EXPECT_EQ(change.remove, remove) << value;
		EXPECT_EQ(change.add, add) << value;
	}
	for (const char *value : {"", "+", "-", "++1", "+-1", "a", "3-2", "2,2"})
		EXPECT_NE(test::refusal([&] { core_change(value, web); }), "") << value;
	EXPECT_EQ(test::refusal([&] { core_change("+3", web); }),
		  "core 3 belongs to subOS 'web' already");
}

TEST(ResizePlan, NumberOfCores)
{
	using Cores = std::vector<unsigned>;
	const std::tuple<const char *, Cores, Cores> table[] = {
		{"3", {}, {}},	   {"4", {}, {7}}, {"+2", {}, {6, 7}},
		{"2", {3}, {}},	   {"1", {2, 3}, {}}, {"-1", {3}, {}},
	};
	for (const auto &[value, remove, add] : table) {
		const CoreChange change = core_count_change(value, web, machine());
		EXPECT_EQ(change.remove, remove) << value;
		EXPECT_EQ(change.add, add) << value;
	}
	for (const char *value : {"0", "", "+", "-0", "x", "257"})
		EXPECT_NE(test::refusal([&] { core_count_change(value, web, machine()); }), "") << value;
	EXPECT_NE(test::refusal([&] { core_count_change("-3", web, machine()); }).find("at most 2"),
		  std::string::npos);
	EXPECT_THROW(core_count_change("+6", web, machine()), Error);
}

TEST(ResizePlan, Memory)
{
	const std::tuple<const char *, std::uint64_t, std::uint64_t> table[] = {
		{"1G", 0, 0},	      {"2G", 0, 1024 * M},  {"512M", 512 * M, 0},
		{"+128M", 0, 128 * M}, {"-128M", 128 * M, 0}, {"0x50000000", 0, 256 * M},
	};
	for (const auto &[value, remove, add] : table) {
		const MemoryChange change = memory_change(value, web);
		EXPECT_EQ(change.remove, remove) << value;
		EXPECT_EQ(change.add, add) << value;
	}
	for (const char *value :
	     {"", "+", "-", "0", "+0", "-1G", "-2G", "lots", "+-1M", "+1M", "-512MB"})
		EXPECT_NE(test::refusal([&] { memory_change(value, web); }), "") << value;
}

TEST(ResizePlan, Functions)
{
	using Bdfs = std::vector<std::uint32_t>;
	const std::tuple<const char *, Bdfs, Bdfs> table[] = {
		{"+03:00.0", {}, {RF_BDF(0, 3, 0)}},
		{"+03:00.0,0000:04:00.1", {}, {RF_BDF(0, 3, 0), RF_BDF(0, 4, 1)}},
		{"-01:00.0,02:00.0", {RF_BDF(0, 1, 0), RF_BDF(0, 2, 0)}, {}},
		{"+03:00.0,-01:00.0", {RF_BDF(0, 1, 0)}, {RF_BDF(0, 3, 0)}},
	};
	for (const auto &[value, remove, add] : table) {
		const FunctionChange change = function_change(value, web);
		EXPECT_EQ(change.remove, remove) << value;
		EXPECT_EQ(change.add, add) << value;
	}
	for (const char *value : {"", "+", "-", "03:00.0", "03:00.0,+04:00.0", "++03:00.0",
				  "+03:00.0,", "+03:00.0,+03:00.0", "+03:00.0,-03:00.0"})
		EXPECT_NE(test::refusal([&] { function_change(value, web); }), "") << value;
	EXPECT_EQ(test::refusal([&] { function_change("+01:00.0", web); }),
		  "PCI function 0000:01:00.0 belongs to subOS 'web' already");
	EXPECT_EQ(test::refusal([&] { function_change("-03:00.0", web); }),
		  "PCI function 0000:03:00.0 does not belong to subOS 'web': it has 0000:01:00.0, "
		  "0000:02:00.0");

	Holdings full = web;
	while (full.functions.size() < RF_FUNCTIONS_MAX)
		full.functions.push_back(RF_BDF(1, 0, full.functions.size()));
	EXPECT_NE(test::refusal([&] { function_change("+03:00.0", full); }).find("at most 16"),
		  std::string::npos);
	EXPECT_NO_THROW(function_change("+03:00.0,-01:00.0", full));
}

TEST(ResizePlan, WhatItCanLose)
{
	EXPECT_NO_THROW(check_removable({2, 3}, web));
	EXPECT_NE(test::refusal([] { check_removable({4}, web); }).find("boot core"), std::string::npos);
	EXPECT_NE(test::refusal([] { check_removable({2, 5}, web); }).find("does not belong"),
		  std::string::npos);
}

TEST(ResizePlan, WhatItCanGet)
{
	EXPECT_NO_THROW(check_addable({5, 6}, web, machine(), {}));
	EXPECT_NE(test::refusal([] { check_addable({0}, web, machine(), {}); }), "");
	EXPECT_NE(test::refusal([] { check_addable({5}, web, machine(), {{{5, "db"}}}); }).find("'db'"),
		  std::string::npos);

	Machine smt = machine();
	smt.cpus[6].siblings = smt.cpus[7].siblings = {6, 7};
	EXPECT_NO_THROW(check_addable({6, 7}, web, smt, {}));
	EXPECT_NE(test::refusal([&] { check_addable({6}, web, smt, {}); }).find("SMT"),
		  std::string::npos);
}

// web has 2, 6, 3 and 7 of a machine of four cores with two threads each, which is offline.
class ResizePlanSmt : public testing::Test {
protected:
	ResizePlanSmt()
	{
		for (unsigned id = 0; id < 8; id++)
			machine.cpus.push_back(
				{id, id % 4 < 2, 0, {id % 4, id % 4 + 4}, std::nullopt});
	}

	std::string parted(const std::vector<unsigned> &cores)
	{
		return test::refusal([&] { check_none_parted(cores, web, machine); });
	}

	Machine machine;
	const Holdings web{"web", {2, 6, 3, 7}, 1024 * M, {}};
	const CoreRules rules{{{2, "web"}, {6, "web"}, {3, "web"}, {7, "web"}}, web.cores};
	const CoreRules insists{rules.lent, rules.own, true};
};

TEST_F(ResizePlanSmt, NoSiblingIsLeftBehind)
{
	EXPECT_EQ(parted({3, 7}), "");
	EXPECT_EQ(parted({}), "");
	EXPECT_NE(parted({7}).find("core 7 is an SMT sibling of core 3, which would stay with "
				   "subOS 'web': add core 3 or leave out core 7"),
		  std::string::npos);
	EXPECT_NE(parted({3, 7, 6}).find("core 2, the boot core"), std::string::npos);
	EXPECT_NE(parted({6}).find("--allow-smt-split"), std::string::npos);
}

TEST_F(ResizePlanSmt, OneThatIsKeptKeepsNoOthers)
{
	using Cores = std::vector<unsigned>;

	EXPECT_EQ(unparted({7, 6, 3}, web, machine), (Cores{7, 3}));
	EXPECT_EQ(unparted({6}, web, machine), Cores{});
	EXPECT_EQ(unparted({6, 2, 3, 7}, web, machine), (Cores{6, 2, 3, 7}));
	EXPECT_EQ(unparted({}, web, machine), Cores{});
}

TEST_F(ResizePlanSmt, NumbersAreOfWholeGroups)
{
	using Cores = std::vector<unsigned>;
	const auto remove = [&](const char *value, const CoreRules &how) {
		return core_count_change(value, web, machine, {}, how).remove;
	};
	EXPECT_EQ(remove("-2", rules), (Cores{3, 7}));
	EXPECT_EQ(remove("2", rules), (Cores{3, 7}));
	EXPECT_EQ(remove("-1", insists), (Cores{7}));
	EXPECT_EQ(remove("-3", insists), (Cores{6, 3, 7}));
	for (const char *value : {"-1", "-3", "3", "1"})
		EXPECT_NE(test::refusal([&] { remove(value, rules); })
				  .find("these numbers can be taken: 2; --allow-smt-split"),
			  std::string::npos)
			<< value;
	EXPECT_EQ(core_count_change("+2", web, machine, {}, rules).add, (Cores{1, 5}));
	EXPECT_NE(test::refusal([&] { core_count_change("+1", web, machine, {}, rules); }), "");
}

TEST_F(ResizePlanSmt, OnlyTheReceiverMayHaveASibling)
{
	const Holdings db{"db", {5}, 1024 * M, {}};
	const CoreRules with_5{{{5, "db"}}, {5}}, without_it{{{5, "db"}}, {}};

	machine.cpus[5].online = false;
	EXPECT_NO_THROW(check_addable({1}, db, machine, with_5));
	EXPECT_NE(test::refusal([&] { check_addable({1}, web, machine, without_it); })
			  .find("core 5, which belongs to subOS 'db'"),
		  std::string::npos);
	EXPECT_NO_THROW(check_together(machine, {rules.lent, {}, true}, {7}));
	EXPECT_NE(test::refusal([&] { check_together(machine, {rules.lent, {}}, {7}); }), "");
}

// A value that begins with a dash is not taken for an option.
TEST(ResizePlan, SignedValuesOnTheCommandLine)
{
	const Request request = parse_request(
		*find_verb("resize"), {"web", "--cores", "-2-3", "--mem", "-512M", "--timeout=5"});

	EXPECT_EQ(request.operands, std::vector<std::string>{"web"});
	EXPECT_EQ(request.value("cores"), "-2-3");
	EXPECT_EQ(request.value("mem"), "-512M");
	EXPECT_EQ(request.value("timeout"), "5");
}

TEST(ResizePlan, RepeatedOptionsOnTheCommandLine)
{
	const Request request = parse_request(
		*find_verb("resize"), {"web", "--pci", "+03:00.0", "--pci=-01:00.0,02:00.0"});

	EXPECT_EQ(request.value("pci"), "+03:00.0,-01:00.0,02:00.0");
	EXPECT_THROW(parse_request(*find_verb("resize"), {"web", "--mem", "1G", "--mem", "2G"}),
		     Error);
}

} // namespace
} // namespace rf
