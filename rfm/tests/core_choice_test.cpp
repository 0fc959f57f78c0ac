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

std::string refusal(const rf::Machine &machine, const List &cores, const rf::Lent &lent = {},
		    const List &own = {}, bool split = false)
{
	try {
		rf::check_cores(machine, {lent, own, split}, cores);
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

// smt_machine() as the kernel shows it: one that is offline is no sibling of anybody.
rf::Machine smt_machine_without(const List &offline)
{
	rf::Machine machine = smt_machine();

	for (const unsigned id : offline) {
		machine.cpus[id].online = false;
		machine.cpus[id].siblings = {id};
		machine.cpus[(id + 4) % 8].siblings = {(id + 4) % 8};
	}
	return machine;
}

// As the module lists them: APIC ids of siblings differ in the lowest bit.
std::vector<rf_core> module_cores()
{
	std::vector<rf_core> cores;

	for (unsigned cpu = 0; cpu < 8; cpu++) {
		rf_core core{};
		core.cpu = cpu;
		core.apic_id = cpu % 4 * 2 + cpu / 4;
		cores.push_back(core);
	}
	return cores;
}

TEST(Siblings, CountWhileTheyAreOffline)
{
	rf::Machine machine = smt_machine_without({2});
	EXPECT_EQ(refusal(machine, {6}), "") << "all that sysfs tells";

	rf::add_offline_siblings(machine, module_cores(), 1);
	EXPECT_EQ(machine.cpus[2].siblings, (List{2, 6}));
	EXPECT_EQ(machine.cpus[6].siblings, (List{2, 6}));
	EXPECT_EQ(machine.cpus[7].siblings, (List{3, 7}));
	EXPECT_NE(refusal(machine, {6}).find("core 2, which is offline"), std::string::npos);
	EXPECT_NE(refusal(machine, {6}, {{2, "web"}}).find("which belongs to subOS 'web'"),
		  std::string::npos);
	EXPECT_NE(refusal(machine, {6}, {{2, ""}}).find("changes hands"), std::string::npos);
	EXPECT_EQ(rf::pick_cores(machine, 2, -1), (List{3, 7}));
	EXPECT_EQ(pick_error(machine, 5), rf::Code::not_enough);

	// A module that does not know says nothing.
	machine = smt_machine_without({2});
	rf::add_offline_siblings(machine, module_cores(), 0);
	EXPECT_EQ(machine.cpus[6].siblings, (List{6}));
}

TEST(Siblings, MayFollow)
{
	rf::Machine machine = smt_machine_without({2});

	rf::add_offline_siblings(machine, module_cores(), 1);
	EXPECT_EQ(refusal(machine, {6}, {{2, "web"}}, {2}), "") << "for web";
	EXPECT_EQ(rf::pick_cores(machine, 1, -1, {}, {{{2, "web"}}, {2}}), (List{6}));
}

TEST(Siblings, DoNotCountWhereSmtIsOff)
{
	rf::Machine machine = smt_machine_without({4, 5, 6, 7});

	rf::add_offline_siblings(machine, module_cores(), 1);
	EXPECT_NE(refusal(machine, {2}), "");
	EXPECT_EQ(rf::split_flags(machine, false), 0u);
	machine.smt_off = true;
	EXPECT_EQ(refusal(machine, {2}), "");
	EXPECT_EQ(rf::pick_cores(machine, 2, -1), (List{2, 3}));
	EXPECT_EQ(rf::split_flags(machine, false), std::uint32_t{RF_SPLIT_SIBLINGS});
	EXPECT_NE(refusal(machine, {2}, {{6, "web"}}), "") << "taken before";
}

TEST(Siblings, AreSplitForWhoInsists)
{
	const rf::CoreRules insists{{}, {}, true};

	EXPECT_EQ(refusal(smt_machine(), {2, 4}, {}, {}, true), "");
	EXPECT_NE(refusal(smt_machine(), {0}, {}, {}, true), "");
	EXPECT_EQ(rf::pick_cores(smt_machine(), 3, -1, {}, insists), (List{3, 6, 7}));
	EXPECT_EQ(rf::pick_cores(smt_machine(), 7, -1, {}, insists), (List{1, 2, 3, 4, 5, 6, 7}));
	EXPECT_EQ(rf::split_flags(smt_machine(), true), std::uint32_t{RF_SPLIT_SIBLINGS});
	// One alone of a group, and the group: no core twice.
	const auto loses = [](const List &cores) {
		return std::find(cores.begin(), cores.end(), 3u) != cores.end();
	};
	EXPECT_EQ(rf::pick_cores(smt_machine(), 6, -1, loses, insists), (List{1, 2, 4, 5, 6, 7}));
}

// A group too large for what is left is passed over for a smaller one.
TEST(PickCores, FillsUpWithLoneCores)
{
	rf::Machine machine = smt_machine();
	machine.cpus[5].online = false;
	machine.cpus[1].siblings = {1};
	EXPECT_EQ(rf::pick_cores(machine, 3, -1), (List{1, 3, 7}));
}

// Groups of 2 and of 3: what is picked first leaves a rest that others can make up.
rf::Machine uneven_machine()
{
	rf::Machine machine = plain_machine(11);

	for (const List &group : {List{1, 2, 3}, List{4, 5, 6}, List{7, 8}, List{9, 10}})
		for (const unsigned id : group)
			machine.cpus[id].siblings = group;
	return machine;
}

TEST(PickCores, MakesUpWhatGroupsCanMakeUp)
{
	const rf::Machine machine = uneven_machine();

	EXPECT_EQ(rf::pick_cores(machine, 2, -1), (List{9, 10}));
	EXPECT_EQ(rf::pick_cores(machine, 3, -1), (List{4, 5, 6}));
	EXPECT_EQ(rf::pick_cores(machine, 4, -1), (List{7, 8, 9, 10}));
	EXPECT_EQ(rf::pick_cores(machine, 5, -1), (List{4, 5, 6, 9, 10}));
	EXPECT_EQ(rf::pick_cores(machine, 6, -1), (List{1, 2, 3, 4, 5, 6}));
	EXPECT_EQ(rf::pick_cores(machine, 10, -1), (List{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
	EXPECT_EQ(pick_error(machine, 1), rf::Code::bad_value);
	EXPECT_EQ(pick_error(machine, 9), rf::Code::bad_value);
	EXPECT_EQ(pick_error(machine, 11), rf::Code::not_enough);
}

// Something is lost only if there is no other way.
TEST(PickCores, LosesNoMoreThanTheNumberWants)
{
	const auto loses = [](const List &cores) {
		return std::find(cores.begin(), cores.end(), 9u) != cores.end();
	};
	EXPECT_EQ(rf::pick_cores(uneven_machine(), 2, -1, loses), (List{7, 8}));
	EXPECT_EQ(rf::pick_cores(uneven_machine(), 5, -1, loses), (List{4, 5, 6, 7, 8}));
	EXPECT_EQ(rf::pick_cores(uneven_machine(), 4, -1, loses), (List{7, 8, 9, 10}));
}

TEST(PickCores, SaysWhichNumbersAreNear)
{
	try {
		rf::pick_cores(uneven_machine(), 9, -1);
		ADD_FAILURE();
	} catch (const rf::Error &error) {
		EXPECT_NE(std::string(error.what()).find("ask for 8 or 10"), std::string::npos)
			<< error.what();
	}
}

} // namespace
