/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A subOS whose kernel libFuzzer plays: it changes what it likes of its note, its page tables
 * and its printk ring, also between two reads of who looks at them from outside.
 */
#pragma once

#include "fuzz_input.hpp"
#include "rfm/tests/fake_subos.hpp"

#include <array>
#include <iterator>

class HostileSubos : public rf::inspect::Memory {
public:
	/* What it has by its supervisor's word. Around it is more that its tables can name. */
	static constexpr rf::inspect::Range range{rf::test::base + 0x600000, 256 << 10};

	HostileSubos()
	{
		if (made().reads == 0)
			for (int i = 0; i < 20; i++)
				made().print("record number " + std::to_string(i));
		made().reads = 1;
	}

	~HostileSubos()
	{
		for (; !undo_.empty(); undo_.pop_back())
			made().put(undo_.back().at, undo_.back().value);
	}

	HostileSubos(const HostileSubos &) = delete;
	HostileSubos &operator=(const HostileSubos &) = delete;

	void step(Input &input)
	{
		switch (input.take<std::uint8_t>() % 4) {
		case 0:
			return write(take_change(input));
		case 1:
			later_.push_back(take_change(input));
			when_.push_back(made().reads + input.take<std::uint8_t>());
			return;
		case 2:
			return take_entry(input);
		default:
			return take_record(input);
		}
	}

	bool read(std::uint64_t phys, std::span<std::byte> into) const override
	{
		while (!when_.empty() && made().reads >= when_.back()) {
			write(later_.back());
			later_.pop_back();
			when_.pop_back();
		}
		return made().read(phys, into);
	}

	static std::uint64_t reads()
	{
		return made().reads;
	}

private:
	struct Change {
		std::uint64_t at, value;
	};

	/* One for all inputs: it takes longer to make than to look at. */
	static rf::test::FakeSubos &made()
	{
		static rf::test::FakeSubos subos;
		return subos;
	}

	static std::uint64_t take_value(Input &input)
	{
		using namespace rf::test;
		const auto number = input.take<std::uint16_t>();
		static constexpr std::array<std::uint64_t, 12> near = {
			0,	   pgd_at,   pud_at,	pmd_at,	   image_pud_at, image_pmd_at,
			prb_at,	   ring_at,  descs_at,	infos_at,  data_at,	 note_at,
		};

		switch (input.take<std::uint8_t>() % 6) {
		case 0:
			return input.take<std::uint64_t>();
		case 1:
			return number;
		case 2:
			return FakeSubos::id_of(number) | std::uint64_t{number} << 62;
		case 3:
			return FakeSubos::direct_of(near[number % near.size()]) + number / 16;
		case 4: /* an entry of a page table */
			return (base + near[number % near.size()]) | (number >> 8);
		default:
			return 0ull - number;
		}
	}

	static Change take_change(Input &input)
	{
		using namespace rf::test;
		static constexpr std::array<std::uint64_t, 11> places = {
			pgd_at, pgd_at + 0x800, pud_at,	  pmd_at, image_pud_at, image_pmd_at,
			prb_at, ring_at,	descs_at, infos_at, data_at,
		};
		const std::uint64_t place = places[input.take<std::uint8_t>() % places.size()];
		const std::uint64_t word = input.take<std::uint8_t>();

		return {place + word * 8, take_value(input)};
	}

	void write(const Change &change) const
	{
		std::uint64_t before;

		std::memcpy(&before, made().at(change.at), sizeof(before));
		undo_.push_back({change.at, before});
		made().put(change.at, change.value);
	}

	/* Another value for one entry of the note, or none. */
	void take_entry(Input &input)
	{
		const std::size_t entry = input.take<std::uint8_t>() % entries_.size();
		const auto at = std::next(entries_.begin(), static_cast<long>(entry));
		const auto number = static_cast<std::int64_t>(take_value(input));

		at->second = at->first.starts_with("SYMBOL")
				     ? rf::test::FakeSubos::hex(static_cast<std::uint64_t>(number))
				     : std::to_string(number);
		for (std::uint64_t at_byte = 0; at_byte < 4096; at_byte += 8) {
			std::uint64_t word;
			std::memcpy(&word, made().at(rf::test::note_at + at_byte), sizeof(word));
			undo_.push_back({rf::test::note_at + at_byte, word});
		}
		made().note(entries_);
	}

	/* A record like others, but for where its text lies. */
	void take_record(Input &input)
	{
		using namespace rf::test;
		const std::uint64_t seq = 4 + input.take<std::uint8_t>() % 16;
		const std::uint64_t index = seq % (1u << count_bits);
		const std::uint64_t begin = input.take<std::uint8_t>() * 8;

		write({descs_at + 24 * index, FakeSubos::id_of(seq) | finalized});
		write({descs_at + 24 * index + 8, begin});
		write({descs_at + 24 * index + 16, begin + input.take<std::uint8_t>() * 8});
		write({infos_at + 88 * index + 16, input.take<std::uint16_t>()});
		write({data_at + begin % (1u << size_bits), FakeSubos::id_of(seq)});
	}

	std::map<std::string, std::string> entries_ = rf::test::FakeSubos::default_note();
	mutable std::vector<Change> undo_, later_;
	mutable std::vector<std::uint64_t> when_;
};
