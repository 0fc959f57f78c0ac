// SPDX-License-Identifier: GPL-2.0
#include "supervisor/ledger/ledger.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::uint64_t step_size = RF_EXTENT_SIZE;

constexpr std::uint64_t base = 0x40000000;
constexpr std::uint32_t web = 1, batch = 2;
constexpr std::uint32_t arena = RF_OWNER_ARENA;

class LedgerMemory : public testing::Test {
protected:
	void SetUp() override
	{
		rf_ledger_memory_init(&table, extents.data(), extents.size());
	}

	void TearDown() override
	{
		EXPECT_STREQ(rf_ledger_memory_check(&table), nullptr);
	}

	static std::uint64_t at(std::uint64_t step)
	{
		return base + step * step_size;
	}

	int add(std::uint64_t step, std::uint64_t count, rf_content content = RF_CONTENT_CLEAN,
		int nid = 0, bool reserved = false)
	{
		return rf_ledger_memory_add(&table, at(step), count * step_size, nid, reserved,
					    content);
	}

	int move(std::uint64_t step, std::uint64_t count, std::uint32_t owner,
		 rf_memory_state from, rf_memory_state to)
	{
		return rf_ledger_memory_move(&table, at(step), count * step_size, owner, from, to);
	}

	/* By allowed transitions, from FREE and CLEAN. */
	void bring(std::uint64_t step, std::uint64_t count, std::uint32_t owner,
		   rf_memory_state state)
	{
		for (int from = 0; from < state; from++)
			ASSERT_EQ(move(step, count, owner, static_cast<rf_memory_state>(from),
				       static_cast<rf_memory_state>(from + 1)), 0);
	}

	/* Steps and sizes of the ranges of an owner. */
	std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges(std::uint32_t owner)
	{
		std::vector<rf_range> found(RF_RANGES_MAX);
		std::vector<std::pair<std::uint64_t, std::uint64_t>> steps;

		found.resize(rf_ledger_memory_ranges(&table, owner, found.data(), RF_RANGES_MAX));
		for (const rf_range &range : found)
			steps.push_back({(range.start - base) / step_size, range.size / step_size});
		return steps;
	}

	using Steps = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

	std::vector<rf_extent> snapshot() const
	{
		return {table.extents, table.extents + table.count};
	}

	void unchanged(const std::vector<rf_extent> &before)
	{
		ASSERT_EQ(table.count, before.size());
		for (std::uint32_t i = 0; i < table.count; i++) {
			EXPECT_EQ(table.extents[i].start, before[i].start);
			EXPECT_EQ(table.extents[i].size, before[i].size);
			EXPECT_EQ(table.extents[i].owner, before[i].owner);
			EXPECT_EQ(table.extents[i].state, before[i].state);
			EXPECT_EQ(table.extents[i].content, before[i].content);
			EXPECT_EQ(table.extents[i].boot, before[i].boot);
		}
	}

	std::vector<rf_extent> extents = std::vector<rf_extent>(200);
	rf_memory_table table = {};
};

TEST_F(LedgerMemory, FollowsTheTableAndNothingElse)
{
	const std::set<std::pair<int, int>> allowed = {
		{RF_MEMORY_FREE, RF_MEMORY_COMING},   {RF_MEMORY_COMING, RF_MEMORY_OWNED},
		{RF_MEMORY_COMING, RF_MEMORY_FREE},   {RF_MEMORY_OWNED, RF_MEMORY_LEAVING},
		{RF_MEMORY_LEAVING, RF_MEMORY_OWNED}, {RF_MEMORY_LEAVING, RF_MEMORY_FREE},
	};
	std::uint64_t step = 0;

	ASSERT_EQ(add(0, 200), 0);
	for (int from = 0; from < RF_MEMORY_STATES; from++)
		for (int to = 0; to <= RF_MEMORY_STATES; to++, step += 4) {
			const auto was = static_cast<rf_memory_state>(from);
			const auto is = static_cast<rf_memory_state>(to);

			bring(step, 2, web, was);
			const auto before = snapshot();
			EXPECT_EQ(rf_memory_transition(was, is), allowed.count({from, to}) == 1);
			if (allowed.count({from, to})) {
				EXPECT_EQ(move(step, 2, web, was, is), 0) << from << " to " << to;
				continue;
			}
			EXPECT_EQ(move(step, 2, web, was, is), -EINVAL) << from << " to " << to;
			unchanged(before);
		}
}

TEST_F(LedgerMemory, IsClearedBeforeAnotherOwnerGetsIt)
{
	ASSERT_EQ(add(0, 8), 0);
	bring(0, 8, web, RF_MEMORY_LEAVING);
	ASSERT_EQ(move(0, 8, web, RF_MEMORY_LEAVING, RF_MEMORY_FREE), 0);
	EXPECT_EQ(move(0, 8, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), -EUCLEAN);
	ASSERT_EQ(rf_ledger_memory_set_content(&table, at(0), 4 * step_size, RF_CONTENT_CLEAN), 0);
	EXPECT_EQ(move(0, 8, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), -EUCLEAN);
	EXPECT_EQ(move(0, 4, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), 0);
	/* Nor is what was given in vain as clean as it was. */
	ASSERT_EQ(move(0, 4, batch, RF_MEMORY_COMING, RF_MEMORY_FREE), 0);
	EXPECT_EQ(move(0, 4, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), -EUCLEAN);
}

TEST_F(LedgerMemory, BootContentIsNotClean)
{
	ASSERT_EQ(add(0, 8, RF_CONTENT_BOOT), 0);
	EXPECT_EQ(move(0, 8, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -EUCLEAN);
}

TEST_F(LedgerMemory, HasOneOwner)
{
	ASSERT_EQ(add(0, 8), 0);
	bring(0, 4, web, RF_MEMORY_OWNED);
	EXPECT_EQ(move(0, 4, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), -ERANGE);
	EXPECT_EQ(move(2, 4, batch, RF_MEMORY_FREE, RF_MEMORY_COMING), -ERANGE);
	EXPECT_EQ(move(0, 4, batch, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), -ERANGE);
	EXPECT_EQ(move(0, 5, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), -ERANGE);
	EXPECT_EQ(move(4, 4, 0, RF_MEMORY_FREE, RF_MEMORY_COMING), -EINVAL);
	EXPECT_EQ(move(4, 4, RF_OWNER_TRAMPOLINE, RF_MEMORY_FREE, RF_MEMORY_COMING), -EINVAL);
	EXPECT_EQ(move(4, 4, arena, RF_MEMORY_FREE, RF_MEMORY_COMING), 0);
}

TEST_F(LedgerMemory, IsThere)
{
	ASSERT_EQ(add(2, 4), 0);
	EXPECT_EQ(add(4, 4), -EEXIST);
	EXPECT_EQ(add(0, 3), -EEXIST);
	EXPECT_EQ(add(0, 0), -EINVAL);
	EXPECT_EQ(rf_ledger_memory_add(&table, 1, step_size, 0, false, RF_CONTENT_CLEAN), -EINVAL);
	EXPECT_EQ(rf_ledger_memory_add(&table, -step_size, 2 * step_size, 0, false,
				       RF_CONTENT_CLEAN), -EINVAL);
	EXPECT_EQ(move(1, 2, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ERANGE);
	EXPECT_EQ(move(5, 2, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ERANGE);
	EXPECT_EQ(move(6, 1, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ERANGE);
	ASSERT_EQ(rf_ledger_memory_remove(&table, at(0), 4 * step_size), 0);
	EXPECT_EQ(table.bytes, 2 * step_size);
	bring(4, 1, web, RF_MEMORY_COMING);
	EXPECT_EQ(rf_ledger_memory_remove(&table, at(0), 8 * step_size), -EBUSY);
}

TEST_F(LedgerMemory, EqualNeighboursAreOne)
{
	ASSERT_EQ(add(0, 4), 0);
	ASSERT_EQ(add(8, 4), 0);
	ASSERT_EQ(add(4, 4), 0);
	EXPECT_EQ(table.count, 1u);
	ASSERT_EQ(add(12, 4, RF_CONTENT_CLEAN, 1), 0);
	ASSERT_EQ(add(16, 4, RF_CONTENT_CLEAN, 1, true), 0);
	ASSERT_EQ(add(20, 4, RF_CONTENT_BOOT, 1, true), 0);
	EXPECT_EQ(table.count, 4u);
	bring(2, 4, web, RF_MEMORY_LEAVING);
	EXPECT_EQ(table.count, 6u);
	ASSERT_EQ(move(2, 4, web, RF_MEMORY_LEAVING, RF_MEMORY_FREE), 0);
	ASSERT_EQ(rf_ledger_memory_set_content(&table, at(2), 4 * step_size, RF_CONTENT_CLEAN), 0);
	EXPECT_EQ(table.count, 4u);
}

TEST_F(LedgerMemory, ChangesNeedOnlyTheRoomThatIsPromised)
{
	rf_extent *const storage = extents.data(), *const larger = storage + 100;

	rf_ledger_memory_init(&table, storage, 1);
	ASSERT_EQ(add(0, 8), 0);
	EXPECT_EQ(move(2, 2, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ENOMEM);
	EXPECT_EQ(move(0, 2, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ENOMEM);
	EXPECT_EQ(move(2, 6, web, RF_MEMORY_FREE, RF_MEMORY_COMING), -ENOMEM);
	EXPECT_EQ(rf_ledger_memory_remove(&table, at(2), 2 * step_size), -ENOMEM);
	EXPECT_EQ(rf_ledger_memory_set_content(&table, at(2), 2 * step_size, RF_CONTENT_LEFT),
		  -ENOMEM);
	EXPECT_EQ(move(0, 8, web, RF_MEMORY_FREE, RF_MEMORY_COMING), 0);
	EXPECT_EQ(move(0, 8, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), 0);
	EXPECT_EQ(add(9, 1), -ENOMEM);
	EXPECT_EQ(rf_ledger_memory_grow(&table, larger, 0), larger);
	ASSERT_EQ(rf_ledger_memory_grow(&table, larger, 1 + RF_MEMORY_SPARE), storage);
	EXPECT_EQ(rf_ledger_memory_spare(&table), RF_MEMORY_SPARE + 0u);
	EXPECT_EQ(move(2, 2, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), 0);
	/* What is freed can be said to be clean without any more room. */
	ASSERT_EQ(move(2, 2, web, RF_MEMORY_LEAVING, RF_MEMORY_FREE), 0);
	EXPECT_EQ(rf_ledger_memory_set_content(&table, at(2), 2 * step_size, RF_CONTENT_CLEAN), 0);
}

TEST_F(LedgerMemory, RangesAreWhatIsGranted)
{
	ASSERT_EQ(add(0, 8), 0);
	ASSERT_EQ(add(8, 8, RF_CONTENT_CLEAN, 1), 0);
	bring(2, 2, web, RF_MEMORY_OWNED);
	bring(6, 4, web, RF_MEMORY_OWNED);	/* of two nodes, but one range */
	bring(4, 1, web, RF_MEMORY_COMING);
	bring(12, 1, web, RF_MEMORY_LEAVING);
	EXPECT_EQ(ranges(web), (Steps{{2, 2}, {6, 4}}));
	EXPECT_EQ(ranges(batch), Steps{});
	EXPECT_EQ(rf_ledger_memory_owned(&table, web), 8 * step_size);
}

TEST_F(LedgerMemory, BootRangeIsTheFirst)
{
	ASSERT_EQ(add(0, 16), 0);
	bring(8, 4, web, RF_MEMORY_COMING);
	ASSERT_EQ(rf_ledger_memory_set_boot(&table, at(8), web), 0);
	ASSERT_EQ(move(8, 4, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), 0);
	bring(2, 2, web, RF_MEMORY_OWNED);
	EXPECT_EQ(ranges(web), (Steps{{8, 4}, {2, 2}}));
	EXPECT_EQ(rf_ledger_memory_boot(&table, web), at(8));
	EXPECT_EQ(rf_ledger_memory_set_boot(&table, at(2), web), -EEXIST);
	EXPECT_EQ(rf_ledger_memory_set_boot(&table, at(2), batch), -ERANGE);
}

TEST_F(LedgerMemory, BootRangeGrowsUpwardsOnly)
{
	ASSERT_EQ(add(0, 16), 0);
	bring(8, 2, web, RF_MEMORY_OWNED);
	ASSERT_EQ(rf_ledger_memory_set_boot(&table, at(8), web), 0);
	bring(10, 2, web, RF_MEMORY_OWNED);
	bring(6, 2, web, RF_MEMORY_OWNED);
	EXPECT_EQ(ranges(web), (Steps{{8, 4}, {6, 2}}));
	EXPECT_TRUE(rf_ledger_memory_holds(&table, web, at(6), 2 * step_size));
	EXPECT_TRUE(rf_ledger_memory_holds(&table, web, at(8), 4 * step_size));
	EXPECT_FALSE(rf_ledger_memory_holds(&table, web, at(7), 2 * step_size));
	EXPECT_FALSE(rf_ledger_memory_holds(&table, web, at(8), 0));
	EXPECT_FALSE(rf_ledger_memory_holds(&table, web, at(8), -1ULL));
	/* The mark goes with the memory. */
	ASSERT_EQ(move(8, 2, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), 0);
	ASSERT_EQ(move(8, 2, web, RF_MEMORY_LEAVING, RF_MEMORY_FREE), 0);
	EXPECT_EQ(rf_ledger_memory_boot(&table, web), 0u);
	EXPECT_EQ(ranges(web), (Steps{{6, 2}, {10, 2}}));
}

/* As many ranges as there can be, with the last one to go. */
class LedgerRanges : public LedgerMemory {
protected:
	void SetUp() override
	{
		LedgerMemory::SetUp();
		ASSERT_EQ(add(0, 4 * RF_RANGES_MAX), 0);
		for (std::uint64_t range = 0; range < RF_RANGES_MAX - 1; range++)
			bring(2 * range, 1, web, RF_MEMORY_OWNED);
		bring(last, 3, web, RF_MEMORY_OWNED);
	}

	static constexpr std::uint64_t last = 2 * RF_RANGES_MAX;
};

TEST_F(LedgerRanges, OneMoreIsRefusedBeforeAnythingChanges)
{
	EXPECT_EQ(rf_ledger_memory_room(&table, web), 0u);
	bring(last + 8, 1, web, RF_MEMORY_COMING);
	const auto before = snapshot();

	EXPECT_FALSE(rf_ledger_memory_would_fit(&table, web, at(last + 8), step_size, true));
	EXPECT_EQ(move(last + 8, 1, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), -ENOSPC);
	unchanged(before);
	EXPECT_EQ(move(last + 8, 1, web, RF_MEMORY_COMING, RF_MEMORY_FREE), 0);
}

TEST_F(LedgerRanges, AHoleIsRefusedAsWell)
{
	const auto before = snapshot();

	EXPECT_FALSE(rf_ledger_memory_would_fit(&table, web, at(last + 1), step_size, false));
	EXPECT_EQ(move(last + 1, 1, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), -ENOSPC);
	unchanged(before);
	EXPECT_EQ(move(last + 2, 1, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), 0);
}

TEST_F(LedgerRanges, WhatJoinsOthersFits)
{
	bring(1, 1, web, RF_MEMORY_OWNED);
	EXPECT_EQ(rf_ledger_memory_room(&table, web), 1u);
	EXPECT_EQ(move(last + 1, 1, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), 0);
}

TEST_F(LedgerRanges, ABootAreaInTheMiddleIsOneMore)
{
	const auto before = snapshot();

	EXPECT_EQ(rf_ledger_memory_set_boot(&table, at(last + 1), web), -ENOSPC);
	unchanged(before);
	EXPECT_EQ(rf_ledger_memory_set_boot(&table, at(last), web), 0);
}

TEST_F(LedgerRanges, ABootAreaDoesNotJoinWhatIsBelow)
{
	bring(last + 3, 2, web, RF_MEMORY_COMING);
	ASSERT_EQ(rf_ledger_memory_set_boot(&table, at(last + 4), web), 0);
	EXPECT_EQ(move(last + 3, 2, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), -ENOSPC);
	EXPECT_EQ(move(last + 4, 1, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), -ENOSPC);
	EXPECT_EQ(move(last + 3, 1, web, RF_MEMORY_COMING, RF_MEMORY_OWNED), 0);
}

TEST_F(LedgerRanges, TheArenaHasNoLimit)
{
	for (std::uint64_t range = 0; range < RF_RANGES_MAX - 1; range++)
		bring(2 * range + 1, 1, arena, RF_MEMORY_OWNED);
	bring(last + 4, 1, arena, RF_MEMORY_OWNED);
	bring(last + 6, 1, arena, RF_MEMORY_OWNED);
	EXPECT_EQ(rf_ledger_memory_ranges(&table, arena, nullptr, 0), RF_RANGES_MAX + 1u);
}

/* ---- which of the free memory ---- */

class LedgerPick : public LedgerMemory {
protected:
	/* Free: 0-3 (dirty in part), 8-15, 20-21 on node 1, 32-47 reserved. */
	void SetUp() override
	{
		LedgerMemory::SetUp();
		add(0, 2);
		add(2, 2, RF_CONTENT_LEFT);
		add(8, 8);
		add(20, 2, RF_CONTENT_CLEAN, 1);
		add(32, 16, RF_CONTENT_BOOT, 0, true);
	}

	void expect(std::uint64_t step, std::uint64_t count)
	{
		EXPECT_EQ((range.start - base) / step_size, step);
		EXPECT_EQ(range.size / step_size, count);
	}

	bool pick(std::uint64_t count, int node = -1, std::uint64_t guard = 0)
	{
		return rf_ledger_memory_pick(&table, count * step_size, node, guard * step_size,
					     &range);
	}

	bool pick_blocks(std::uint64_t count, std::uint64_t block, int node = -1)
	{
		return rf_ledger_memory_pick_blocks(&table, count * step_size, block * step_size,
						    node, &range);
	}

	rf_range range = {};
};

TEST_F(LedgerPick, SmallestThatHoldsAll)
{
	ASSERT_TRUE(pick(3));
	expect(0, 3);
	ASSERT_TRUE(pick(2));
	expect(20, 2);
	ASSERT_TRUE(pick(2, 0));
	expect(0, 2);
	ASSERT_TRUE(pick(5));
	expect(8, 5);
}

TEST_F(LedgerPick, ElseTheLargest)
{
	ASSERT_TRUE(pick(100));
	expect(32, 16);
	ASSERT_TRUE(pick(100, 1));
	expect(20, 2);
	EXPECT_FALSE(pick(1, 2));
}

TEST_F(LedgerPick, NotAcrossWhatWasReserved)
{
	ASSERT_EQ(add(48, 4), 0);
	ASSERT_TRUE(pick(100));
	expect(32, 16);
	ASSERT_EQ(add(52, 40, RF_CONTENT_CLEAN, 1), 0);
	ASSERT_TRUE(pick(100));
	expect(52, 40);
}

TEST_F(LedgerPick, KeepsItsDistance)
{
	ASSERT_TRUE(pick(3, -1, 1));
	expect(9, 3);
	ASSERT_TRUE(pick(2, -1, 1));
	expect(1, 2);
	EXPECT_FALSE(pick(1, 1, 1));
	EXPECT_EQ(rf_ledger_memory_usable(&table, -1, step_size), (2 + 6 + 14) * step_size);
	EXPECT_EQ(rf_ledger_memory_usable(&table, 1, 0), 2 * step_size);
}

TEST_F(LedgerPick, TopOfTheHighest)
{
	ASSERT_TRUE(rf_ledger_memory_pick_top(&table, step_size, 0, &range));
	expect(47, 1);
	ASSERT_TRUE(rf_ledger_memory_pick_top(&table, 4 * step_size, step_size, &range));
	expect(43, 4);
	EXPECT_FALSE(rf_ledger_memory_pick_top(&table, 17 * step_size, 0, &range));
}

TEST_F(LedgerPick, WholeBlocks)
{
	EXPECT_EQ(rf_ledger_memory_usable_blocks(&table, 4 * step_size, -1), 28 * step_size);
	EXPECT_EQ(rf_ledger_memory_usable_blocks(&table, 8 * step_size, -1), 24 * step_size);
	ASSERT_TRUE(pick_blocks(4, 4));
	expect(0, 4);
	ASSERT_TRUE(pick_blocks(8, 4));
	expect(8, 8);
	ASSERT_TRUE(pick_blocks(100, 4));
	expect(32, 16);
	bring(9, 1, web, RF_MEMORY_COMING);
	ASSERT_TRUE(pick_blocks(4, 4, 0));
	expect(0, 4);
	EXPECT_FALSE(pick_blocks(4, 4, 1));
	EXPECT_FALSE(pick_blocks(64, 64));
}

TEST_F(LedgerPick, WhatIsPickedIsClearedFirst)
{
	rf_range part;

	ASSERT_TRUE(pick(3));
	ASSERT_TRUE(rf_ledger_memory_next_unclean(&table, range.start, range.size, &part));
	EXPECT_EQ(part.start, at(2));
	EXPECT_EQ(part.size, step_size);
	ASSERT_EQ(rf_ledger_memory_set_content(&table, part.start, part.size, RF_CONTENT_CLEAN), 0);
	EXPECT_FALSE(rf_ledger_memory_next_unclean(&table, range.start, range.size, &part));
	EXPECT_EQ(rf_ledger_memory_move(&table, range.start, range.size, web, RF_MEMORY_FREE,
					RF_MEMORY_COMING), 0);
}

TEST_F(LedgerPick, OnlyWhatOwnersLeftIsClearedInTheBackground)
{
	ASSERT_TRUE(rf_ledger_memory_next_left(&table, step_size, &range));
	expect(2, 1);
	ASSERT_EQ(rf_ledger_memory_set_content(&table, at(2), 2 * step_size, RF_CONTENT_CLEAN), 0);
	EXPECT_FALSE(rf_ledger_memory_next_left(&table, step_size, &range));
}

TEST_F(LedgerPick, Figures)
{
	rf_memory_figures figures;

	bring(8, 1, web, RF_MEMORY_OWNED);
	rf_ledger_memory_figures(&table, -1, &figures);
	EXPECT_EQ(figures.total, 30 * step_size);
	EXPECT_EQ(figures.free, 29 * step_size);
	EXPECT_EQ(figures.largest, 16 * step_size);
	EXPECT_EQ(figures.reserved, 16 * step_size);
	EXPECT_EQ(figures.left, 2 * step_size);
	rf_ledger_memory_figures(&table, 1, &figures);
	EXPECT_EQ(figures.total, 2 * step_size);
	EXPECT_EQ(figures.largest, 2 * step_size);
}

TEST_F(LedgerPick, FreeAndClean)
{
	bring(8, 1, web, RF_MEMORY_OWNED);
	EXPECT_TRUE(rf_ledger_memory_is_free(&table, at(0), 8 * step_size));
	EXPECT_FALSE(rf_ledger_memory_is_free(&table, at(0), 9 * step_size));
	EXPECT_TRUE(rf_ledger_memory_is_clean(&table, at(0), 2 * step_size));
	EXPECT_FALSE(rf_ledger_memory_is_clean(&table, at(0), 3 * step_size));
	EXPECT_FALSE(rf_ledger_memory_is_clean(&table, at(8), 1 * step_size));
	EXPECT_EQ(rf_ledger_memory_next(&table, web, 0)->start, at(8));
	EXPECT_EQ(rf_ledger_memory_next(&table, web, at(9)), nullptr);
	EXPECT_EQ(rf_ledger_memory_next(&table, 0, at(8))->start, at(9));
}

/* What the check is for. */
TEST_F(LedgerPick, CheckFindsWhatIsWrong)
{
	bring(8, 1, web, RF_MEMORY_OWNED);
	bring(10, 1, web, RF_MEMORY_OWNED);
	const auto good = extents;
	const std::uint32_t count = table.count;
	const std::uint64_t bytes = table.bytes;
	rf_extent *const owned = &table.extents[2];
	const auto wrong = [&](auto &&change) {
		change();
		EXPECT_NE(rf_ledger_memory_check(&table), nullptr);
		extents = good;
		table.extents = extents.data();
		table.count = count;
		table.bytes = bytes;
	};

	ASSERT_EQ(owned->owner, web);
	wrong([&] { owned->size -= step_size; });
	wrong([&] { owned->size += step_size; });
	wrong([&] { owned->size += 4096; });
	wrong([&] { owned->owner = 0; });
	wrong([&] { owned->owner = RF_OWNER_UNUSABLE; });
	wrong([&] { owned->state = RF_MEMORY_FREE; });
	wrong([&] { owned->state = RF_MEMORY_STATES; });
	wrong([&] { owned->content = RF_CONTENT_CLEAN; });
	wrong([&] { owned[0].boot = owned[2].boot = true; });
	wrong([&] { table.extents[0].boot = true; });
	wrong([&] { std::swap(owned[0], owned[2]); });
	wrong([&] { table.extents[1].content = RF_CONTENT_CLEAN; });
	wrong([&] { table.bytes += step_size; });
	wrong([&] { table.count--; });
	wrong([&] { table.count = table.capacity + 1; });
}

} // namespace
