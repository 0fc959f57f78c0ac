// SPDX-License-Identifier: GPL-2.0
// The outside log reader on a synthetic subOS: page tables, VMCOREINFO note and
// a printk ring as Linux 6.1 lays them out, then damaged in many ways.
#include "fake_subos.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace rf::inspect;
using namespace rf::test;

using Texts = std::vector<std::string>;

std::vector<Record> records_of(const std::optional<KernelLog> &log, std::uint64_t from = 0)
{
	std::vector<Record> records;

	if (log)
		log->walk(from, [&](const Record &record) {
			records.push_back(record);
			return true;
		});
	return records;
}

Texts texts_of(const FakeSubos &subos)
{
	Texts texts;
	const auto log = subos.log();

	EXPECT_TRUE(log);
	for (const Record &record : records_of(log))
		texts.push_back(record.text);
	return texts;
}

TEST(KernelLog, ReadsRecordsInOrder)
{
	FakeSubos subos;
	subos.print("Linux version 6.1", finalized, 5);
	subos.print("second");
	subos.print("");

	const auto log = subos.log();
	ASSERT_TRUE(log);
	EXPECT_EQ(log->release(), "6.1.0-test");
	const auto records = records_of(log);
	ASSERT_EQ(records.size(), 3u);
	EXPECT_EQ(records[0].text, "Linux version 6.1");
	EXPECT_EQ(records[0].level, 5u);
	EXPECT_EQ(dmesg_lines(records[1]), "[    2.234567] second");
	EXPECT_EQ(records[2].seq, 2u);
	EXPECT_EQ(records_of(log, 2).size(), 1u);
	EXPECT_TRUE(records_of(log, 3).empty());
}

TEST(KernelLog, EndsWithItsReader)
{
	FakeSubos subos;
	unsigned visits = 0;

	for (int i = 0; i < 5; i++)
		subos.print("x");
	const auto end = subos.log()->walk(0, [&](const Record &) { return ++visits < 2; });
	EXPECT_EQ(visits, 2u);
	EXPECT_EQ(end, KernelLog::End::visitor);
	EXPECT_EQ(subos.log()->walk(0, [](const Record &) { return true; }), KernelLog::End::all);
}

TEST(KernelLog, IsWalkedBackToo)
{
	FakeSubos subos;
	std::string texts;

	for (const char *text : {"a", "b", "c"})
		subos.print(text);
	const auto end = subos.log()->walk_back([&](const Record &record) {
		texts += record.text;
		return true;
	});
	EXPECT_EQ(texts, "cba");
	EXPECT_EQ(end, KernelLog::End::all);
}

TEST(KernelLog, GivesTheLastAndReadsNoOthers)
{
	FakeSubos subos;
	for (int i = 0; i < 100; i++)
		subos.print("record number " + std::to_string(i));
	const auto log = subos.log(base + note_at);

	ASSERT_TRUE(log);
	subos.reads = 0;
	const auto records = log->last(2);
	ASSERT_EQ(records.size(), 2u);
	EXPECT_EQ(records[0].text, "record number 98");
	EXPECT_EQ(records[1].text, "record number 99");
	EXPECT_LT(subos.reads, 30u);
	EXPECT_EQ(log->last(1000).size(), 16u);
}

TEST(KernelLog, ReadsOnlyWhatIsNew)
{
	FakeSubos subos;
	for (int i = 0; i < 100; i++)
		subos.print("x");
	const auto log = subos.log(base + note_at);

	ASSERT_TRUE(log);
	records_of(log);
	subos.reads = 0;
	EXPECT_TRUE(records_of(log, 100).empty());
	EXPECT_LT(subos.reads, 10u);
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
	EXPECT_EQ(texts_of(subos), expected);
}

TEST(KernelLog, LeavesOutWhatWasOverwritten)
{
	FakeSubos subos;
	// 16 descriptors, but only 512 bytes of data: old records lose their text.
	for (int i = 0; i < 30; i++)
		subos.print(std::string(56, static_cast<char>('a' + i % 26)));
	const Texts texts = texts_of(subos);
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

	const auto records = records_of(subos.log());
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
	EXPECT_EQ(texts_of(subos), Texts{"deep"});
}

void expect_at_most_one(const FakeSubos &subos, const std::string &key)
{
	const auto log = subos.log();
	EXPECT_LE(records_of(log).size(), 1u) << key;
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
		EXPECT_LE(records_of(log).size(), 1u << count_bits);
	}
}

// Each record claims what lies behind its id, to the end of the ring.
TEST(HostileLog, HasNoMoreTextThanItsRing)
{
	FakeSubos subos;
	constexpr std::uint64_t ring = 1u << size_bits;
	std::size_t bytes = 0;

	for (int i = 0; i < 1 << count_bits; i++)
		subos.print("x");
	for (std::uint64_t i = 0; i < 1u << count_bits; i++) {
		const std::uint64_t id = subos.id_of(i);
		subos.put(data_at + 8 * i, id);
		subos.put(descs_at + 24 * i + 8, 8 * i);
		subos.put(descs_at + 24 * i + 16, ring);
		subos.put(infos_at + 88 * i + 16, std::uint16_t{0xffff});
	}
	for (const std::string &text : texts_of(subos))
		bytes += 8 + text.size();
	EXPECT_GT(bytes, ring / 2);
	EXPECT_LE(bytes, ring);
	const auto all = [](const Record &) { return true; };
	EXPECT_EQ(subos.log()->walk(0, all), KernelLog::End::overlap);
	EXPECT_EQ(subos.log()->walk_back(all), KernelLog::End::overlap);
	bytes = 0;
	for (const Record &record : subos.log()->last(100))
		bytes += 8 + record.text.size();
	EXPECT_LE(bytes, ring);
}

// Page tables can show one page as often as they like.
TEST(HostileLog, HasNoRingLargerThanItsMemory)
{
	FakeSubos subos;
	constexpr std::uint64_t far = direct_map + (1ull << 39);
	constexpr unsigned records = 18;

	subos.print("x");
	for (std::uint64_t i = 0; i < 512; i++) {
		subos.put(0x16000 + 8 * i, (base + 0x17000) | 3);
		subos.put(0x17000 + 8 * i, (base + 0x200000) | 0x83);
	}
	subos.put(pgd_at + 8 * ((far >> 39) & 511), (base + 0x16000) | 3);
	for (const std::uint64_t at : {8, 16, 56})
		subos.put(ring_at + at, far + (at << 30));
	subos.put(ring_at, std::uint32_t{records});
	subos.put(ring_at + 48, std::uint32_t{records + 5});
	EXPECT_FALSE(subos.log());
	// Nor one with more records than it has room for.
	subos.put(ring_at, std::uint32_t{12});
	subos.put(ring_at + 48, std::uint32_t{14});
	EXPECT_FALSE(subos.log());
	subos.put(ring_at + 48, std::uint32_t{15});
	EXPECT_TRUE(subos.log());
}

TEST(HostileLog, CountsAsTheKernelDoes)
{
	for (const std::uint64_t lie : {~0ull, 1ull << 62, 7ull, 0ull}) {
		FakeSubos subos;
		subos.print("first");
		subos.print("second");
		subos.put(infos_at + 88, lie);
		EXPECT_EQ(texts_of(subos), Texts{"first"}) << lie;
		EXPECT_TRUE(records_of(subos.log(), 2).empty());
	}
	// All ids far away, consistent with their numbers: none of them is followed by 0.
	FakeSubos subos;
	subos.print("x");
	subos.put(descs_at + 24 * 15, finalized | (id_mask - 16));
	subos.put(descs_at + 24 * 15 + 8, std::uint64_t{1});
	subos.put(descs_at + 24 * 15 + 16, std::uint64_t{1});
	subos.put(infos_at + 88 * 15, id_mask);
	subos.set_ids(id_mask - 16, id_mask - 16);
	EXPECT_TRUE(texts_of(subos).empty());
}

// Every page begins like a note of 64 KiB.
TEST(HostileLog, IsNotSearchedForInHeadersAlone)
{
	FakeSubos subos;
	for (std::uint64_t page = 0; page < size; page += 4096) {
		subos.put(page, std::uint32_t{11});
		subos.put(page + 4, std::uint32_t{0x10000});
		std::memcpy(subos.at(page + 12), "VMCOREINFO\0", 12);
	}
	std::memset(subos.at(note_at + 24), 0, 10);
	EXPECT_FALSE(subos.log());
	EXPECT_LT(subos.reads, 10u);
}

struct Impatient : std::exception {};

class ImpatientMemory : public Memory {
public:
	explicit ImpatientMemory(const Memory &memory) : memory_(memory) {}
	bool read(std::uint64_t phys, std::span<std::byte> into) const override
	{
		if (left_-- == 0)
			throw Impatient();
		return memory_.read(phys, into);
	}
	mutable std::uint64_t left_ = 0;

private:
	const Memory &memory_;
};

TEST(KernelLog, CanBeEndedBetweenAnyTwoReads)
{
	FakeSubos subos;
	const Range range{base, size};
	for (int i = 0; i < 5; i++)
		subos.print("x");
	const std::size_t reads_before = subos.reads;
	EXPECT_EQ(records_of(subos.log()).size(), 5u);

	for (std::uint64_t reads = subos.reads - reads_before; reads-- > 0;) {
		ImpatientMemory memory(subos);
		memory.left_ = reads;
		EXPECT_THROW(records_of(KernelLog::open(memory, std::span(&range, 1), 0)),
			     Impatient);
	}
}

} // namespace
