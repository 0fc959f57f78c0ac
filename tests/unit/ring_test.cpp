// SPDX-License-Identifier: GPL-2.0
#include "ficm/ring.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <thread>

namespace {

constexpr std::uint32_t from = 7;
constexpr std::uint32_t to = 3;
/* Positions a little before they wrap. */
constexpr std::uint32_t late = 0xfffffff0u;

rf_message message(std::uint32_t value, std::uint16_t type = RF_MSG_USER)
{
	rf_message message = {};

	message.type = type;
	message.length = sizeof(value);
	message.from = from;
	message.to = to;
	std::memcpy(message.payload, &value, sizeof(value));
	return message;
}

std::uint32_t value(const rf_message &message)
{
	std::uint32_t value;

	std::memcpy(&value, message.payload, sizeof(value));
	return value;
}

/* Both ends of a ring, begun at `position` as two kernels begin. */
class Ring : public testing::TestWithParam<rf_priority> {
protected:
	void SetUp() override
	{
		begin(0);
	}

	void begin(std::uint32_t position)
	{
		std::memset(pair.get(), 0, sizeof(*pair));
		pair->head[GetParam()].position = position;
		rf_ring_attach(&consumer, pair.get(), GetParam());
		rf_ring_start_consumer(&consumer);
		rf_ring_attach(&producer, pair.get(), GetParam());
		rf_ring_start_producer(&producer);
	}

	bool put(std::uint32_t value)
	{
		const rf_message copy = message(value);

		return rf_ring_put(&producer, &copy) != RF_RING_FULL;
	}

	rf_ring_result peek()
	{
		return rf_ring_peek(&consumer, from, to, &got);
	}

	void expect(std::uint32_t expected)
	{
		ASSERT_EQ(peek(), RF_RING_MESSAGE);
		EXPECT_EQ(value(got), expected);
		rf_ring_advance(&consumer);
	}

	std::uint32_t slots() const
	{
		return producer.nr_slots;
	}

	/* The slot that the consumer looks at next. */
	rf_message &slot()
	{
		return consumer.slots[consumer.position % slots()];
	}

	std::uint32_t &head()
	{
		return pair->head[GetParam()].position;
	}

	std::uint32_t &tail()
	{
		return pair->tail[GetParam()].position;
	}

	std::unique_ptr<rf_ring_pair> pair = std::make_unique<rf_ring_pair>();
	rf_ring producer, consumer;
	rf_message got;
};

TEST_P(Ring, BeginsEmpty)
{
	EXPECT_TRUE(rf_ring_is_idle(&consumer));
	EXPECT_EQ(peek(), RF_RING_EMPTY);
}

TEST_P(Ring, GivesWhatWasPutInOrder)
{
	for (std::uint32_t i = 0; i < 10; i++)
		ASSERT_TRUE(put(i));
	EXPECT_FALSE(rf_ring_is_idle(&consumer));
	for (std::uint32_t i = 0; i < 10; i++)
		expect(i);
	EXPECT_EQ(peek(), RF_RING_EMPTY);
}

TEST_P(Ring, KeepsAMessageUntilItIsTaken)
{
	ASSERT_TRUE(put(1));
	ASSERT_EQ(peek(), RF_RING_MESSAGE);
	ASSERT_EQ(peek(), RF_RING_MESSAGE);
	EXPECT_EQ(tail(), 0u);
	expect(1);
	EXPECT_EQ(tail(), 1u);
}

TEST_P(Ring, IsFullWhenAllSlotsAre)
{
	for (std::uint32_t i = 0; i < slots(); i++)
		ASSERT_TRUE(put(i));
	EXPECT_FALSE(put(slots()));
	expect(0);
	EXPECT_TRUE(put(slots()));
	EXPECT_FALSE(put(slots() + 1));
	for (std::uint32_t i = 1; i <= slots(); i++)
		expect(i);
}

TEST_P(Ring, GoesOnWherePositionsWrap)
{
	begin(late);
	for (std::uint32_t i = 0; i < 4 * slots(); i++) {
		ASSERT_TRUE(put(i));
		expect(i);
	}
	EXPECT_EQ(head(), late + 4 * slots());
	begin(late);
	for (std::uint32_t i = 0; i < slots(); i++)
		ASSERT_TRUE(put(i));
	EXPECT_FALSE(put(slots()));
	for (std::uint32_t i = 0; i < slots(); i++)
		expect(i);
}

TEST_P(Ring, TheOtherPriorityIsAnother)
{
	rf_ring other;
	const auto priority = GetParam() == RF_URGENT ? RF_NORMAL : RF_URGENT;

	rf_ring_attach(&other, pair.get(), priority);
	rf_ring_start_consumer(&other);
	ASSERT_TRUE(put(1));
	EXPECT_TRUE(rf_ring_is_idle(&other));
	EXPECT_EQ(rf_ring_peek(&other, from, to, &got), RF_RING_EMPTY);
	expect(1);
}

TEST_P(Ring, AProducerMeetsAHostileTailWhereItIs)
{
	const rf_message sent = message(1);

	for (const std::uint32_t position : {1u, 1000u, 0x80000000u, 0xffffffffu - slots()}) {
		begin(0);
		tail() = position;
		EXPECT_EQ(rf_ring_put(&producer, &sent), RF_RING_RESTARTED) << position;
		EXPECT_EQ(head(), position + 1);
	}
}

TEST_P(Ring, ATailThatWasOverwrittenDoesNotStayFull)
{
	begin(1000);
	tail() = 1000 - slots();
	EXPECT_FALSE(put(1));
	EXPECT_FALSE(rf_ring_is_idle(&consumer));
	EXPECT_EQ(peek(), RF_RING_EMPTY);
	EXPECT_TRUE(rf_ring_is_idle(&consumer));
	ASSERT_TRUE(put(2));
	expect(2);
}

TEST_P(Ring, AHeadThatWasOverwrittenStopsNobody)
{
	for (const std::uint32_t position : {1u, slots(), slots() + 1, 0x80000000u, 0u - slots(),
					     0xffffffffu}) {
		begin(0);
		head() = position;
		while (peek() == RF_RING_DROPPED)
			;
		/* The same producer goes on; it meets the consumer where that one is. */
		while (!put(3))
			while (peek() == RF_RING_DROPPED)
				;
		while (peek() == RF_RING_DROPPED)
			;
		expect(3);
	}
}

/* What the heartbeats of both sides do after somebody wrote over the ring. */
TEST_P(Ring, PositionsThatWereOverwrittenAreRestored)
{
	for (const std::uint32_t position : {0u, 1u, 1000u, 0x80000000u, 0xffffffffu}) {
		begin(late);
		ASSERT_TRUE(put(1));
		expect(1);
		ASSERT_TRUE(put(2));
		head() = tail() = position;
		rf_ring_restore_head(&producer);
		rf_ring_restore_tail(&consumer);
		EXPECT_EQ(head(), late + 2) << position;
		EXPECT_EQ(tail(), late + 1) << position;
		expect(2);
		ASSERT_TRUE(put(3));
		expect(3);
		EXPECT_TRUE(rf_ring_is_idle(&consumer));
	}
}

TEST_P(Ring, ARestoredTailDoesNotUndoWhatTheConsumerDidMeanwhile)
{
	constexpr std::uint32_t count = 20000;
	std::jthread heartbeat([this](std::stop_token stop) {
		while (!stop.stop_requested())
			rf_ring_restore_tail(&consumer);
	});

	for (std::uint32_t i = 0; i < count; i++) {
		ASSERT_TRUE(put(i));
		expect(i);
		ASSERT_EQ(__atomic_load_n(&tail(), __ATOMIC_RELAXED), i + 1);
	}
}

TEST_P(Ring, AHostileHeadIsNotFollowed)
{
	for (const std::uint32_t position : {slots() + 1, 0x80000000u, 0xffffffffu}) {
		begin(0);
		head() = position;
		EXPECT_EQ(peek(), RF_RING_NONSENSE) << position;
		EXPECT_TRUE(rf_ring_is_idle(&consumer));
		EXPECT_EQ(tail(), 0u);
		ASSERT_TRUE(put(5));
		expect(5);
	}
}

TEST_P(Ring, AHeadThatGoesBackDeliversNothingTwice)
{
	for (std::uint32_t i = 0; i < 5; i++) {
		ASSERT_TRUE(put(i));
		expect(i);
	}
	for (const std::uint32_t position : {4u, 0u, 0u - slots()}) {
		head() = position;
		EXPECT_EQ(peek(), RF_RING_NONSENSE) << position;
		rf_ring_restore_head(&producer);
		EXPECT_EQ(peek(), RF_RING_EMPTY) << position;
	}
	ASSERT_TRUE(put(5));
	expect(5);
}

/* The heartbeat of a producer that was led astray, with nothing to send. */
TEST_P(Ring, AProducerThatIsAstrayComesBackByItself)
{
	tail() = 0x80000000u;
	ASSERT_TRUE(put(1));
	EXPECT_EQ(peek(), RF_RING_NONSENSE);
	rf_ring_restore_head(&producer);
	rf_ring_restore_head(&producer);
	EXPECT_EQ(peek(), RF_RING_EMPTY);
	ASSERT_TRUE(put(2));
	expect(2);
}

TEST_P(Ring, AHeadThatClaimsTooMuchGivesNothing)
{
	head() = slots();
	for (std::uint32_t i = 0; i < slots(); i++)
		EXPECT_EQ(peek(), RF_RING_DROPPED);
	EXPECT_EQ(peek(), RF_RING_EMPTY);
	rf_ring_start_producer(&producer);
	ASSERT_TRUE(put(6));
	expect(6);
}

TEST_P(Ring, DropsWhatIsNotWhatItHasToBe)
{
	const std::pair<const char *, void (*)(rf_message &)> lies[] = {
		{"sequence", [](rf_message &m) { m.sequence++; }},
		{"sequence of a round before", [](rf_message &m) { m.sequence -= 128; }},
		{"no type", [](rf_message &m) { m.type = RF_MSG_NONE; }},
		{"type", [](rf_message &m) { m.type = RF_MSG_TYPES; }},
		{"largest type", [](rf_message &m) { m.type = 0xffff; }},
		{"length", [](rf_message &m) { m.length = RF_PAYLOAD_MAX + 1; }},
		{"largest length", [](rf_message &m) { m.length = 0xff; }},
		{"sender", [](rf_message &m) { m.from = from + 1; }},
		{"receiver", [](rf_message &m) { m.to = to + 1; }},
		{"all", [](rf_message &m) { std::memset(&m, 0xff, sizeof(m)); }},
		{"nothing", [](rf_message &m) { std::memset(&m, 0, sizeof(m)); }},
	};

	begin(128);
	for (const auto &[what, lie] : lies) {
		ASSERT_TRUE(put(1));
		ASSERT_TRUE(put(2));
		lie(slot());
		EXPECT_EQ(peek(), RF_RING_DROPPED) << what;
		expect(2);
		EXPECT_EQ(peek(), RF_RING_EMPTY);
	}
}

TEST_P(Ring, AProducerThatDiedInTheMiddleOfAWriteLeavesNothing)
{
	ASSERT_TRUE(put(1));
	/* It wrote half of the slot, and never got to publish it. */
	std::memset(&consumer.slots[1], 0x55, sizeof(rf_message) / 2);
	expect(1);
	EXPECT_EQ(peek(), RF_RING_EMPTY);

	/* Its successor begins at our tail. */
	rf_ring_attach(&producer, pair.get(), GetParam());
	rf_ring_start_producer(&producer);
	ASSERT_TRUE(put(2));
	expect(2);
}

TEST_P(Ring, WhatASuccessorSentBeforeItWasNoticedIsNotLost)
{
	for (std::uint32_t i = 0; i < 5; i++) {
		ASSERT_TRUE(put(i));
		expect(i);
	}
	rf_ring_start_producer(&producer);
	ASSERT_TRUE(put(10));
	ASSERT_TRUE(put(11));
	expect(10);
	expect(11);
}

TEST_P(Ring, WhatAPredecessorLeftIsDropped)
{
	ASSERT_TRUE(put(1));
	EXPECT_EQ(rf_ring_peek(&consumer, from + 1, to, &got), RF_RING_DROPPED);
	EXPECT_EQ(rf_ring_peek(&consumer, from + 1, to, &got), RF_RING_EMPTY);
}

TEST_P(Ring, ASuccessorOfAKernelThatLiedBeginsAnew)
{
	head() = 0x12345678;
	rf_ring_start_producer(&producer);
	ASSERT_TRUE(put(1));
	expect(1);
}

TEST_P(Ring, AnyTailIsGoodToBeginAt)
{
	for (const std::uint32_t position : {0u, 1u, late, 0xffffffffu}) {
		tail() = position;
		rf_ring_start_producer(&producer);
		EXPECT_EQ(head(), position);
	}
}

TEST_P(Ring, NothingIsLostOrDoubledBetweenTwoThreads)
{
	constexpr std::uint32_t count = 1000000;

	begin(late);
	std::jthread sender([this] {
		for (std::uint32_t i = 0; i < count;) {
			if (put(i))
				i++;
			else
				std::this_thread::yield();
		}
	});
	for (std::uint32_t i = 0; i < count;) {
		const auto result = peek();

		if (result == RF_RING_EMPTY) {
			std::this_thread::yield();
			continue;
		}
		ASSERT_EQ(result, RF_RING_MESSAGE) << i;
		ASSERT_EQ(value(got), i);
		rf_ring_advance(&consumer);
		i++;
	}
	EXPECT_EQ(peek(), RF_RING_EMPTY);
}

INSTANTIATE_TEST_SUITE_P(Priorities, Ring, testing::Values(RF_URGENT, RF_NORMAL),
			 [](const auto &info) { return info.param == RF_URGENT ? "Urgent" : "Normal"; });

} // namespace
