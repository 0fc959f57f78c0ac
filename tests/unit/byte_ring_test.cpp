// SPDX-License-Identifier: GPL-2.0
#include "kernel/byte_ring.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

namespace {

constexpr std::uint32_t size = 16;
/* Positions a little before they wrap. */
constexpr std::uint32_t late = 0xfffffff8u;
/* Positions of a peer that make no sense to an end that is at 0. */
constexpr std::uint32_t hostile[] = {size + 1, 0x7fffffffu, 0x80000000u, 0xffffffffu - size};

class ByteRing : public testing::Test {
protected:
	void SetUp() override
	{
		begin(0);
	}

	/* Both ends at `position`, as two kernels begin. */
	void begin(std::uint32_t position)
	{
		head = tail = position;
		bytes.fill(0xee);
		rf_byte_ring_attach(&writer, &head, &tail, bytes.data(), size);
		rf_byte_ring_attach(&reader, &head, &tail, bytes.data(), size);
		rf_byte_ring_start_writer(&writer);
		rf_byte_ring_start_reader(&reader);
	}

	std::uint32_t put(std::string_view text)
	{
		return rf_byte_ring_put(&writer, text.data(), text.size());
	}

	/* All there is, in spans. */
	std::string take()
	{
		std::string text;
		std::uint32_t left;

		EXPECT_TRUE(rf_byte_ring_used(&reader, &left));
		while (left) {
			std::uint32_t count = left;
			const __u8 *from = rf_byte_ring_span(&reader, &count);

			text.append(reinterpret_cast<const char *>(from), count);
			rf_byte_ring_advance(&reader, count);
			left -= count;
		}
		return text;
	}

	bool used(std::uint32_t expected)
	{
		std::uint32_t count;

		return rf_byte_ring_used(&reader, &count) && count == expected;
	}

	/* What the two kernels published; all else is private to one of them. */
	std::uint32_t head, tail;
	std::array<__u8, size> bytes;
	rf_byte_ring writer, reader;
};

TEST_F(ByteRing, BeginsEmpty)
{
	EXPECT_TRUE(rf_byte_ring_is_empty(&reader));
	EXPECT_TRUE(used(0));
	EXPECT_EQ(rf_byte_ring_room(&writer), size);
}

TEST_F(ByteRing, GivesWhatWasPutInOrder)
{
	EXPECT_EQ(put("one "), 4u);
	EXPECT_EQ(put("two"), 3u);
	EXPECT_FALSE(rf_byte_ring_is_empty(&reader));
	EXPECT_EQ(take(), "one two");
	EXPECT_TRUE(rf_byte_ring_is_empty(&reader));
}

TEST_F(ByteRing, KeepsBytesUntilTheyAreTaken)
{
	put("abc");
	EXPECT_EQ(rf_byte_ring_at(&reader, 0), 'a');
	EXPECT_EQ(rf_byte_ring_at(&reader, 2), 'c');
	EXPECT_EQ(tail, 0u);
	rf_byte_ring_advance(&reader, 1);
	EXPECT_EQ(tail, 1u);
	EXPECT_EQ(rf_byte_ring_at(&reader, 0), 'b');
	EXPECT_EQ(take(), "bc");
}

TEST_F(ByteRing, TakesNoMoreThanThereIsRoomFor)
{
	EXPECT_EQ(put("0123456789"), 10u);
	EXPECT_EQ(put("abcdefghij"), 6u);
	EXPECT_EQ(put("x"), 0u);
	EXPECT_EQ(rf_byte_ring_room(&writer), 0u);
	EXPECT_EQ(take(), "0123456789abcdef");
	EXPECT_EQ(rf_byte_ring_room(&writer), size);
}

TEST_F(ByteRing, ASpanEndsWhereTheRingDoes)
{
	std::uint32_t count = 10;

	begin(size - 3);
	EXPECT_EQ(put("0123456789"), 10u);
	EXPECT_EQ(rf_byte_ring_span(&reader, &count), bytes.data() + size - 3);
	EXPECT_EQ(count, 3u);
	EXPECT_EQ(rf_byte_ring_at(&reader, 2), '2');
	EXPECT_EQ(rf_byte_ring_at(&reader, 3), '3');
	EXPECT_EQ(take(), "0123456789");
}

TEST_F(ByteRing, GoesOnWherePositionsWrap)
{
	begin(late);
	for (int i = 0; i < 10; i++) {
		EXPECT_EQ(put("abc"), 3u);
		EXPECT_EQ(take(), "abc");
	}
	EXPECT_EQ(head, late + 30);
	EXPECT_EQ(tail, late + 30);
}

TEST_F(ByteRing, BytesGoIntoACircleAndComeOutOfIt)
{
	for (std::uint32_t position = 0; position < 2 * size; position++)
		for (std::uint32_t count = 0; count <= size; count++) {
			const std::string_view text = std::string_view("0123456789abcdef").substr(0, count);
			char got[size] = {};

			rf_bytes_put(bytes.data(), size, position, text.data(), count);
			rf_bytes_get(bytes.data(), size, position, got, count);
			EXPECT_EQ(std::string_view(got, count), text);
		}
}

TEST_F(ByteRing, ATailThatMakesNoSenseIsAnEmptyRing)
{
	for (const std::uint32_t position : hostile) {
		begin(0);
		put("lost");
		tail = position;
		EXPECT_EQ(rf_byte_ring_room(&writer), size) << position;
		EXPECT_EQ(put("0123456789abcdefg"), size) << position;
		EXPECT_EQ(head, 4 + size) << position;
		/* The reader finds our head beyond what can be, and goes on there. */
		std::uint32_t count = 1;
		EXPECT_FALSE(rf_byte_ring_used(&reader, &count));
		EXPECT_EQ(count, 0u);
		put("well again");
		EXPECT_EQ(take(), "well again");
	}
}

TEST_F(ByteRing, AfterAHeadThatMakesNoSenseTheReaderGoesOnThere)
{
	for (const std::uint32_t position : hostile) {
		std::uint32_t count = 1;

		begin(0);
		head = position;
		EXPECT_FALSE(rf_byte_ring_is_empty(&reader));
		EXPECT_FALSE(rf_byte_ring_used(&reader, &count)) << position;
		EXPECT_EQ(count, 0u);
		EXPECT_EQ(tail, position);
		EXPECT_TRUE(used(0));
	}
}

TEST_F(ByteRing, AHeadThatClaimsTooMuchGivesNoMoreThanTheRing)
{
	head = size;
	EXPECT_EQ(take(), std::string(size, '\xee'));
	EXPECT_TRUE(used(0));
}

TEST_F(ByteRing, OverwrittenPositionsAreRestored)
{
	begin(late);
	put("abcd");
	rf_byte_ring_advance(&reader, 1);
	for (const std::uint32_t position : {0u, 1u, 0x80000000u, 0xffffffffu}) {
		head = tail = position;
		EXPECT_TRUE(rf_byte_ring_restore_head(&writer));
		EXPECT_TRUE(rf_byte_ring_restore_tail(&reader));
		EXPECT_EQ(head, late + 4);
		EXPECT_EQ(tail, late + 1);
		EXPECT_FALSE(rf_byte_ring_restore_head(&writer));
		EXPECT_FALSE(rf_byte_ring_restore_tail(&reader));
	}
	EXPECT_EQ(take(), "bcd");
}

TEST_F(ByteRing, AnOverwrittenHeadIsPublishedAgainAlsoWhenTheRingIsFull)
{
	put("0123456789abcdef");
	head = 0;
	EXPECT_EQ(put("x"), 0u);
	EXPECT_EQ(head, size);
}

TEST_F(ByteRing, AnOverwrittenTailIsPublishedAgainAlsoWhenTheRingIsEmpty)
{
	tail = 0x12345678;
	rf_byte_ring_advance(&reader, 0);
	EXPECT_EQ(tail, 0u);
}

TEST_F(ByteRing, AnyTailIsGoodToBeginAt)
{
	for (const std::uint32_t position : {0u, 1u, late, 0xffffffffu}) {
		tail = position;
		rf_byte_ring_start_writer(&writer);
		EXPECT_EQ(head, position);
		EXPECT_EQ(rf_byte_ring_room(&writer), size);
	}
}

TEST_F(ByteRing, WhatWasWrittenBeforeTheReaderBeganIsNotForIt)
{
	put("old");
	rf_byte_ring_start_reader(&reader);
	EXPECT_EQ(tail, 3u);
	put("new");
	EXPECT_EQ(take(), "new");
}

/* The watch of one end, beside that end. */
TEST_F(ByteRing, RestoringDoesNotUndoWhatTheEndDidMeanwhile)
{
	std::jthread watch([this](std::stop_token stop) {
		while (!stop.stop_requested()) {
			rf_byte_ring_restore_head(&writer);
			rf_byte_ring_restore_tail(&reader);
		}
	});

	for (std::uint32_t i = 0; i < 20000; i++) {
		ASSERT_EQ(put("a"), 1u);
		ASSERT_EQ(__atomic_load_n(&head, __ATOMIC_RELAXED), i + 1);
		ASSERT_EQ(take(), "a");
		ASSERT_EQ(__atomic_load_n(&tail, __ATOMIC_RELAXED), i + 1);
	}
}

TEST_F(ByteRing, NothingIsLostOrDoubledBetweenTwoThreads)
{
	constexpr std::uint32_t count = 1000000;

	begin(late);
	std::jthread sender([this] {
		for (std::uint32_t i = 0; i < count;) {
			__u8 piece[5];
			std::uint32_t length = 0;

			while (length < sizeof(piece) && i + length < count) {
				piece[length] = (i + length) % 251;
				length++;
			}
			length = rf_byte_ring_put(&writer, piece, length);
			if (!length)
				std::this_thread::yield();
			i += length;
		}
	});
	for (std::uint32_t i = 0; i < count;) {
		const std::string got = take();

		for (const char byte : got)
			ASSERT_EQ(static_cast<__u8>(byte), i++ % 251);
		if (got.empty())
			std::this_thread::yield();
	}
	EXPECT_TRUE(used(0));
}

} // namespace
