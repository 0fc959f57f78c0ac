// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "plan/core_choice.hpp"

#include <gtest/gtest.h>

namespace {

using List = std::vector<unsigned>;

// Two nodes of four cores, two siblings each, numbered as Linux does on servers:
// 0-3 first threads (0, 1 on node 0), 4-7 their siblings.
rf::Machine smt_machine()
{
	rf::Machine machine;

	machine.possible = 8;
	machine.nodes = {0, 1};
	for (unsigned id = 0; id < 8; id++)
		machine.cpus.push_back(
			{id, true, id % 4 < 2 ? 0 : 1, {id % 4, id % 4 + 4}, id * 2});
	return machine;
}

rf::Machine plain_machine(unsigned cores)
{
	rf::Machine machine;

	machine.nodes = {0};
	for (unsigned id = 0; id < cores; id++)
		machine.cpus.push_back({id, true, 0, {id}, id});
	return machine;
}

std::string refusal(const rf::Machine &machine, const List &cores, const rf::Lent &lent = {})
{
	try {
		rf::check_cores(machine, lent, cores);
	} catch (const rf::Error &error) {
		EXPECT_EQ(error.code(), rf::Code::bad_value);
		return error.what();
	}
	return "";
}

rf::Code pick_error(const rf::Machine &machine, unsigned count, int node = -1)
{
	try {
		rf::pick_cores(machine, count, node);
	} catch (const rf::Error &error) {
		return error.code();
	}
	return rf::Code::ok;
}

TEST(CheckCores, AcceptsWholeGroups)
{
	EXPECT_EQ(refusal(smt_machine(), {2, 6}), "");
	EXPECT_EQ(refusal(smt_machine(), {7, 3, 1, 5}), "");
	EXPECT_EQ(refusal(plain_machine(4), {3, 2}), "");
}

TEST(CheckCores, RefusesCoreZeroUnknownOfflineLentAndNone)
{
	rf::Machine machine = plain_machine(4);
	machine.cpus[2].online = false;

	EXPECT_NE(refusal(machine, {0}).find("core 0"), std::string::npos);
	EXPECT_NE(refusal(machine, {9}).find("core 9 does not exist"), std::string::npos);
	EXPECT_NE(refusal(machine, {2}).find("core 2 is offline"), std::string::npos);
	EXPECT_NE(refusal(machine, {2}, {{2, "web"}}).find("'web'"), std::string::npos);
	EXPECT_NE(refusal(machine, {9}).find("1,3"), std::string::npos) << "says what can be given";
	EXPECT_NE(refusal(machine, {}), "");
}

TEST(CheckCores, RefusesSplitSiblings)
{
	EXPECT_NE(refusal(smt_machine(), {2}).find("add core 6"), std::string::npos);
	EXPECT_NE(refusal(smt_machine(), {2, 6, 3}).find("add core 7"), std::string::npos);
	EXPECT_NE(refusal(smt_machine(), {4}).find("sibling of core 0"), std::string::npos);
}

TEST(PickCores, TakesTheHighestAsWholeGroups)
{
	EXPECT_EQ(rf::pick_cores(smt_machine(), 2, -1), (List{3, 7}));
	EXPECT_EQ(rf::pick_cores(smt_machine(), 4, -1), (List{2, 3, 6, 7}));
	EXPECT_EQ(rf::pick_cores(plain_machine(4), 2, -1), (List{2, 3}));
	EXPECT_EQ(rf::pick_cores(plain_machine(4), 3, -1), (List{1, 2, 3}));
}

TEST(PickCores, KeepsToTheNode)
{
	EXPECT_EQ(rf::pick_cores(smt_machine(), 2, 0), (List{1, 5}));
	EXPECT_EQ(pick_error(smt_machine(), 4, 0), rf::Code::not_enough);
}

TEST(PickCores, RefusesZeroTooManyAndOdd)
{
	EXPECT_EQ(pick_error(smt_machine(), 0), rf::Code::bad_value);
	EXPECT_EQ(pick_error(smt_machine(), 3), rf::Code::bad_value);
	EXPECT_EQ(pick_error(smt_machine(), 7), rf::Code::not_enough);
	EXPECT_EQ(pick_error(plain_machine(1), 1), rf::Code::not_enough);
}

TEST(PickCores, SkipsOfflineCores)
{
	rf::Machine machine = plain_machine(4);
	machine.cpus[3].online = false;
	EXPECT_EQ(rf::pick_cores(machine, 2, -1), (List{1, 2}));
}

TEST(PickCores, PrefersCoresThatLoseNothing)
{
	const auto loses = [](const List &cores) {
		return std::find(cores.begin(), cores.end(), 3u) != cores.end();
	};
	EXPECT_EQ(rf::pick_cores(plain_machine(4), 2, -1, loses), (List{1, 2}));
	EXPECT_EQ(rf::pick_cores(plain_machine(4), 3, -1, loses), (List{1, 2, 3}));
	EXPECT_EQ(rf::pick_cores(smt_machine(), 2, -1, loses), (List{2, 6}));
}

// What may be lost may be lost by two cores together.
TEST(PickCores, AsksForCoresTogether)
{
	const auto loses = [](const List &cores) {
		return std::find(cores.begin(), cores.end(), 3u) != cores.end() &&
		       std::find(cores.begin(), cores.end(), 2u) != cores.end();
	};
	EXPECT_EQ(rf::pick_cores(plain_machine(4), 2, -1, loses), (List{1, 3}));
}

// A group too large for what is left is passed over for a smaller one.
TEST(PickCores, FillsUpWithLoneCores)
{
	rf::Machine machine = smt_machine();
	machine.cpus[5].online = false;
	machine.cpus[1].siblings = {1};
	EXPECT_EQ(rf::pick_cores(machine, 3, -1), (List{1, 3, 7}));
}

} // namespace
