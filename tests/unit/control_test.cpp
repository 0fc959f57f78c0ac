// SPDX-License-Identifier: GPL-2.0
#include "wire/control_check.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

namespace {

rf_message message(std::uint16_t type, const rf_control &control)
{
	rf_message message = {};

	message.type = type;
	message.length = sizeof(control);
	std::memcpy(message.payload, &control, sizeof(control));
	return message;
}

bool parses(std::uint16_t type, const rf_control &control)
{
	const rf_message copy = message(type, control);
	rf_control parsed;

	return rf_control_parse(&copy, &parsed) && !std::memcmp(&parsed, &control, sizeof(parsed));
}

bool request(std::uint16_t op, std::int64_t a = 0, std::int64_t b = 0, std::int64_t c = 0,
	     std::int64_t d = 0)
{
	return parses(RF_MSG_REQUEST, {1, op, RF_ANSWER_NONE, {a, b, c, d, 0}});
}

bool answer(std::uint16_t op, std::uint16_t answer, std::int64_t a = 0, std::int64_t b = 0)
{
	return parses(RF_MSG_ANSWER, {1, op, answer, {a, b, 0, 0, 0}});
}

constexpr std::int64_t block = 128 << 20;

TEST(Control, KnowsEveryRequest)
{
	EXPECT_TRUE(request(RF_OP_HELLO, RF_CONTROL_VERSION, RF_CAN_CORES | RF_CAN_MEMORY, block, 4));
	EXPECT_TRUE(request(RF_OP_CORES_ADD, 1 << 3));
	EXPECT_TRUE(request(RF_OP_CORES_REMOVE, 0, 0, 0, INT64_MIN));
	EXPECT_TRUE(request(RF_OP_MEMORY_ADD, 8 * block, block));
	EXPECT_TRUE(request(RF_OP_MEMORY_REMOVE, block, 10000));
	EXPECT_TRUE(request(RF_OP_STOP, RF_STOP_REBOOT));
	EXPECT_TRUE(request(RF_OP_PING, -1));
	EXPECT_TRUE(request(RF_OP_STATISTICS));
	EXPECT_TRUE(request(RF_OP_WINDOW, 24, 80));
}

TEST(Control, RefusesRequestsThatMeanNothing)
{
	EXPECT_FALSE(request(0));
	EXPECT_FALSE(request(RF_OP_NR));
	EXPECT_FALSE(request(RF_OP_HELLO, 0, 0, block, 4));
	EXPECT_FALSE(request(RF_OP_HELLO, 1, 0, block + 1, 4));
	EXPECT_FALSE(request(RF_OP_HELLO, 1, 0, block, 0));
	EXPECT_FALSE(request(RF_OP_CORES_ADD));
	EXPECT_FALSE(request(RF_OP_MEMORY_ADD, 8 * block, 0));
	EXPECT_FALSE(request(RF_OP_MEMORY_ADD, 8 * block + 4096, block));
	EXPECT_FALSE(request(RF_OP_MEMORY_ADD, -block, block));
	EXPECT_FALSE(request(RF_OP_MEMORY_ADD, INT64_MAX - block + 1, 2 * block));
	EXPECT_FALSE(request(RF_OP_MEMORY_REMOVE, -block));
	EXPECT_FALSE(request(RF_OP_MEMORY_REMOVE, block, -1));
	EXPECT_FALSE(request(RF_OP_STOP, 2));
	EXPECT_FALSE(request(RF_OP_WINDOW, 24, 0x10000));
	EXPECT_FALSE(parses(RF_MSG_REQUEST, {1, RF_OP_PING, RF_ANSWER_DONE, {}}));
}

TEST(Control, KnowsEveryAnswer)
{
	EXPECT_TRUE(answer(RF_OP_CORES_ADD, RF_ANSWER_PROGRESS, 255, -EIO));
	EXPECT_TRUE(answer(RF_OP_CORES_REMOVE, RF_ANSWER_PROGRESS, 2, 0));
	EXPECT_TRUE(answer(RF_OP_MEMORY_REMOVE, RF_ANSWER_PROGRESS, 8 * block, block));
	EXPECT_TRUE(answer(RF_OP_MEMORY_REMOVE, RF_ANSWER_DONE, 0));
	EXPECT_TRUE(answer(RF_OP_HELLO, RF_ANSWER_DONE, 1, 0));
	EXPECT_TRUE(answer(RF_OP_PING, RF_ANSWER_DONE, -7));
	EXPECT_TRUE(answer(RF_OP_MEMORY_ADD, RF_ANSWER_FAILED, -ENOMEM));
	EXPECT_TRUE(answer(RF_OP_STOP, RF_ANSWER_CANCELLED));
}

TEST(Control, RefusesAnswersThatMeanNothing)
{
	EXPECT_FALSE(answer(0, RF_ANSWER_DONE));
	EXPECT_FALSE(answer(RF_OP_NR, RF_ANSWER_DONE));
	EXPECT_FALSE(answer(RF_OP_PING, RF_ANSWER_NONE));
	EXPECT_FALSE(answer(RF_OP_PING, RF_ANSWER_CANCELLED + 1));
	EXPECT_FALSE(answer(RF_OP_CORES_ADD, RF_ANSWER_PROGRESS, 256));
	EXPECT_FALSE(answer(RF_OP_CORES_ADD, RF_ANSWER_PROGRESS, -1));
	EXPECT_FALSE(answer(RF_OP_CORES_ADD, RF_ANSWER_PROGRESS, 1, 1));
	EXPECT_FALSE(answer(RF_OP_CORES_ADD, RF_ANSWER_DONE, -1));
	EXPECT_FALSE(answer(RF_OP_MEMORY_REMOVE, RF_ANSWER_PROGRESS, 4096, block));
	EXPECT_FALSE(answer(RF_OP_MEMORY_ADD, RF_ANSWER_FAILED, 0));
	EXPECT_FALSE(answer(RF_OP_MEMORY_ADD, RF_ANSWER_FAILED, -41));
	EXPECT_FALSE(answer(RF_OP_MEMORY_ADD, RF_ANSWER_FAILED, -134));
	EXPECT_FALSE(answer(RF_OP_MEMORY_ADD, RF_ANSWER_FAILED, -2608));
}

TEST(Control, SendsOnlyErrorsThatAreAccepted)
{
	EXPECT_EQ(rf_control_error(-ENOMEM), -ENOMEM);
	for (const std::int64_t error : {0, 1, -41, -517, -524, -4095})
		EXPECT_EQ(rf_control_error(error), -EIO);
}

/* A request, and how its answers are taken. */
struct Asked {
	Asked(std::uint16_t op, std::int64_t a, std::int64_t b = 0, std::uint32_t units = 8)
		: args{a, b, 0, 0, 0}
	{
		asked.args = args;
		asked.op = op;
		asked.units = units;
		asked.unit = block;
	}

	bool takes(std::uint16_t kind, std::int64_t a = 0, std::int64_t b = 0)
	{
		const rf_control control = {1, asked.op, kind, {a, b, 0, 0, asked.reported}};

		return rf_control_takes(&asked, &control);
	}

	__s64 args[RF_CONTROL_ARGS];
	rf_control_asked asked = {};
};

TEST(ControlAsked, TakesEachCoreOnce)
{
	Asked cores(RF_OP_CORES_REMOVE, 1 << 3 | 1 << 5);

	EXPECT_FALSE(cores.takes(RF_ANSWER_PROGRESS, 4));
	EXPECT_TRUE(cores.takes(RF_ANSWER_PROGRESS, 3));
	EXPECT_FALSE(cores.takes(RF_ANSWER_PROGRESS, 3));
	EXPECT_TRUE(cores.takes(RF_ANSWER_PROGRESS, 5, -EBUSY));
	EXPECT_FALSE(cores.takes(RF_ANSWER_DONE, 0));
	EXPECT_FALSE(cores.takes(RF_ANSWER_DONE, 3));
	EXPECT_TRUE(cores.takes(RF_ANSWER_DONE, 1));
	EXPECT_FALSE(cores.takes(RF_ANSWER_DONE, 1));
}

TEST(ControlAsked, TakesNoMoreMemoryThanWanted)
{
	Asked memory(RF_OP_MEMORY_REMOVE, 2 * block);

	EXPECT_FALSE(memory.takes(RF_ANSWER_PROGRESS, 8 * block, 4 << 20));
	EXPECT_FALSE(memory.takes(RF_ANSWER_PROGRESS, 8 * block + (4 << 20), block));
	EXPECT_TRUE(memory.takes(RF_ANSWER_PROGRESS, 8 * block, block));
	EXPECT_FALSE(memory.takes(RF_ANSWER_PROGRESS, 9 * block, 2 * block));
	EXPECT_FALSE(memory.takes(RF_ANSWER_DONE, 0));
	EXPECT_TRUE(memory.takes(RF_ANSWER_PROGRESS, 9 * block, block));
	EXPECT_FALSE(memory.takes(RF_ANSWER_DONE, 3 * block));
	EXPECT_TRUE(memory.takes(RF_ANSWER_DONE, 2 * block));
}

TEST(ControlAsked, KnowsProgressThatComesTwice)
{
	Asked memory(RF_OP_MEMORY_REMOVE, 2 * block);
	const rf_control first = {1, RF_OP_MEMORY_REMOVE, RF_ANSWER_PROGRESS, {8 * block, block}};
	const rf_control next = {1, RF_OP_MEMORY_REMOVE, RF_ANSWER_PROGRESS,
				 {9 * block, block, 0, 0, 1}};

	EXPECT_FALSE(rf_control_is_repeated(&memory.asked, &first));
	EXPECT_FALSE(rf_control_takes(&memory.asked, &next));
	EXPECT_TRUE(rf_control_takes(&memory.asked, &first));
	EXPECT_TRUE(rf_control_is_repeated(&memory.asked, &first));
	EXPECT_FALSE(rf_control_takes(&memory.asked, &first));
	EXPECT_TRUE(rf_control_takes(&memory.asked, &next));
}

TEST(ControlAsked, MissesLostProgress)
{
	Asked cores(RF_OP_CORES_ADD, 1 << 3 | 1 << 5);

	EXPECT_TRUE(cores.takes(RF_ANSWER_PROGRESS, 3));
	for (const std::uint16_t kind : {RF_ANSWER_DONE, RF_ANSWER_CANCELLED, RF_ANSWER_FAILED}) {
		const rf_control lost = {1, RF_OP_CORES_ADD, kind, {-1, 0, 0, 0, 2}};

		EXPECT_FALSE(rf_control_takes(&cores.asked, &lost));
	}
	EXPECT_TRUE(cores.takes(RF_ANSWER_CANCELLED));
}

TEST(ControlAsked, TakesOneFinalAnswerToWhatWasAsked)
{
	Asked added(RF_OP_MEMORY_ADD, 8 * block, block), ping(RF_OP_PING, 7);
	const rf_control other = {1, RF_OP_STOP, RF_ANSWER_DONE, {}};

	EXPECT_FALSE(added.takes(RF_ANSWER_PROGRESS, 8 * block, block));
	EXPECT_FALSE(added.takes(RF_ANSWER_DONE, 2 * block));
	EXPECT_FALSE(rf_control_takes(&added.asked, &other));
	EXPECT_TRUE(added.takes(RF_ANSWER_FAILED, -ENOMEM));
	EXPECT_FALSE(added.takes(RF_ANSWER_CANCELLED));
	EXPECT_FALSE(ping.takes(RF_ANSWER_DONE, 8));
	EXPECT_TRUE(ping.takes(RF_ANSWER_DONE, 7));
}

TEST(ControlAsked, TakesNoMoreProgressThanAnnounced)
{
	Asked cores(RF_OP_CORES_ADD, 1 << 3 | 1 << 5, 0, 1);

	EXPECT_TRUE(cores.takes(RF_ANSWER_PROGRESS, 3));
	EXPECT_FALSE(cores.takes(RF_ANSWER_PROGRESS, 5));
	EXPECT_TRUE(cores.takes(RF_ANSWER_DONE, 2));
}

TEST(Control, RefusesOtherMessages)
{
	rf_message copy = message(RF_MSG_REQUEST, {1, RF_OP_PING, RF_ANSWER_NONE, {}});
	rf_control parsed;

	EXPECT_FALSE(parses(RF_MSG_USER, {1, RF_OP_PING, RF_ANSWER_NONE, {}}));
	EXPECT_TRUE(parses(RF_MSG_CANCEL, {1, RF_OP_PING, RF_ANSWER_NONE, {}}));
	copy.length--;
	EXPECT_FALSE(rf_control_parse(&copy, &parsed));
}

TEST(Control, CountsCores)
{
	const __s64 args[RF_CONTROL_ARGS] = {5, 0, 0, INT64_MIN, -1};

	EXPECT_EQ(rf_control_count_cores(args), 3u);
	EXPECT_TRUE(rf_control_has_core(args, 2));
	EXPECT_TRUE(rf_control_has_core(args, 255));
	EXPECT_FALSE(rf_control_has_core(args, 1));
}

TEST(Control, NumbersMeet)
{
	EXPECT_TRUE(rf_control_id_is_newer(1, 0));
	EXPECT_FALSE(rf_control_id_is_newer(1, 1));
	EXPECT_FALSE(rf_control_id_is_newer(1, 2));
	EXPECT_TRUE(rf_control_id_is_newer(0, 0xffffffffu));
	EXPECT_TRUE(rf_control_id_is_newer(5, 0xfffffff0u));
	EXPECT_FALSE(rf_control_id_is_newer(0xffffffffu, 0));
}

} // namespace
