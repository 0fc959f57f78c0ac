// SPDX-License-Identifier: GPL-2.0
#include "supervisor/ledger/ledger.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t count = 300, web = 1, batch = 2, web_core = 7;

class LedgerCores : public testing::Test {
protected:
	void SetUp() override
	{
		rf_ledger_core_init(&table, entries.data(), count);
		for (std::uint32_t cpu = 0; cpu < count; cpu++)
			ASSERT_EQ(rf_ledger_core_add(&table, cpu, 1000 + cpu), 0);
	}

	void TearDown() override
	{
		EXPECT_STREQ(rf_ledger_core_check(&table), nullptr);
	}

	/* Bring a core into a state by allowed transitions. */
	void bring(std::uint32_t cpu, std::uint32_t owner, rf_core_state state)
	{
		static const std::vector<rf_core_state> ways[] = {
			{},
			{RF_CORE_COMING},
			{RF_CORE_COMING, RF_CORE_LENT},
			{RF_CORE_COMING, RF_CORE_LENT, RF_CORE_LEAVING},
			{RF_CORE_COMING, RF_CORE_LENT, RF_CORE_LEAVING, RF_CORE_RETURNING},
		};
		std::uint32_t from = 0;

		for (auto next : ways[state]) {
			ASSERT_EQ(rf_ledger_core_move(&table, cpu, from, owner, next), 0);
			from = owner;
		}
	}

	std::vector<std::uint32_t> list(std::uint32_t owner)
	{
		std::vector<std::uint32_t> cpus(RF_CPUS_MAX);

		cpus.resize(rf_ledger_core_list(&table, owner, cpus.data(), RF_CPUS_MAX));
		return cpus;
	}

	/* A refused change changes nothing. */
	void refuse(int error, std::uint32_t cpu, std::uint32_t from, std::uint32_t to,
		    rf_core_state state)
	{
		const auto before = entries;

		EXPECT_EQ(rf_ledger_core_move(&table, cpu, from, to, state), error);
		EXPECT_EQ(std::memcmp(before.data(), entries.data(),
				      count * sizeof(entries[0])), 0);
	}

	std::vector<rf_core_entry> entries = std::vector<rf_core_entry>(count);
	rf_core_table table = {};
};

TEST_F(LedgerCores, FollowTheTableAndNothingElse)
{
	const std::set<std::pair<int, int>> allowed = {
		{RF_CORE_HOME, RF_CORE_COMING},	    {RF_CORE_COMING, RF_CORE_HOME},
		{RF_CORE_COMING, RF_CORE_LENT},	    {RF_CORE_COMING, RF_CORE_RETURNING},
		{RF_CORE_LENT, RF_CORE_LEAVING},    {RF_CORE_LEAVING, RF_CORE_LENT},
		{RF_CORE_LEAVING, RF_CORE_RETURNING}, {RF_CORE_RETURNING, RF_CORE_HOME},
		{RF_CORE_RETURNING, RF_CORE_LEAVING},
	};
	std::uint32_t cpu = 1;

	for (int from = 0; from < RF_CORE_STATES; from++)
		for (int to = 0; to <= RF_CORE_STATES; to++, cpu++) {
			const std::uint32_t owner = from == RF_CORE_HOME ? 0 : web;
			const std::uint32_t next = to == RF_CORE_HOME ? 0 : web;
			const auto state = static_cast<rf_core_state>(to);

			bring(cpu, web, static_cast<rf_core_state>(from));
			if (allowed.count({from, to})) {
				EXPECT_EQ(rf_ledger_core_move(&table, cpu, owner, next, state), 0)
					<< from << " to " << to;
			} else {
				refuse(-EINVAL, cpu, owner, next, state);
			}
			EXPECT_EQ(rf_core_transition(static_cast<rf_core_state>(from), state),
				  allowed.count({from, to}) == 1);
		}
}

TEST_F(LedgerCores, AreMovedOnlyByWhoKnowsTheOwner)
{
	bring(web_core, web, RF_CORE_LENT);
	refuse(-EXDEV, web_core, batch, batch, RF_CORE_LEAVING);
	refuse(-EXDEV, web_core, 0, batch, RF_CORE_COMING);
}

TEST_F(LedgerCores, ChangeOwnersOnlyOnTheirWay)
{
	bring(3, web, RF_CORE_COMING);
	refuse(-EINVAL, 3, web, batch, RF_CORE_LENT);
	bring(4, web, RF_CORE_LENT);
	refuse(-EINVAL, 4, web, batch, RF_CORE_LEAVING);
	bring(5, web, RF_CORE_RETURNING);
	refuse(-EINVAL, 5, web, batch, RF_CORE_LENT);
	refuse(-EINVAL, 5, web, web, RF_CORE_HOME);
	bring(6, web, RF_CORE_LEAVING);
	refuse(-EINVAL, 6, web, 0, RF_CORE_LENT);
	refuse(-EINVAL, 6, web, RF_OWNER_ARENA, RF_CORE_LENT);
	EXPECT_EQ(rf_ledger_core_move(&table, 6, web, batch, RF_CORE_LENT), 0);
}

TEST_F(LedgerCores, DoNotLeaveIfFirstOrAbsent)
{
	refuse(-EINVAL, 0, 0, web, RF_CORE_COMING);
	refuse(-ENODEV, count, 0, web, RF_CORE_COMING);
	entries[9].apic_id = RF_APIC_NONE;
	refuse(-ENODEV, 9, 0, web, RF_CORE_COMING);
}

TEST_F(LedgerCores, AreListedInTheOrderInWhichTheyWereGiven)
{
	for (std::uint32_t cpu : {9, 3, 200, 4})
		bring(cpu, web, RF_CORE_LENT);
	bring(1, web, RF_CORE_COMING);
	EXPECT_EQ(list(web), (std::vector<std::uint32_t>{9, 3, 200, 4}));
	EXPECT_EQ(rf_ledger_core_boot(&table, web), 9);
	EXPECT_EQ(rf_ledger_core_boot(&table, batch), -ENODEV);

	ASSERT_EQ(rf_ledger_core_move(&table, 3, web, web, RF_CORE_LEAVING), 0);
	EXPECT_FALSE(rf_ledger_core_listed(&table, 3, web));
	EXPECT_EQ(list(web), (std::vector<std::uint32_t>{9, 200, 4}));
	ASSERT_EQ(rf_ledger_core_move(&table, 3, web, web, RF_CORE_LENT), 0);
	EXPECT_EQ(list(web), (std::vector<std::uint32_t>{9, 200, 4, 3}));
}

TEST_F(LedgerCores, MayBeStartedByTheSupervisorOnlyAtHomeOrOnTheirWayThere)
{
	for (int state = 0; state < RF_CORE_STATES; state++) {
		bring(10 + state, web, static_cast<rf_core_state>(state));
		EXPECT_EQ(rf_ledger_core_may_start(&table, 10 + state),
			  state == RF_CORE_HOME || state == RF_CORE_RETURNING);
	}
	EXPECT_FALSE(rf_ledger_core_may_start(&table, count));
}

TEST_F(LedgerCores, AreNotMoreThanASubOsHasRoomFor)
{
	for (std::uint32_t cpu = 1; cpu <= RF_CPUS_MAX; cpu++)
		bring(cpu, web, RF_CORE_LENT);
	refuse(-ENOSPC, 290, 0, web, RF_CORE_COMING);
	bring(291, batch, RF_CORE_LEAVING);
	refuse(-ENOSPC, 291, batch, web, RF_CORE_LENT);
	/* But the way back is open. */
	ASSERT_EQ(rf_ledger_core_move(&table, 5, web, web, RF_CORE_LEAVING), 0);
	ASSERT_EQ(rf_ledger_core_move(&table, 5, web, web, RF_CORE_LENT), 0);
	EXPECT_EQ(rf_ledger_core_count(&table, web), RF_CPUS_MAX);
}

TEST_F(LedgerCores, LoansEndWithTheOwner)
{
	bring(web_core, web, RF_CORE_LENT);
	EXPECT_EQ(rf_ledger_core_lend(&table, web_core, web), -EINVAL);
	EXPECT_EQ(rf_ledger_core_lend(&table, 8, batch), -EINVAL);
	EXPECT_EQ(rf_ledger_core_lend(&table, count, batch), -ENODEV);
	ASSERT_EQ(rf_ledger_core_lend(&table, web_core, batch), 0);
	ASSERT_EQ(rf_ledger_core_move(&table, web_core, web, web, RF_CORE_LEAVING), 0);
	ASSERT_EQ(rf_ledger_core_move(&table, web_core, web, web, RF_CORE_RETURNING), 0);
	EXPECT_EQ(rf_ledger_core_lender(&table, web_core), batch);
	ASSERT_EQ(rf_ledger_core_move(&table, web_core, web, 0, RF_CORE_HOME), 0);
	EXPECT_EQ(rf_ledger_core_lender(&table, web_core), 0u);
}

TEST_F(LedgerCores, LoansEndWithTheLender)
{
	bring(web_core, web, RF_CORE_LENT);
	ASSERT_EQ(rf_ledger_core_lend(&table, web_core, batch), 0);
	rf_ledger_core_forget_lender(&table, 3);
	EXPECT_EQ(rf_ledger_core_lender(&table, web_core), batch);
	rf_ledger_core_forget_lender(&table, batch);
	EXPECT_EQ(rf_ledger_core_lender(&table, web_core), 0u);
}

TEST_F(LedgerCores, AreFoundByApicId)
{
	EXPECT_EQ(rf_ledger_core_find(&table, 1007), 7);
	EXPECT_EQ(rf_ledger_core_apic_id(&table, 7), 1007u);
	EXPECT_EQ(rf_ledger_core_apic_id(&table, count), RF_APIC_NONE);
	EXPECT_EQ(rf_ledger_core_find(&table, 7), -ENODEV);
	EXPECT_EQ(rf_ledger_core_find(&table, RF_APIC_NONE), -ENODEV);
	EXPECT_EQ(rf_ledger_core_add(&table, 7, 1007), 0);
	EXPECT_EQ(rf_ledger_core_add(&table, 8, 1007), -EEXIST);
	EXPECT_EQ(rf_ledger_core_add(&table, 7, 2007), -EEXIST);
	EXPECT_EQ(rf_ledger_core_add(&table, count, 2007), -EINVAL);
}

TEST_F(LedgerCores, BootCoreCanBeSetAfterwards)
{
	for (std::uint32_t cpu : {3, 4, 5})
		bring(cpu, web, RF_CORE_LENT);
	EXPECT_EQ(rf_ledger_core_set_boot(&table, 6, web), -EXDEV);
	EXPECT_EQ(rf_ledger_core_set_boot(&table, 5, batch), -EXDEV);
	ASSERT_EQ(rf_ledger_core_set_boot(&table, 5, web), 0);
	EXPECT_EQ(list(web), (std::vector<std::uint32_t>{5, 4, 3}));
}

/* What the check is for. */
TEST_F(LedgerCores, CheckFindsWhatIsWrong)
{
	bring(3, web, RF_CORE_LENT);
	bring(4, web, RF_CORE_LENT);
	const auto good = entries;
	const auto wrong = [&](auto &&change) {
		change();
		EXPECT_NE(rf_ledger_core_check(&table), nullptr);
		entries = good;
		table.entries = entries.data();
	};

	wrong([&] { entries[3].rank = entries[4].rank; });
	wrong([&] { entries[3].rank = 0; });
	wrong([&] { entries[3].rank = 99; });
	wrong([&] { entries[3].owner = 0; });
	wrong([&] { entries[3].lender = web; });
	wrong([&] { entries[5].owner = web; });
	wrong([&] { entries[5].lender = web; });
	wrong([&] { entries[5].apic_id = 1003; });
	wrong([&] { entries[3].apic_id = RF_APIC_NONE; });
	wrong([&] { entries[3].state = RF_CORE_STATES; });
	wrong([&] { std::swap(entries[0], entries[3]); });
}

/* APIC ids 1000 + cpu: with a shift of 1, cores 2n and 2n + 1 are siblings. */
class LedgerSiblings : public LedgerCores {
protected:
	void SetUp() override
	{
		LedgerCores::SetUp();
		table.smt_shift = 1;
	}

	int split(std::vector<std::uint32_t> cpus, std::uint32_t from, std::uint32_t to)
	{
		return rf_ledger_core_split(&table, cpus.data(),
					    static_cast<std::uint32_t>(cpus.size()), from, to);
	}
};

TEST_F(LedgerSiblings, AreGivenTogether)
{
	EXPECT_EQ(split({2, 3}, 0, web), -ENODEV);
	EXPECT_EQ(split({5, 9, 4, 8}, 0, web), -ENODEV);
	EXPECT_EQ(split({2}, 0, web), 2);
	EXPECT_EQ(split({4, 5, 7}, 0, web), 7);
	EXPECT_EQ(split({1}, 0, web), 1);
	EXPECT_EQ(split({}, 0, web), -ENODEV);
	table.smt_shift = 0;
	EXPECT_EQ(split({2}, 0, web), -ENODEV);
}

TEST_F(LedgerSiblings, FollowOneAnotherInEveryState)
{
	const rf_core_state states[] = {RF_CORE_COMING, RF_CORE_LENT, RF_CORE_LEAVING,
					RF_CORE_RETURNING};
	std::uint32_t cpu = 2;

	for (const rf_core_state state : states) {
		bring(cpu, web, state);
		EXPECT_EQ(split({cpu + 1}, 0, web), -ENODEV) << state;
		EXPECT_EQ(split({cpu + 1}, 0, batch), static_cast<int>(cpu + 1)) << state;
		cpu += 2;
	}
}

TEST_F(LedgerSiblings, AreNotLeftBehind)
{
	for (const std::uint32_t cpu : {2u, 3u, 4u, 5u})
		bring(cpu, web, RF_CORE_LENT);
	EXPECT_EQ(split({5}, web, 0), 5);
	EXPECT_EQ(split({4, 5}, web, 0), -ENODEV);
	EXPECT_EQ(split({3, 4, 5}, web, batch), 3);
	EXPECT_EQ(split({4, 5}, web, batch), -ENODEV);
}

/* What was split once can be mended, and taken back. */
TEST_F(LedgerSiblings, OfOthersAreNoReasonToKeepACore)
{
	bring(4, web, RF_CORE_LENT);
	bring(5, batch, RF_CORE_LENT);
	EXPECT_EQ(split({5}, batch, 0), -ENODEV);
	EXPECT_EQ(split({5}, batch, web), -ENODEV);
	EXPECT_EQ(split({5}, batch, 3), 5);
}

TEST_F(LedgerSiblings, DoNotCountIfTheyDoNotExist)
{
	rf_core_table few = {};
	std::vector<rf_core_entry> two(8);
	const std::uint32_t cpu = 2;

	rf_ledger_core_init(&few, two.data(), 8);
	few.smt_shift = 1;
	EXPECT_EQ(rf_ledger_core_split(&few, &cpu, 1, 0, web), -ENODEV);
	EXPECT_EQ(rf_ledger_core_add(&few, cpu, 4), 0);
	EXPECT_EQ(rf_ledger_core_split(&few, &cpu, 1, 0, web), -ENODEV);
	EXPECT_EQ(rf_ledger_core_add(&few, 6, 5), 0);
	EXPECT_EQ(rf_ledger_core_split(&few, &cpu, 1, 0, web), 2);
}

TEST_F(LedgerSiblings, AreTwoOfOneCore)
{
	EXPECT_TRUE(rf_ledger_core_siblings(&table, 4, 5));
	EXPECT_TRUE(rf_ledger_core_siblings(&table, 5, 4));
	EXPECT_FALSE(rf_ledger_core_siblings(&table, 4, 4));
	EXPECT_FALSE(rf_ledger_core_siblings(&table, 5, 6));
	EXPECT_FALSE(rf_ledger_core_siblings(&table, 4, count));
	table.smt_shift = 0;
	EXPECT_FALSE(rf_ledger_core_siblings(&table, 4, 5));
}

/* Whoever is about to start a core asks by its APIC id: it may just have been plugged in. */
TEST_F(LedgerSiblings, ThatAreLentAreFound)
{
	const rf_core_state states[] = {RF_CORE_COMING, RF_CORE_LENT, RF_CORE_LEAVING,
					RF_CORE_RETURNING};
	std::uint32_t cpu = 2;

	EXPECT_EQ(rf_ledger_core_lent_sibling(&table, 1003), -ENODEV);
	for (const rf_core_state state : states) {
		bring(cpu, web, state);
		EXPECT_EQ(rf_ledger_core_lent_sibling(&table, 1000 + cpu + 1),
			  static_cast<int>(cpu)) << state;
		EXPECT_EQ(rf_ledger_core_lent_sibling(&table, 1000 + cpu), -ENODEV);
		cpu += 2;
	}
	entries[3].apic_id = RF_APIC_NONE;
	EXPECT_EQ(rf_ledger_core_lent_sibling(&table, 1003), 2);
	table.smt_shift = 0;
	EXPECT_EQ(rf_ledger_core_lent_sibling(&table, 1003), -ENODEV);
}

/* One that was unplugged is nobody's sibling, and may come back as another. */
TEST_F(LedgerSiblings, AreForgottenWhenUnplugged)
{
	EXPECT_EQ(split({4}, 0, web), 4);
	rf_ledger_core_forget(&table, 5);
	EXPECT_EQ(split({4}, 0, web), -ENODEV);
	EXPECT_EQ(rf_ledger_core_apic_id(&table, 5), RF_APIC_NONE);
	EXPECT_EQ(rf_ledger_core_add(&table, 5, 5000), 0);
	EXPECT_EQ(split({4}, 0, web), -ENODEV);

	/* Not one that somebody has, nor the first. */
	bring(7, web, RF_CORE_COMING);
	for (const std::uint32_t cpu : {0u, 7u, count}) {
		const auto before = entries;
		rf_ledger_core_forget(&table, cpu);
		EXPECT_EQ(std::memcmp(before.data(), entries.data(), count * sizeof(entries[0])), 0);
	}
}

} // namespace
