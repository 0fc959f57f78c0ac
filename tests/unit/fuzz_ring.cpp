// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile peer, played by libFuzzer: it writes where and what it likes into both rings
 * from it to us, between our own steps, and into messages. Whatever it does, every step
 * ends, a message that is handed on is what it has to be, each at most once and in order, and
 * once it stops lying the rings work again.
 */
#include "ficm/ring.h"
#include "fuzz_input.hpp"
#include "wire/control_check.h"

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace {

constexpr std::uint32_t from = 7;
constexpr std::uint32_t to = 3;
/* Of so many messages after the last lie the last one arrives. */
constexpr int rounds = 2;

void check_control(const rf_message &message)
{
	rf_control control;

	if (!rf_control_parse(&message, &control))
		return;
	require(message.length == sizeof(control));
	require(control.op >= RF_OP_HELLO && control.op < RF_OP_NR);
	if (message.type == RF_MSG_ANSWER)
		require(control.answer >= RF_ANSWER_PROGRESS && control.answer <= RF_ANSWER_CANCELLED);
	if (message.type != RF_MSG_REQUEST)
		return;
	if (control.op == RF_OP_MEMORY_ADD)
		require(control.args[1] > 0 && control.args[0] % RF_EXTENT_SIZE == 0 &&
			control.args[0] <= INT64_MAX - control.args[1]);
	if (control.op == RF_OP_CORES_ADD || control.op == RF_OP_CORES_REMOVE) {
		std::uint32_t count = 0;

		for (std::uint32_t id = 0; id < RF_CONTROL_APIC_IDS; id++)
			count += rf_control_has_core(control.args, id);
		require(count && count == rf_control_count_cores(control.args));
	}
}

class Rings {
public:
	Rings()
	{
		for (const auto priority : {RF_URGENT, RF_NORMAL}) {
			rf_ring_attach(&consumers_[priority], &pair_, priority);
			rf_ring_start_consumer(&consumers_[priority]);
			rf_ring_attach(&producers_[priority], &pair_, priority);
			rf_ring_start_producer(&producers_[priority]);
		}
	}

	void step(Input &input)
	{
		const auto action = input.take<std::uint8_t>();
		const auto priority = action & 1 ? RF_NORMAL : RF_URGENT;

		switch (action >> 1 & 7) {
		case 0:
			return lie(input);
		case 1:
			pair_.head[priority].position += input.take<std::int8_t>();
			return;
		case 2:
			pair_.tail[priority].position += input.take<std::int8_t>();
			return;
		case 3:
			return put(priority, input);
		case 4:
			return fake(priority, input);
		case 5:
			rf_ring_start_producer(&producers_[priority]);
			return;
		case 6:
			return restore(priority);
		default:
			return drain(priority);
		}
	}

	/* Nobody lies any more: both ends go on, and what one puts in the other one gets. */
	void heal()
	{
		for (const auto priority : {RF_URGENT, RF_NORMAL}) {
			const rf_message sent = honest();

			for (int i = 0; i < rounds; i++) {
				drain(priority);
				rf_ring_put(&producers_[priority], &sent);
				restore(priority);
			}
			last_ = {};
			drain(priority);
			require(!std::memcmp(last_.payload, sent.payload, sizeof(sent.payload)));
			require(rf_ring_is_idle(&consumers_[priority]));
		}
	}

private:
	static rf_message honest()
	{
		rf_message message = {};

		message.type = RF_MSG_REQUEST;
		message.length = sizeof(rf_control);
		message.from = from;
		message.to = to;
		message.payload[0] = 0xa5;
		return message;
	}

	/* Any bytes, anywhere in what is shared. */
	void lie(Input &input)
	{
		const auto at = input.take<std::uint16_t>() % sizeof(pair_);
		const auto value = input.take<std::uint64_t>();
		const auto size = sizeof(pair_) - at < sizeof(value) ? sizeof(pair_) - at : sizeof(value);

		std::memcpy(reinterpret_cast<std::uint8_t *>(&pair_) + at, &value, size);
	}

	/* What the sender's own code would do, with any message. */
	void put(rf_priority priority, Input &input)
	{
		rf_message message = honest();

		message.type = input.take<std::uint16_t>();
		message.length = input.take<std::uint8_t>();
		rf_ring_put(&producers_[priority], &message);
	}

	/* A message with a right head, so that what it carries is looked at. */
	void fake(rf_priority priority, Input &input)
	{
		const auto control = input.take<rf_control>();
		rf_message message = honest();

		message.type = RF_MSG_REQUEST + input.take<std::uint8_t>() % 3;
		std::memcpy(message.payload, &control, sizeof(control));
		rf_ring_put(&producers_[priority], &message);
	}

	/* Heartbeats. */
	void restore(rf_priority priority)
	{
		rf_ring_restore_head(&producers_[priority]);
		rf_ring_restore_tail(&consumers_[priority]);
		require(pair_.head[priority].position == producers_[priority].position);
		require(pair_.tail[priority].position == consumers_[priority].position);
	}

	void drain(rf_priority priority)
	{
		rf_ring &ring = consumers_[priority];
		rf_message got;
		std::uint32_t steps = ring.nr_slots;

		for (;; steps--) {
			const auto before = ring.position;
			const auto result = rf_ring_peek(&ring, from, to, &got);

			if (result == RF_RING_EMPTY || result == RF_RING_NONSENSE) {
				require(ring.position == before);
				return;
			}
			require(steps > 0);
			if (result == RF_RING_MESSAGE) {
				require(got.sequence == before && got.from == from && got.to == to);
				require(got.length <= RF_PAYLOAD_MAX);
				require(got.type != RF_MSG_NONE && got.type < RF_MSG_TYPES);
				check_control(got);
				/* So few are handed on here that positions do not wrap. */
				require(got.sequence >= next_[priority]);
				next_[priority] = got.sequence + 1;
				last_ = got;
				rf_ring_advance(&ring);
			}
			require(pair_.tail[priority].position == ring.position);
		}
	}

	rf_ring_pair pair_ = {};
	rf_message last_ = {};
	std::uint32_t next_[RF_PRIORITIES] = {};
	rf_ring producers_[RF_PRIORITIES];
	rf_ring consumers_[RF_PRIORITIES];
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Input input(data, size);
	Rings rings;

	while (!input.empty())
		rings.step(input);
	rings.heal();
	return 0;
}
