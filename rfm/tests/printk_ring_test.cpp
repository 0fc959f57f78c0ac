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

Texts texts_of(const FakeSubos &subos)
{
	Texts texts;
	const auto log = subos.log();

	EXPECT_TRUE(log);
	for (const Record &record : log ? log->records() : std::vector<Record>())
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
	EXPECT_EQ(texts_of(subos), Texts{"deep"});
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
