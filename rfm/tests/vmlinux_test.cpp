// SPDX-License-Identifier: GPL-2.0
#include "boot/vmlinux.hpp"

#include <cstdlib>

#include <elf.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "boot/kaslr.hpp"
#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Error;
using boot::load;
using Fake = FakeVmlinux;

constexpr std::uint64_t OFFSET = 0x2e00000;

TEST(Vmlinux, Parsed)
{
	const Bytes file = Fake{}.make();
	const auto vmlinux = boot::parse_vmlinux(file);

	EXPECT_EQ(vmlinux.link_base, Fake::LINK_BASE);
	EXPECT_EQ(vmlinux.entry, Fake::ENTRY);
	EXPECT_EQ(vmlinux.memory, Fake::MEMORY);
	ASSERT_EQ(vmlinux.loads.size(), 2u);
	EXPECT_EQ(vmlinux.loads[0].place, 0u);
	EXPECT_EQ(vmlinux.loads[1].place, Fake::DATA);
	ASSERT_TRUE(vmlinux.relocations);
	EXPECT_FALSE(vmlinux.relocations->empty());
}

TEST(Vmlinux, PlacedAsLinked)
{
	const Bytes file = Fake{}.make();
	const Bytes image = boot::place(boot::parse_vmlinux(file), 0);

	ASSERT_EQ(image.size(), Fake::DATA + Fake::DATA_SIZE);
	EXPECT_TRUE(std::ranges::equal(View(image).first(Fake::TEXT_SIZE),
				       View(file).subspan(0x1000, Fake::TEXT_SIZE)));
	EXPECT_TRUE(std::ranges::equal(View(image).subspan(Fake::DATA),
				       View(file).subspan(0x1000 + Fake::TEXT_SIZE,
							  Fake::DATA_SIZE)));
	for (std::size_t i = Fake::TEXT_SIZE; i < Fake::DATA; i++)
		ASSERT_EQ(image[i], std::byte{0});
}

TEST(Vmlinux, ZerosAtTheEndAreLeftOut)
{
	constexpr std::size_t page = boot::PAGE, data_at = 0x1000 + Fake::TEXT_SIZE;
	Bytes file = Fake{}.make();

	static_assert(Fake::DATA_SIZE == 2 * page);
	std::ranges::fill(std::span(file).subspan(data_at + page, page), std::byte{0});
	EXPECT_EQ(boot::place(boot::parse_vmlinux(file), 0).size(), Fake::DATA + page);

	// unless something is relocated there
	constexpr std::uint64_t place = Fake::DATA + page + 0x20;
	file = Fake{.stray = place}.make();
	std::ranges::fill(std::span(file).subspan(data_at + page, page), std::byte{0});
	const Bytes image = boot::place(boot::parse_vmlinux(file), OFFSET);
	EXPECT_EQ(load<std::uint32_t>(image, place), OFFSET);
}

TEST(Vmlinux, RelocationsOfEveryKind)
{
	const Bytes file = Fake{}.make();
	const auto vmlinux = boot::parse_vmlinux(file);
	const Bytes linked = boot::place(vmlinux, 0);
	Bytes image = boot::place(vmlinux, OFFSET);

	EXPECT_EQ(load<std::uint64_t>(image, Fake::PLACE64), Fake::VALUE64 + OFFSET);
	EXPECT_EQ(load<std::uint32_t>(image, Fake::PLACE32), Fake::VALUE32 + OFFSET);
	EXPECT_EQ(load<std::uint32_t>(image, Fake::INVERSE32), Fake::VALUE_INVERSE - OFFSET);

	// and nothing else changed
	boot::store(image, Fake::PLACE64, Fake::VALUE64);
	boot::store(image, Fake::PLACE32, Fake::VALUE32);
	boot::store(image, Fake::INVERSE32, Fake::VALUE_INVERSE);
	EXPECT_EQ(image, linked);
}

TEST(Vmlinux, TwoListsOfLaterKernels)
{
	const Bytes file = Fake{.inverse_list = false}.make();
	const auto vmlinux = boot::parse_vmlinux(file);
	ASSERT_TRUE(vmlinux.relocations);
	EXPECT_TRUE(vmlinux.relocations->inverse32.empty());
	const Bytes image = boot::place(vmlinux, OFFSET);

	EXPECT_EQ(load<std::uint64_t>(image, Fake::PLACE64), Fake::VALUE64 + OFFSET);
	EXPECT_EQ(load<std::uint32_t>(image, Fake::PLACE32), Fake::VALUE32 + OFFSET);
	EXPECT_EQ(load<std::uint32_t>(image, Fake::INVERSE32), Fake::VALUE_INVERSE);
}

TEST(Vmlinux, NoRelocations)
{
	const Bytes file = Fake{.relocations = false}.make();
	const auto vmlinux = boot::parse_vmlinux(file);

	ASSERT_TRUE(vmlinux.relocations);
	EXPECT_TRUE(vmlinux.relocations->empty());
}

TEST(Vmlinux, UnknownRelocationFormat)
{
	Bytes file = Fake{}.make();
	boot::append(file, 0u);
	boot::append(file, 1u);		// a fourth list
	EXPECT_FALSE(boot::parse_vmlinux(file).relocations);

	file = Fake{}.make();
	file.push_back(std::byte{1});	// not whole words
	EXPECT_FALSE(boot::parse_vmlinux(file).relocations);

	file = Fake{.relocations = false}.make();
	boot::append(file, 0x81000000u);	// no heading zero
	EXPECT_FALSE(boot::parse_vmlinux(file).relocations);
}

TEST(Vmlinux, LinkedWhereNoKernelCanBe)
{
	Bytes file = Fake{}.make();

	boot::store(file, 24, std::uint64_t{0x50000000});
	boot::store(file, 64 + 24, std::uint64_t{0x50200000});
	boot::store(file, 64 + 2 * 56 + 24, std::uint64_t{0x50000000});
	EXPECT_THROW(boot::parse_vmlinux(file), Error);
}

TEST(Vmlinux, MoreSegmentsThanAnyKernelHas)
{
	Bytes file = Fake{}.make();
	const auto loaded = load<Elf64_Phdr>(file, 64);

	boot::store(file, 56, std::uint16_t{17});	// e_phnum
	for (std::size_t i = 0; i < 17; i++)
		boot::store(file, 64 + i * sizeof(loaded), loaded);
	EXPECT_THROW(boot::parse_vmlinux(file), Error);
}

#ifndef __SANITIZE_ADDRESS__
// Each of the zeros behind the kernel could head a list.
TEST(VmlinuxDeathTest, ZerosBehindItTakeNoMemory)
{
	Bytes file = Fake{.relocations = false}.make();
	file.resize(file.size() + 64 * boot::MIB);
	const auto parse = [&] {
		const rlimit limit = {256 * boot::MIB, 256 * boot::MIB};
		const bool limited = ::setrlimit(RLIMIT_AS, &limit) == 0;
		std::exit(limited && !boot::parse_vmlinux(file).relocations ? 0 : 1);
	};

	EXPECT_EXIT(parse(), testing::ExitedWithCode(0), "");
}
#endif

TEST(Vmlinux, RelocationOutsideIsRefused)
{
	for (std::uint64_t stray : {std::uint64_t{Fake::DATA + Fake::DATA_SIZE - 3},
				    std::uint64_t{0x10000000}, std::uint64_t{0x7f000001}}) {
		const Bytes file = Fake{.stray = stray}.make();
		EXPECT_THROW(boot::place(boot::parse_vmlinux(file), OFFSET), Error) << stray;
	}
}

TEST(Vmlinux, BadFilesAreRefused)
{
	const auto spoiled = [](std::size_t at, auto value) {
		Bytes file = Fake{}.make();
		boot::store(file, at, value);
		return file;
	};
	const std::pair<const char *, Bytes> table[] = {
		{"empty", {}},
		{"not ELF", Bytes(1000)},
		{"32-bit", spoiled(4, std::uint8_t{1})},
		{"arm64", spoiled(18, std::uint16_t{183})},
		{"entry outside", spoiled(24, std::uint64_t{0x9000000})},
		{"entry below", spoiled(24, std::uint64_t{0})},
		{"program headers outside", spoiled(32, ~std::uint64_t{0})},
		{"program header size", spoiled(54, std::uint16_t{32})},
		{"no program headers", spoiled(56, std::uint16_t{0})},
		{"segment outside", spoiled(64 + 8, std::uint64_t{0x100000})},
		{"segment larger in the file", spoiled(64 + 40, std::uint64_t{1})},
		{"segment far away", spoiled(64 + 24, ~std::uint64_t{0} - 0xfffff)},
		{"segments overlap", spoiled(64 + 24, std::uint64_t{0x1001000})},
		{"segments too far from each other", spoiled(64 + 24, std::uint64_t{0x21000000})},
		{"odd link address", spoiled(64 + 2 * 56 + 24, std::uint64_t{0x1001000})},
	};
	for (const auto &[name, file] : table)
		EXPECT_THROW(boot::parse_vmlinux(file), Error) << name;
}

TEST(Vmlinux, EveryTruncationOfTheElfIsRefused)
{
	const Bytes file = Fake{.relocations = false}.make();
	for (std::size_t size = 0; size < file.size() - 64; size += 13)
		EXPECT_THROW(boot::parse_vmlinux(View(file).first(size)), Error) << size;
}

TEST(Kaslr, EverySlotCanBeChosenAndNoOther)
{
	constexpr std::uint64_t mib2 = boot::LARGE_PAGE;
	auto random = make_random(3);
	std::vector<unsigned> hits(5);

	for (int i = 0; i < 1000; i++) {
		// 4 MiB - 1 rounds up to the first slot; the last one is just possible
		auto slot = boot::random_slot(2 * mib2 - 1, 6 * mib2, mib2, random);
		ASSERT_EQ(slot % mib2, 0u);
		ASSERT_GE(slot, 2 * mib2);
		ASSERT_LE(slot, 6 * mib2);
		hits[slot / mib2 - 2]++;
	}
	for (auto count : hits)
		EXPECT_GT(count, 100u);
	EXPECT_EQ(boot::random_slot(mib2, mib2, mib2, random), mib2);
	EXPECT_THROW(boot::random_slot(mib2 + 1, mib2 + 2, mib2, random), std::logic_error);
}

} // namespace
} // namespace rf::test
