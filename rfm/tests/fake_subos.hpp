// SPDX-License-Identifier: GPL-2.0
// A made-up subOS seen from outside: page tables, VMCOREINFO note and a printk ring as
// Linux 6.1 lays them out.
#pragma once

#include "inspect/kernel_log.hpp"

#include <algorithm>
#include <map>
#include <sstream>

namespace rf::test {

using namespace inspect;

inline constexpr std::uint64_t base = 0x140000000;	// of the partition
inline constexpr std::uint64_t size = 0x800000;
inline constexpr std::uint64_t text_map = 0xffffffff80000000;
inline constexpr std::uint64_t direct_map = 0xffff888000000000;

// Offsets in the partition.
inline constexpr std::uint64_t note_at = 0x605000;
inline constexpr std::uint64_t pgd_at = 0x10000, pud_at = 0x11000, pmd_at = 0x12000;
inline constexpr std::uint64_t image_pud_at = 0x14000, image_pmd_at = 0x15000;
inline constexpr std::uint64_t image_at = 0, image_size = 0x600000;
inline constexpr std::uint64_t prb_at = 0x20000, ring_at = 0x20100;
inline constexpr std::uint64_t descs_at = 0x400000, infos_at = 0x410000, data_at = 0x420000;

inline constexpr unsigned count_bits = 4, size_bits = 9;
inline constexpr std::uint64_t id_mask = (1ull << 62) - 1;
inline constexpr std::uint64_t committed = 1ull << 62, finalized = 2ull << 62;
inline constexpr std::uint64_t reusable = 3ull << 62;

class FakeSubos : public Memory {
public:
	FakeSubos() : bytes_(size)
	{
		// The direct map covers the partition with 2 MiB pages; text by phys_base.
		put(pgd_at + 8 * ((direct_map >> 39) & 511), (base + pud_at) | 3);
		put(pud_at + 8 * (((direct_map + base) >> 30) & 511), (base + pmd_at) | 3);
		for (std::uint64_t page = 0; page < size >> 21; page++)
			put(pmd_at + 8 * ((((direct_map + base) >> 21) + page) & 511),
			    (base + (page << 21)) | 0x83);

		// The image, with a hole in its middle.
		put(pgd_at + 8 * 511, (base + image_pud_at) | 3);
		put(image_pud_at + 8 * 510, (base + image_pmd_at) | 3);
		for (const std::uint64_t at : {image_at, image_at + image_size - 0x200000})
			put(image_pmd_at + 8 * (at >> 21), (base + at) | 0x83);

		put(prb_at, text_of(ring_at));
		put(ring_at + 0, std::uint32_t{count_bits});
		put(ring_at + 8, direct_of(descs_at));
		put(ring_at + 16, direct_of(infos_at));
		put(ring_at + 48, std::uint32_t{size_bits});
		put(ring_at + 56, direct_of(data_at));
		set_ids(first_id, first_id);
		for (std::uint64_t i = 0; i < 1u << count_bits; i++)
			put(descs_at + 24 * i, reusable | ((first_id + i) & id_mask));
		note(default_note());
	}

	bool read(std::uint64_t phys, std::span<std::byte> into) const override
	{
		reads++;
		if (phys < base || phys - base > size || size - (phys - base) < into.size())
			return false;
		std::copy_n(bytes_.begin() + static_cast<long>(phys - base), into.size(),
			    into.begin());
		return true;
	}

	template <typename Value> void put(std::uint64_t at, Value value)
	{
		std::memcpy(bytes_.data() + at, &value, sizeof(value));
	}
	std::byte *at(std::uint64_t offset) { return bytes_.data() + offset; }

	void set_ids(std::uint64_t tail, std::uint64_t head)
	{
		put(ring_at + 24, head & id_mask);
		put(ring_at + 32, tail & id_mask);
	}

	// What prb_reserve() and prb_commit() do, without the races.
	void print(const std::string &text, std::uint64_t state = finalized, unsigned level = 6)
	{
		const std::uint64_t id = id_of(seq_);
		const std::uint64_t index = id % (1u << count_bits);
		const std::uint64_t length = (8 + text.size() + 7) / 8 * 8;
		std::uint64_t begin = lpos_, block = begin % (1u << size_bits);
		std::uint64_t next = begin + length;

		if (begin >> size_bits != next >> size_bits) {
			next = (next >> size_bits << size_bits) + length;
			block = 0;
		}
		put(data_at + block, id);
		std::memcpy(at(data_at + block + 8), text.data(), text.size());
		put(descs_at + 24 * index, state | id);
		put(descs_at + 24 * index + 8, begin);
		put(descs_at + 24 * index + 16, next);
		put(infos_at + 88 * index, seq_);
		put(infos_at + 88 * index + 8, 1'234'567'000 + seq_ * 1'000'000'000);
		put(infos_at + 88 * index + 16, static_cast<std::uint16_t>(text.size()));
		put(infos_at + 88 * index + 18, std::uint8_t{0});
		put(infos_at + 88 * index + 19, static_cast<std::uint8_t>(level << 5));
		lpos_ = next;
		const std::uint64_t tail =
			seq_ >= 1u << count_bits ? seq_ - (1u << count_bits) + 1 : 0;
		set_ids(first_id + tail, first_id + seq_);
		seq_++;
	}

	static std::map<std::string, std::string> default_note()
	{
		return {{"SYMBOL(prb)", hex(text_of(prb_at))},
			{"SYMBOL(swapper_pg_dir)", hex(text_of(pgd_at))},
			{"SYMBOL(_stext)", hex(text_of(image_at))},
			{"NUMBER(phys_base)", std::to_string(base)},
			{"NUMBER(pgtable_l5_enabled)", "0"},
			{"NUMBER(KERNEL_IMAGE_SIZE)", "1073741824"},
			{"NUMBER(sme_mask)", "0"},
			{"KERNELOFFSET", "0"},
			{"OFFSET(printk_ringbuffer.desc_ring)", "0"},
			{"OFFSET(printk_ringbuffer.text_data_ring)", "48"},
			{"OFFSET(prb_desc_ring.count_bits)", "0"},
			{"OFFSET(prb_desc_ring.descs)", "8"},
			{"OFFSET(prb_desc_ring.infos)", "16"},
			{"OFFSET(prb_desc_ring.head_id)", "24"},
			{"OFFSET(prb_desc_ring.tail_id)", "32"},
			{"SIZE(prb_desc)", "24"},
			{"OFFSET(prb_desc.state_var)", "0"},
			{"OFFSET(prb_desc.text_blk_lpos)", "8"},
			{"OFFSET(prb_data_blk_lpos.begin)", "0"},
			{"OFFSET(prb_data_blk_lpos.next)", "8"},
			{"SIZE(printk_info)", "88"},
			{"OFFSET(printk_info.seq)", "0"},
			{"OFFSET(printk_info.ts_nsec)", "8"},
			{"OFFSET(printk_info.text_len)", "16"},
			{"OFFSET(printk_info.caller_id)", "20"},
			{"OFFSET(prb_data_ring.size_bits)", "0"},
			{"OFFSET(prb_data_ring.data)", "8"}};
	}

	void note(const std::map<std::string, std::string> &entries)
	{
		std::string content = "OSRELEASE=6.1.0-test\n";
		for (const auto &[key, value] : entries)
			content += key + "=" + value + "\n";
		put(note_at, std::uint32_t{11});
		put(note_at + 4, static_cast<std::uint32_t>(content.size()));
		put(note_at + 8, std::uint32_t{0});
		std::memcpy(at(note_at + 12), "VMCOREINFO\0", 12);
		std::memcpy(at(note_at + 24), content.data(), content.size());
	}

	std::optional<KernelLog> log(std::uint64_t hint = 0) const
	{
		const Range range{base, size};
		return KernelLog::open(*this, std::span(&range, 1), hint);
	}

	// Of the record with this number.
	static std::uint64_t id_of(std::uint64_t seq) { return (first_id + seq) & id_mask; }
	static std::uint64_t text_of(std::uint64_t offset) { return text_map + offset; }
	static std::uint64_t direct_of(std::uint64_t offset) { return direct_map + base + offset; }
	static std::string hex(std::uint64_t number)
	{
		std::ostringstream out;
		out << std::hex << number;
		return out.str();
	}

	mutable std::uint64_t reads = 0;

private:
	// The kernel starts its ids so that they wrap early (DESC0_ID), and then counts
	// them and the sequence numbers together.
	static constexpr std::uint64_t first_id = (1ull << 32) - (1u << count_bits);
	std::vector<std::byte> bytes_;
	std::uint64_t seq_ = 0;
	std::uint64_t lpos_ = (1ull << size_bits) - 64;
};

} // namespace rf::test
