// SPDX-License-Identifier: GPL-2.0
#include "supervisor/ledger/ledger.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace {

constexpr std::uint32_t web = 1, batch = 2;

class LedgerSlices : public testing::Test {
protected:
	/* Four, of which the first cannot be used, and the second holds the trampoline. */
	void SetUp() override
	{
		rf_ledger_slice_init(&table, 4);
		for (std::uint32_t slice : {1, 2, 3})
			ASSERT_EQ(rf_ledger_slice_set_usable(&table, slice, true), 0);
		ASSERT_EQ(rf_ledger_slice_take(&table, RF_OWNER_TRAMPOLINE), 1);
	}

	void TearDown() override
	{
		EXPECT_STREQ(rf_ledger_slice_check(&table), nullptr);
	}

	void figures(std::uint32_t total, std::uint32_t free)
	{
		std::uint32_t all, left;

		rf_ledger_slice_figures(&table, &all, &left);
		EXPECT_EQ(all, total);
		EXPECT_EQ(left, free);
	}

	rf_slice_table table = {};
};

TEST_F(LedgerSlices, AreTakenFromTheBottom)
{
	figures(2, 2);
	EXPECT_EQ(rf_ledger_slice_take(&table, web), 2);
	EXPECT_EQ(rf_ledger_slice_take(&table, batch), 3);
	EXPECT_EQ(rf_ledger_slice_take(&table, 3), -ENOSPC);
	EXPECT_EQ(rf_ledger_slice_of(&table, batch), 3);
	EXPECT_EQ(rf_ledger_slice_of(&table, 3), -ENOENT);
	figures(2, 0);
	EXPECT_EQ(rf_ledger_slice_free(&table, 2, web), 0);
	EXPECT_EQ(rf_ledger_slice_take(&table, 3), 2);
}

TEST_F(LedgerSlices, AreOneForEach)
{
	EXPECT_EQ(rf_ledger_slice_take(&table, web), 2);
	EXPECT_EQ(rf_ledger_slice_take(&table, web), -EEXIST);
	EXPECT_EQ(rf_ledger_slice_take(&table, RF_OWNER_SUPERVISOR), -EINVAL);
	EXPECT_EQ(rf_ledger_slice_take(&table, RF_OWNER_ARENA), -EINVAL);
}

TEST_F(LedgerSlices, AreGivenBackByTheirOwner)
{
	EXPECT_EQ(rf_ledger_slice_take(&table, web), 2);
	EXPECT_EQ(rf_ledger_slice_free(&table, 2, batch), -EXDEV);
	EXPECT_EQ(rf_ledger_slice_free(&table, 0, RF_OWNER_UNUSABLE), -EINVAL);
	EXPECT_EQ(rf_ledger_slice_free(&table, 3, RF_OWNER_SUPERVISOR), -EINVAL);
	EXPECT_EQ(rf_ledger_slice_free(&table, 4, web), -EINVAL);
	EXPECT_EQ(rf_ledger_slice_set_usable(&table, 2, false), -EBUSY);
	EXPECT_EQ(rf_ledger_slice_set_usable(&table, 4, true), -EINVAL);
	EXPECT_EQ(rf_ledger_slice_free(&table, 1, RF_OWNER_TRAMPOLINE), 0);
}

TEST_F(LedgerSlices, AreNoMoreThanTheCopyHasRoomFor)
{
	rf_ledger_slice_init(&table, 1000);
	EXPECT_EQ(table.count, RF_SLICES_MAX + 0u);
}

/* What the check is for. */
TEST_F(LedgerSlices, CheckFindsWhatIsWrong)
{
	table.owner[2] = table.owner[3] = web;
	EXPECT_NE(rf_ledger_slice_check(&table), nullptr);
	table.owner[2] = RF_OWNER_ARENA;
	EXPECT_NE(rf_ledger_slice_check(&table), nullptr);
	table.owner[2] = 0;
	table.owner[4] = batch;
	EXPECT_NE(rf_ledger_slice_check(&table), nullptr);
	table.owner[4] = RF_OWNER_UNUSABLE;
}

} // namespace
