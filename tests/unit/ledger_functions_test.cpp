// SPDX-License-Identifier: GPL-2.0
#include "supervisor/ledger/ledger.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::uint32_t web = 1, batch = 2, kernel = 5;

class LedgerFunctions : public testing::Test {
protected:
	void SetUp() override
	{
		rf_ledger_function_init(&table);
	}

	void TearDown() override
	{
		EXPECT_STREQ(rf_ledger_function_check(&table), nullptr);
	}

	/* A new function, by allowed transitions. */
	rf_function_entry *bring(rf_function_state state, std::uint32_t owner = web)
	{
		static const std::vector<rf_function_state> ways[] = {
			{},
			{},
			{RF_PCI_GRANTED},
			{RF_PCI_GRANTED, RF_PCI_LEAVING},
			{RF_PCI_GRANTED, RF_PCI_CUT},
			{RF_PCI_GRANTED, RF_PCI_LEAVING, RF_PCI_GIVEN_UP},
			{RF_PCI_GRANTED, RF_PCI_KEPT},
			{RF_PCI_GRANTED, RF_PCI_QUIET},
			{RF_PCI_GRANTED, RF_PCI_QUIET, RF_PCI_PARKED},
		};
		rf_function_entry *entry = &entries[used++];

		EXPECT_EQ(rf_ledger_function_add(&table, entry, used, owner), 0);
		entry->taken = state == RF_PCI_CUT;
		for (auto next : ways[state])
			EXPECT_EQ(rf_ledger_function_move(&table, entry, next), 0);
		return entry;
	}

	void remove(rf_function_entry *entry)
	{
		if (entry->state == RF_PCI_HOME)
			return;
		if (entry->state != RF_PCI_PARKED && entry->state != RF_PCI_TAKING &&
		    entry->state != RF_PCI_QUIET) {
			EXPECT_EQ(rf_ledger_function_move(&table, entry, RF_PCI_QUIET), 0);
		}
		EXPECT_EQ(rf_ledger_function_move(&table, entry, RF_PCI_HOME), 0);
	}

	rf_function_entry entries[256] = {};
	std::uint32_t used = 0;
	rf_function_table table = {};
};

TEST_F(LedgerFunctions, FollowTheTableAndNothingElse)
{
	const std::set<std::pair<int, int>> allowed = {
		{RF_PCI_HOME, RF_PCI_TAKING},	   {RF_PCI_TAKING, RF_PCI_GRANTED},
		{RF_PCI_TAKING, RF_PCI_HOME},	   {RF_PCI_GRANTED, RF_PCI_LEAVING},
		{RF_PCI_GRANTED, RF_PCI_CUT},	   {RF_PCI_GRANTED, RF_PCI_KEPT},
		{RF_PCI_GRANTED, RF_PCI_QUIET},	   {RF_PCI_LEAVING, RF_PCI_GRANTED},
		{RF_PCI_LEAVING, RF_PCI_CUT},	   {RF_PCI_LEAVING, RF_PCI_GIVEN_UP},
		{RF_PCI_LEAVING, RF_PCI_QUIET},	   {RF_PCI_CUT, RF_PCI_GIVEN_UP},
		{RF_PCI_CUT, RF_PCI_KEPT},	   {RF_PCI_CUT, RF_PCI_QUIET},
		{RF_PCI_GIVEN_UP, RF_PCI_LEAVING}, {RF_PCI_GIVEN_UP, RF_PCI_CUT},
		{RF_PCI_GIVEN_UP, RF_PCI_KEPT},	   {RF_PCI_GIVEN_UP, RF_PCI_QUIET},
		{RF_PCI_KEPT, RF_PCI_GRANTED},	   {RF_PCI_KEPT, RF_PCI_GIVEN_UP},
		{RF_PCI_KEPT, RF_PCI_QUIET},	   {RF_PCI_QUIET, RF_PCI_PARKED},
		{RF_PCI_QUIET, RF_PCI_HOME},	   {RF_PCI_PARKED, RF_PCI_HOME},
	};

	for (int from = RF_PCI_HOME; from < RF_PCI_STATES; from++)
		for (int to = 0; to <= RF_PCI_STATES; to++) {
			const auto was = static_cast<rf_function_state>(from);
			const auto is = static_cast<rf_function_state>(to);

			EXPECT_EQ(rf_function_transition(was, is), allowed.count({from, to}) == 1)
				<< from << " to " << to;
			if (from == RF_PCI_HOME)
				continue;
			rf_function_entry *entry = bring(was);
			entry->taken = true;
			if (allowed.count({from, to})) {
				EXPECT_EQ(rf_ledger_function_move(&table, entry, is), 0);
				EXPECT_EQ(entry->state, is);
			} else {
				EXPECT_EQ(rf_ledger_function_move(&table, entry, is), -EINVAL);
				EXPECT_EQ(entry->state, was);
			}
			remove(entry);
		}
}

TEST_F(LedgerFunctions, AreHomeInTheEndWhateverTheyAre)
{
	for (int from = RF_PCI_TAKING; from < RF_PCI_STATES; from++)
		remove(bring(static_cast<rf_function_state>(from)));
	EXPECT_EQ(table.count, 0u);
	EXPECT_EQ(table.first, nullptr);
}

TEST_F(LedgerFunctions, HaveOneOwner)
{
	rf_function_entry other = {};
	rf_function_entry *entry = bring(RF_PCI_GRANTED);

	EXPECT_EQ(rf_ledger_function_add(&table, &other, entry->bdf, batch), -EEXIST);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, 99, 0), -EINVAL);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, 99, RF_OWNER_ARENA), -EINVAL);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, RF_BDF_NONE, web), -EINVAL);
	remove(entry);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, entry->bdf, batch), 0);
	remove(&other);
}

TEST_F(LedgerFunctions, AreAsManyAsAGrantHasRoomFor)
{
	rf_function_entry other = {};
	rf_function_entry *parked = bring(RF_PCI_PARKED);

	for (int i = 0; i < RF_FUNCTIONS_MAX; i++)
		bring(RF_PCI_GRANTED);
	EXPECT_EQ(rf_ledger_function_count(&table, web), RF_FUNCTIONS_MAX + 0u);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, 99, web), -ENOSPC);
	EXPECT_EQ(rf_ledger_function_add(&table, &other, 99, batch), 0);
	remove(&other);
	remove(parked);
}

TEST_F(LedgerFunctions, AreListedInTheOrderInWhichTheyWereTaken)
{
	rf_function_entry *one = bring(RF_PCI_GRANTED), *foreign = bring(RF_PCI_GRANTED, batch),
			  *parked = bring(RF_PCI_PARKED), *two = bring(RF_PCI_LEAVING);

	EXPECT_EQ(rf_ledger_function_next(&table, nullptr, web), one);
	EXPECT_EQ(rf_ledger_function_next(&table, one, web), two);
	EXPECT_EQ(rf_ledger_function_next(&table, two, web), nullptr);
	EXPECT_EQ(rf_ledger_function_next(&table, one, 0), foreign);
	EXPECT_EQ(rf_ledger_function_next(&table, foreign, 0), parked);
	EXPECT_EQ(rf_ledger_function_find(&table, parked->bdf), parked);
	EXPECT_EQ(rf_ledger_function_find(&table, 99), nullptr);
	remove(one);
	EXPECT_EQ(rf_ledger_function_next(&table, nullptr, web), two);
	remove(two);
	EXPECT_EQ(rf_ledger_function_next(&table, nullptr, web), nullptr);
}

TEST_F(LedgerFunctions, WhatEachStateMeans)
{
	struct {
		rf_function_state state;
		bool listed, granted, leaving, goes, goes_when_dead;
	} const expected[] = {
		{RF_PCI_TAKING, false, false, false, false, false},
		{RF_PCI_GRANTED, true, true, false, false, false},
		{RF_PCI_LEAVING, true, true, true, false, true},
		{RF_PCI_CUT, true, true, true, false, true},
		{RF_PCI_GIVEN_UP, true, false, true, true, true},
		{RF_PCI_KEPT, true, false, false, false, false},
		{RF_PCI_QUIET, true, false, false, false, false},
		{RF_PCI_PARKED, false, false, false, false, false},
	};

	for (const auto &row : expected) {
		rf_function_entry *entry = bring(row.state);

		EXPECT_EQ(rf_ledger_function_listed(entry), row.listed) << row.state;
		EXPECT_EQ(rf_ledger_function_granted(entry), row.granted) << row.state;
		EXPECT_EQ(rf_ledger_function_leaving(entry), row.leaving) << row.state;
		EXPECT_EQ(rf_ledger_function_goes(entry, true), row.goes) << row.state;
		EXPECT_EQ(rf_ledger_function_goes(entry, false), row.goes_when_dead) << row.state;
	}
}

TEST_F(LedgerFunctions, CutMeansTaken)
{
	rf_function_entry *entry = bring(RF_PCI_GRANTED);

	EXPECT_EQ(rf_ledger_function_move(&table, entry, RF_PCI_CUT), -EINVAL);
	ASSERT_EQ(rf_ledger_function_cut(&table, entry), 0);
	EXPECT_EQ(entry->state, RF_PCI_CUT);
	EXPECT_TRUE(entry->taken);
	ASSERT_EQ(rf_ledger_function_confirm(&table, entry, kernel), 0);
	ASSERT_EQ(rf_ledger_function_keep(&table, entry), 0);
	EXPECT_EQ(rf_ledger_function_offer(&table, entry), -EPERM);
}

TEST_F(LedgerFunctions, WhatIsTakenIsNotGrantedAgain)
{
	rf_function_entry *leaving = bring(RF_PCI_LEAVING), *other = bring(RF_PCI_LEAVING);

	rf_ledger_function_mark_unplugged(leaving);
	ASSERT_EQ(rf_ledger_function_keep(&table, leaving), 0);
	EXPECT_EQ(leaving->state, RF_PCI_KEPT);
	ASSERT_EQ(rf_ledger_function_keep(&table, other), 0);
	EXPECT_EQ(other->state, RF_PCI_GRANTED);
}

TEST_F(LedgerFunctions, UnpluggedIsAFactUntilItLeaves)
{
	rf_function_entry *entry = bring(RF_PCI_LEAVING);

	rf_ledger_function_mark_unplugged(entry);
	EXPECT_EQ(entry->state, RF_PCI_LEAVING);
	EXPECT_TRUE(entry->taken);
	ASSERT_EQ(rf_ledger_function_leave(&table, entry), 0);
	EXPECT_EQ(entry->state, RF_PCI_CUT);
}

TEST_F(LedgerFunctions, TheNextKernelIsGrantedWhatTheLastOneGaveUp)
{
	rf_function_entry *given = bring(RF_PCI_GIVEN_UP), *cut = bring(RF_PCI_CUT),
			  *kept = bring(RF_PCI_KEPT), *foreign = bring(RF_PCI_KEPT, batch),
			  *quiet = bring(RF_PCI_QUIET);

	ASSERT_EQ(rf_ledger_function_confirm(&table, cut, kernel), 0);
	ASSERT_EQ(cut->state, RF_PCI_GIVEN_UP);
	rf_ledger_function_restart(&table, web);
	EXPECT_EQ(given->state, RF_PCI_LEAVING);
	EXPECT_EQ(cut->state, RF_PCI_CUT);
	EXPECT_EQ(cut->kernel_id, 0u);
	EXPECT_EQ(kept->state, RF_PCI_GRANTED);
	EXPECT_EQ(foreign->state, RF_PCI_KEPT);
	EXPECT_EQ(quiet->state, RF_PCI_QUIET);
}

TEST_F(LedgerFunctions, NothingHappensToWhatNoSubOsUses)
{
	for (auto state : {RF_PCI_TAKING, RF_PCI_QUIET, RF_PCI_PARKED}) {
		rf_function_entry *entry = bring(state);

		EXPECT_EQ(rf_ledger_function_leave(&table, entry), -EINVAL);
		EXPECT_EQ(rf_ledger_function_cut(&table, entry), -EINVAL);
		EXPECT_EQ(rf_ledger_function_confirm(&table, entry, kernel), -EINVAL);
		EXPECT_EQ(rf_ledger_function_keep(&table, entry), -EINVAL);
		EXPECT_EQ(rf_ledger_function_offer(&table, entry), -EINVAL);
		EXPECT_EQ(entry->state, state);
		EXPECT_FALSE(entry->taken);
	}
}

/*
 * The same as three flags and the id of a kernel, which is how it can be told: is it to leave,
 * was it taken by force, which kernel gave it up.
 */
struct Flags {
	bool leaving = false, taken = false;
	std::uint32_t given_up = 0;

	bool granted(std::uint32_t now) const
	{
		return given_up != now;
	}

	bool goes(std::uint32_t now, bool alive) const
	{
		return leaving && (!alive || given_up == now);
	}
};

TEST_F(LedgerFunctions, StatesSayWhatFlagsSay)
{
	std::mt19937 dice(1);
	std::uint32_t now = kernel;
	bool alive = true;

	for (int round = 0; round < 20000; round++) {
		rf_function_entry *entry = &entries[0];
		Flags flags;

		ASSERT_EQ(rf_ledger_function_add(&table, entry, 1, web), 0);
		ASSERT_EQ(rf_ledger_function_move(&table, entry, RF_PCI_GRANTED), 0);
		for (int i = 0; i < 12; i++) {
			switch (dice() % 9) {
			case 0:		/* the operator wants it back */
				flags.leaving = true;
				ASSERT_EQ(rf_ledger_function_leave(&table, entry), 0);
				break;
			case 1:		/* by force */
				flags.leaving = flags.taken = true;
				ASSERT_EQ(rf_ledger_function_leave(&table, entry), 0);
				ASSERT_EQ(rf_ledger_function_cut(&table, entry), 0);
				break;
			case 2:		/* its kernel is asked, and confirms */
				if (!alive || !flags.leaving)
					break;
				flags.given_up = now;
				ASSERT_EQ(rf_ledger_function_confirm(&table, entry, now), 0);
				break;
			case 3:		/* it could not be had: as before */
				if (!flags.leaving || flags.taken)
					break;
				flags.leaving = false;
				ASSERT_EQ(rf_ledger_function_keep(&table, entry), 0);
				break;
			case 4:		/* it cannot be proven quiet */
				if (!flags.goes(now, alive) || !alive)
					break;
				flags.leaving = false;
				ASSERT_EQ(rf_ledger_function_keep(&table, entry), 0);
				break;
			case 5:		/* offered again */
				if (!alive || flags.leaving || flags.taken || flags.given_up != now)
					break;
				flags.given_up = 0;
				ASSERT_EQ(rf_ledger_function_offer(&table, entry), 0);
				break;
			case 6:		/* and not accepted */
				if (!alive || flags.leaving || flags.given_up == now)
					break;
				flags.given_up = now;
				ASSERT_EQ(rf_ledger_function_confirm(&table, entry, now), 0);
				break;
			case 7:		/* unplugged, and that is noticed */
				flags.leaving = flags.taken = true;
				rf_ledger_function_mark_unplugged(entry);
				ASSERT_EQ(rf_ledger_function_leave(&table, entry), 0);
				break;
			default:	/* its kernel ends; another one follows, without what was taken */
				alive = !alive || dice() % 2;
				if (!alive || flags.taken)
					break;
				now++;
				rf_ledger_function_restart(&table, web);
			}
			ASSERT_EQ(rf_ledger_function_leaving(entry), flags.leaving);
			ASSERT_EQ(rf_ledger_function_granted(entry), flags.granted(now));
			ASSERT_EQ(rf_ledger_function_goes(entry, alive), flags.goes(now, alive));
			ASSERT_EQ(entry->taken, flags.taken);
			ASSERT_STREQ(rf_ledger_function_check(&table), nullptr);
		}
		remove(entry);
	}
}

/* What the check is for. */
TEST_F(LedgerFunctions, CheckFindsWhatIsWrong)
{
	bring(RF_PCI_GRANTED);
	bring(RF_PCI_KEPT);
	const auto wrong = [&](auto &&change) {
		const rf_function_entry first = entries[0], second = entries[1];
		const rf_function_table before = table;

		change();
		EXPECT_NE(rf_ledger_function_check(&table), nullptr);
		entries[0] = first;
		entries[1] = second;
		table = before;
	};

	wrong([&] { entries[0].state = RF_PCI_HOME; });
	wrong([&] { entries[0].state = RF_PCI_STATES; });
	wrong([&] { entries[0].state = RF_PCI_CUT; });
	wrong([&] { entries[0].unplugged = true; });
	wrong([&] { entries[0].kernel_id = kernel; });
	wrong([&] { entries[0].owner = 0; });
	wrong([&] { entries[1].bdf = entries[0].bdf; });
	wrong([&] { entries[1].next = &entries[0]; });
	wrong([&] { entries[0].next = nullptr; });
	wrong([&] { table.count = 1; });
	wrong([&] { table.last = &entries[0]; });
}

} // namespace
