// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile peer of both ends of a byte ring, played by libFuzzer: it writes what it
 * likes over positions and bytes, between our own steps. Whatever it does, every step ends
 * and stays within the ring's bytes, and once it stops lying the ring works again.
 */
#include "fuzz_input.hpp"
#include "kernel/byte_ring.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>

namespace {

constexpr std::uint32_t size = 64;

class Ring {
public:
	Ring()
	{
		rf_byte_ring_attach(&writer_, &head_, &tail_, bytes_.get(), size);
		rf_byte_ring_attach(&reader_, &head_, &tail_, bytes_.get(), size);
		rf_byte_ring_start_writer(&writer_);
		rf_byte_ring_start_reader(&reader_);
	}

	void step(Input &input)
	{
		switch (input.take<std::uint8_t>() % 10) {
		case 0:
			head_ = input.take<std::uint32_t>();
			return;
		case 1:
			tail_ = input.take<std::uint32_t>();
			return;
		case 2:
			head_ += input.take<std::int8_t>();
			return;
		case 3:
			tail_ += input.take<std::int8_t>();
			return;
		case 4:
			bytes_[input.take<std::uint8_t>() % size] = input.take<std::uint8_t>();
			return;
		case 5:
			return put(input.take<std::uint8_t>());
		case 6:
			return take(input.take<std::uint8_t>());
		case 7:
			rf_byte_ring_start_writer(&writer_);
			return require(rf_byte_ring_room(&writer_) == size);
		case 8:
			rf_byte_ring_start_reader(&reader_);
			return require(rf_byte_ring_is_empty(&reader_));
		default:
			return restore();
		}
	}

	/* Nobody lies any more: what is written after one round arrives. */
	void heal()
	{
		static constexpr std::uint8_t text[] = "well again";
		std::array<std::uint8_t, sizeof(text)> got;
		std::uint32_t used;

		restore();
		put(1);
		drain();
		require(rf_byte_ring_room(&writer_) == size);
		require(rf_byte_ring_put(&writer_, text, sizeof(text)) == sizeof(text));
		require(rf_byte_ring_used(&reader_, &used) && used == sizeof(text));
		for (std::uint32_t i = 0; i < used; i++)
			got.at(i) = rf_byte_ring_at(&reader_, i);
		require(!std::memcmp(got.data(), text, sizeof(text)));
		drain();
		require(rf_byte_ring_is_empty(&reader_));
	}

private:
	void put(std::uint32_t count)
	{
		const std::array<std::uint8_t, 256> from = {};
		const std::uint32_t before = writer_.position, room = rf_byte_ring_room(&writer_);

		require(room <= size);
		require(rf_byte_ring_put(&writer_, from.data(), count) == std::min(count, room));
		require(writer_.position == before + std::min(count, room));
		require(head_ == writer_.position);
	}

	/* Some of what is there, as it lies in the ring. */
	void take(std::uint32_t count)
	{
		std::uint32_t used, left;

		if (!rf_byte_ring_used(&reader_, &used)) {
			require(!used && tail_ == head_ && reader_.position == head_);
			return;
		}
		require(used <= size && used == head_ - reader_.position);
		for (left = count = std::min(count, used); left;) {
			std::uint8_t copy[size];
			std::uint32_t length = left;
			const __u8 *from = rf_byte_ring_span(&reader_, &length);

			require(length && length <= left);
			std::memcpy(copy, from, length);
			rf_byte_ring_advance(&reader_, length);
			left -= length;
		}
		require(!count || tail_ == reader_.position);
	}

	void drain()
	{
		take(size);
		take(size);
	}

	void restore()
	{
		rf_byte_ring_restore_head(&writer_);
		rf_byte_ring_restore_tail(&reader_);
		require(head_ == writer_.position && tail_ == reader_.position);
	}

	/* On the heap, so that a step beyond its end is found. */
	std::unique_ptr<__u8[]> bytes_ = std::make_unique<__u8[]>(size);
	std::uint32_t head_ = 0, tail_ = 0;
	rf_byte_ring writer_, reader_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Input input(data, size);
	Ring ring;

	while (!input.empty())
		ring.step(input);
	ring.heal();
	return 0;
}
