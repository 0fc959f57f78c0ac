// SPDX-License-Identifier: GPL-2.0
#include "plan/outlook.hpp"

#include "fixture.hpp"
#include "plan/resize_plan.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

using Cores = std::vector<unsigned>;

// Cores 0 to 5, of which 4 and 5 are lent, the even ones on node 0.
Machine machine()
{
	Machine made;

	for (unsigned id = 0; id < 6; id++)
		made.cpus.push_back({.id = id,
				     .online = id < 4,
				     .node = id < 4 ? static_cast<int>(id % 2) : -1,
				     .siblings = {id},
				     .apic_id = {}});
	return made;
}

Cores picked(const Outlook &outlook, unsigned count, int node = -1)
{
	Machine seen = machine();
	Lent lent{{4, "db"}, {5, "db"}};

	outlook.foresee("web", seen, lent);
	return pick_cores(seen, count, node, {}, {lent, {}, false});
}

TEST(Outlook, CoresOfOthersAreNotPicked)
{
	EXPECT_EQ(picked({}, 2), (Cores{2, 3}));
	EXPECT_EQ(picked({.claimed = {{3, "db"}}}, 2), (Cores{1, 2}));
	EXPECT_EQ(picked({.claimed = {{3, "web"}}}, 2), (Cores{2, 3})) << "its own";
	EXPECT_THROW(picked({.claimed = {{3, "db"}, {2, "aux"}}}, 2), Error);
}

TEST(Outlook, CoresThatAreGivenUpCanBeHad)
{
	const Outlook outlook{.claimed = {{3, "db"}}, .freed = {{.cpu = 4, .owner = 1, .node = 0}}};
	Machine seen = machine();
	Lent lent{{4, "db"}, {5, "db"}};

	EXPECT_EQ(picked(outlook, 2), (Cores{2, 4}));
	EXPECT_EQ(picked(outlook, 2, 0), (Cores{2, 4}));
	outlook.foresee("web", seen, lent);
	EXPECT_NO_THROW(check_cores(seen, {lent, {}, false}, {4}));
	EXPECT_NE(test::refusal([&] { check_cores(seen, {lent, {}, false}, {5}); })
			  .find("core 5 belongs to subOS 'db'"),
		  std::string::npos);
}

TEST(Outlook, FunctionsThatAreGivenUpCanBeHad)
{
	Inventory inventory{{{.bdf = 8, .owner = 1, .problem = RF_PROBLEM_LENT, .group = 8},
			     {.bdf = 16, .owner = 1, .problem = RF_PROBLEM_LENT, .group = 16}},
			    {{1, "db"}}};

	Outlook{.functions = {8}}.foresee(inventory);
	EXPECT_NO_THROW(check_functions(inventory, {8}, 0, 0));
	EXPECT_THROW(check_functions(inventory, {16}, 0, 0), Error);
}

TEST(Outlook, MemoryIsCounted)
{
	const Outlook outlook{.given_up = 10, .taken = {{-1, 4}, {0, 8}, {1, 16}}};

	EXPECT_EQ(outlook.left(0, 100), 102u);
	EXPECT_EQ(outlook.left(1, 100), 94u);
	EXPECT_EQ(outlook.left(-1, 100), 82u);
	EXPECT_EQ(outlook.left(-1, 10), 0u);
	EXPECT_EQ(Outlook{}.left(-1, 100), 100u);
}

// They stay on the node that its definition wants.
TEST(Outlook, MoreCoresCanBeWantedOnANode)
{
	const Holdings now{"web", {0}, 0, {}};

	EXPECT_EQ(core_count_change("2", now, machine()).add, Cores{3});
	EXPECT_EQ(core_count_change("2", now, machine(), {}, {}, 0).add, Cores{2});
}

} // namespace
} // namespace rf
