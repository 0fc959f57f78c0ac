// SPDX-License-Identifier: GPL-2.0
#include "kernel/grant.h"
#include "kernel/overlap.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>

namespace {

class Grant : public testing::Test {
protected:
	void SetUp() override
	{
		draft->size = sizeof(*draft);
		draft->magic = RF_GRANT_MAGIC;
		draft->major = RF_GRANT_MAJOR;
		draft->member = 3;
		draft->nr_ranges = 1;
		rf_grant_write(page.get(), draft.get(), 2);
	}

	bool reads()
	{
		return rf_grant_try(page.get(), copy.get(), &sequence);
	}

	std::unique_ptr<rf_grant> page = std::make_unique<rf_grant>();
	std::unique_ptr<rf_grant> draft = std::make_unique<rf_grant>();
	std::unique_ptr<rf_grant> copy = std::make_unique<rf_grant>();
	__u32 sequence = 0;
};

TEST_F(Grant, IsReadAsItWasWritten)
{
	draft->owner[7] = 5;
	draft->functions[RF_FUNCTIONS_MAX - 1].bdf = 0x100;
	rf_grant_write(page.get(), draft.get(), 4);
	ASSERT_TRUE(reads());
	EXPECT_EQ(sequence, 4u);
	draft->sequence = 4;
	EXPECT_FALSE(std::memcmp(copy.get(), draft.get(), sizeof(*copy)));
	EXPECT_TRUE(rf_grant_is_valid(copy.get()));
}

TEST_F(Grant, IsNotReadWhileItIsBeingWritten)
{
	page->sequence = 3;
	EXPECT_FALSE(reads());
	EXPECT_EQ(sequence, 3u);
}

TEST_F(Grant, AChangeDuringALookIsNoticed)
{
	const __u32 begun = rf_grant_begin(page.get());

	EXPECT_TRUE(rf_grant_kept_still(page.get(), begun));
	rf_grant_write(page.get(), draft.get(), 4);
	EXPECT_FALSE(rf_grant_kept_still(page.get(), begun));
}

TEST_F(Grant, OfAnotherKindIsNotValid)
{
	void (*const lies[])(rf_grant &) = {
		[](rf_grant &grant) { grant.size--; },
		[](rf_grant &grant) { grant.magic++; },
		[](rf_grant &grant) { grant.major++; },
		[](rf_grant &grant) { grant.member = RF_MEMBERS_MAX; },
		[](rf_grant &grant) { grant.nr_ranges = RF_RANGES_MAX + 1; },
	};

	EXPECT_TRUE(rf_grant_is_valid(page.get()));
	for (const auto lie : lies) {
		*copy = *page;
		lie(*copy);
		EXPECT_FALSE(rf_grant_is_valid(copy.get()));
	}
}

TEST_F(Grant, ALaterMinorVersionIsValid)
{
	*copy = *page;
	copy->minor++;
	copy->size += 64;
	EXPECT_TRUE(rf_grant_is_valid(copy.get()));
}

/* Each state of the page has one value in all that can change. */
TEST_F(Grant, IsNeverReadInTheMiddleOfAChange)
{
	std::jthread writer([this](std::stop_token stop) {
		for (__u32 i = 2; !stop.stop_requested(); i++) {
			std::memset(draft->owner, i, sizeof(draft->owner));
			draft->reserved = i;
			draft->kernel_ids[0] = i;
			draft->functions[RF_FUNCTIONS_MAX - 1].generation = i;
			rf_grant_write(page.get(), draft.get(), 2 * i);
			std::this_thread::yield();
		}
	});

	for (int reading = 0; reading < 2000;) {
		if (!reads() || sequence == 2)
			continue;
		const __u32 i = sequence / 2;

		reading++;
		ASSERT_EQ(copy->reserved, i);
		ASSERT_EQ(copy->kernel_ids[0], i);
		ASSERT_EQ(copy->owner[0], static_cast<__u8>(i));
		ASSERT_EQ(copy->owner[RF_APIC_IDS - 1], static_cast<__u8>(i));
		ASSERT_EQ(copy->functions[RF_FUNCTIONS_MAX - 1].generation, i);
	}
}

/* The newest grant is 10, and 6 is waited for. */
TEST(Acknowledgement, CountsFromWhatIsWaitedForToWhatIsThere)
{
	for (__u32 sequence : {6u, 8u, 10u})
		EXPECT_FALSE(rf_grant_is_owed(rf_grant_acknowledgement(sequence), 6, 10));
	for (__u32 sequence : {0u, 2u, 4u})
		EXPECT_TRUE(rf_grant_is_owed(rf_grant_acknowledgement(sequence), 6, 10));
}

TEST(Acknowledgement, OfAGrantThatNeverWasIsNone)
{
	for (__u32 sequence : {12u, 0x80000000u, 0xfffffffeu})
		EXPECT_TRUE(rf_grant_is_owed(rf_grant_acknowledgement(sequence), 6, 10));
	for (__u64 word : {6ull, 10ull, 1ull << 33 | 8, 1ull << 63 | 1ull << 32 | 8, ~0ull,
			   1ull << 32 | 7, 1ull << 32 | 9})
		EXPECT_TRUE(rf_grant_is_owed(word, 6, 10)) << word;
}

TEST(Acknowledgement, IsNotOwedByWhoHasNotJoined)
{
	EXPECT_FALSE(rf_grant_is_owed(0, 6, 10));
	EXPECT_FALSE(rf_grant_is_owed(0, 0xfffffffe, 4));
}

TEST(Acknowledgement, SurvivesTheWrapOfTheSequence)
{
	for (__u32 sequence : {0xfffffffcu, 0xfffffffeu, 0u, 2u})
		EXPECT_FALSE(rf_grant_is_owed(rf_grant_acknowledgement(sequence), 0xfffffffc, 2));
	for (__u32 sequence : {0xfffffffau, 4u})
		EXPECT_TRUE(rf_grant_is_owed(rf_grant_acknowledgement(sequence), 0xfffffffc, 2));
}

/* A page that is being changed has left the grant before it to nobody yet. */
TEST(Acknowledgement, DuringAChangeIsOfTheGrantBefore)
{
	EXPECT_EQ(rf_grant_acknowledgement(9), rf_grant_acknowledgement(8));
	EXPECT_TRUE(rf_grant_is_owed(rf_grant_acknowledgement(9), 10, 10));
	EXPECT_NE(rf_grant_acknowledgement(0), 0u);
}

TEST(Overlap, IsAtLeastOneByteThatBothHave)
{
	EXPECT_TRUE(rf_overlap(10, 5, 14, 1));
	EXPECT_TRUE(rf_overlap(14, 1, 10, 5));
	EXPECT_TRUE(rf_overlap(10, 5, 11, 2));
	EXPECT_TRUE(rf_overlap(10, 5, 10, 5));
	EXPECT_FALSE(rf_overlap(10, 5, 15, 5));
	EXPECT_FALSE(rf_overlap(15, 5, 10, 5));
}

TEST(Overlap, NothingOverlapsAnEmptyRange)
{
	EXPECT_FALSE(rf_overlap(10, 5, 12, 0));
	EXPECT_FALSE(rf_overlap(12, 0, 10, 5));
}

TEST(Overlap, IsRightAtTheEndOfAllAddresses)
{
	EXPECT_TRUE(rf_overlap(~0ull, 1, ~0ull - 9, 10));
	EXPECT_FALSE(rf_overlap(~0ull - 10, 1, ~0ull - 9, 10));
	EXPECT_TRUE(rf_overlap(0, ~0ull, 5, 1));
}

} // namespace
