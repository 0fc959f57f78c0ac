// SPDX-License-Identifier: GPL-2.0
// The outside log reader on a synthetic subOS: page tables, VMCOREINFO note and
// a printk ring as Linux 6.1 lays them out, then damaged in many ways.
#include "inspect/kernel_log.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace {

using namespace rf::inspect;

constexpr std::uint64_t base = 0x140000000;	// of the partition
constexpr std::uint64_t size = 0x800000;
constexpr std::uint64_t text_map = 0xffffffff80000000;
constexpr std::uint64_t direct_map = 0xffff888000000000;

// Offsets in the partition.
constexpr std::uint64_t note_at = 0x605000;
constexpr std::uint64_t pgd_at = 0x10000, pud_at = 0x11000, pmd_at = 0x12000;
constexpr std::uint64_t prb_at = 0x20000, ring_at = 0x20100;
constexpr std::uint64_t descs_at = 0x400000, infos_at = 0x410000, data_at = 0x420000;

constexpr unsigned count_bits = 4, size_bits = 9;
constexpr std::uint64_t id_mask = (1ull << 62) - 1;
constexpr std::uint64_t committed = 1ull << 62, finalized = 2ull << 62, reusable = 3ull << 62;

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
		const std::uint64_t id = (first_id + seq_) & id_mask;
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

	std::vector<std::string> texts() const
	{
		std::vector<std::string> texts;
		const auto log = this->log();
		EXPECT_TRUE(log);
		for (const Record &record : log ? log->records() : std::vector<Record>())
			texts.push_back(record.text);
		return texts;
	}

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
	// The kernel starts its ids so that they wrap early.
	static constexpr std::uint64_t first_id = id_mask - 5;
	std::vector<std::byte> bytes_;
	std::uint64_t seq_ = 0;
	std::uint64_t lpos_ = (1ull << size_bits) - 64;
};

using Texts = std::vector<std::string>;

TEST(KernelLog, ReadsRecordsInOrder)
{
	FakeSubos subos;
	subos.print("Linux version 6.1", finalized, 5);
	subos.print("second");
	subos.print("");

	const auto log = subos.log();
	ASSERT_TRUE(log);
	EXPECT_EQ(log->release(), "6.1.0-test");
	const auto records = log->records();
	ASSERT_EQ(records.size(), 3u);
	EXPECT_EQ(records[0].text, "Linux version 6.1");
	EXPECT_EQ(records[0].level, 5u);
	EXPECT_EQ(dmesg_lines(records[1]), "[    2.234567] second");
	EXPECT_EQ(records[2].seq, 2u);
	EXPECT_EQ(log->records(2).size(), 1u);
	EXPECT_TRUE(log->records(3).empty());
}

TEST(KernelLog, TakesTheHintAndSurvivesAWrongOne)
{
	FakeSubos subos;
	subos.print("x");

	EXPECT_TRUE(subos.log(base + note_at));
	EXPECT_LT(subos.reads, 40u) << "no search with a good hint";
	EXPECT_TRUE(subos.log(base + 0x1000));
	EXPECT_TRUE(subos.log(~0ull));
}

TEST(KernelLog, WrapsIdsAndData)
{
	FakeSubos subos;
	Texts expected;

	for (int i = 0; i < 100; i++)
		subos.print("record number " + std::to_string(i));
	for (int i = 84; i < 100; i++)
		expected.push_back("record number " + std::to_string(i));
	EXPECT_EQ(subos.texts(), expected);
}

TEST(KernelLog, LeavesOutWhatWasOverwritten)
{
	FakeSubos subos;
	// 16 descriptors, but only 512 bytes of data: old records lose their text.
	for (int i = 0; i < 30; i++)
		subos.print(std::string(56, static_cast<char>('a' + i % 26)));
	const Texts texts = subos.texts();
	// Blocks of 64 bytes; one that would end at the array's end starts anew instead.
	EXPECT_EQ(texts.size(), 7u);
	EXPECT_EQ(texts.back(), std::string(56, 'd'));
}

TEST(KernelLog, TellsFinalFromCommittedAndSkipsReserved)
{
	FakeSubos subos;
	subos.print("done");
	subos.print("being written", 0);
	subos.print("may grow", committed);

	const auto records = subos.log()->records();
	ASSERT_EQ(records.size(), 2u);
	EXPECT_TRUE(records[0].final);
	EXPECT_EQ(records[1].text, "may grow");
	EXPECT_FALSE(records[1].final);
}

TEST(KernelLog, PrintsEachLineWithAStampAndNoControls)
{
	Record record;
	record.ns = 12'000'345'678;
	record.text = "one\ntwo \x1b[31m\xff\n";
	EXPECT_EQ(dmesg_lines(record), "[   12.000345] one\n[   12.000345] two \\x1b[31m\\xff");
}

TEST(KernelLog, FindsNothingInEmptyMemory)
{
	FakeSubos subos;
	std::memset(subos.at(note_at), 0, 4096);
	EXPECT_FALSE(subos.log());
}

TEST(KernelLog, WalksFiveLevels)
{
	FakeSubos subos;
	constexpr std::uint64_t p4d_map = 0xff11000000000000;	// direct map with 5 levels
	constexpr std::uint64_t pml5_at = 0x13000;

	auto entries = FakeSubos::default_note();
	entries["NUMBER(pgtable_l5_enabled)"] = "1";
	entries["SYMBOL(swapper_pg_dir)"] = FakeSubos::hex(text_map + pml5_at);
	subos.note(entries);
	subos.put(pml5_at + 8 * ((p4d_map >> 48) & 511), (base + pgd_at) | 3);
	subos.put(pgd_at + 8 * ((p4d_map >> 39) & 511), (base + pud_at) | 3);
	subos.print("deep");
	for (const auto &[at, offset] : {std::pair{8, descs_at}, {16, infos_at}, {56, data_at}})
		subos.put(ring_at + static_cast<std::uint64_t>(at), p4d_map + base + offset);
	EXPECT_EQ(subos.texts(), Texts{"deep"});
}

void expect_at_most_one(const FakeSubos &subos, const std::string &key)
{
	const auto log = subos.log();
	EXPECT_LE(log ? log->records().size() : 0u, 1u) << key;
}

TEST(KernelLog, RefusesNotesThatLackOrMisstate)
{
	for (const auto &[key, value] : FakeSubos::default_note()) {
		FakeSubos subos;
		subos.print("x");
		auto entries = FakeSubos::default_note();
		entries.erase(key);
		subos.note(entries);
		expect_at_most_one(subos, key);
		entries[key] = "18446744073709551615";
		subos.note(entries);
		expect_at_most_one(subos, key);
	}
}

// Page tables that point at themselves, rings of absurd size, ids far apart:
// whatever is there, reading ends soon and stays within bounds.
TEST(KernelLog, EndsOnRandomDamage)
{
	std::mt19937_64 random(1);

	for (int round = 0; round < 300; round++) {
		FakeSubos subos;
		for (int i = 0; i < 20; i++)
			subos.print("text " + std::to_string(i));
		for (int hit = 0; hit < 8; hit++) {
			constexpr std::uint64_t targets[] = {ring_at, descs_at, infos_at, data_at,
							     pmd_at,  pud_at,	pgd_at,	  prb_at};
			const std::uint64_t target = targets[random() % std::size(targets)];
			subos.put(target + random() % 64 * 8,
				  random() % 3 ? random() : random() % 4096);
		}
		const auto log = subos.log();
		EXPECT_LE(log ? log->records().size() : 0u, 1u << count_bits);
	}
}

} // namespace
