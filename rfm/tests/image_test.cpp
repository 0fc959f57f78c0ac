// SPDX-License-Identifier: GPL-2.0
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "page_walk.hpp"
#include "wire/layout.h"

namespace rf::test {
namespace {

using boot::BootImage;
using boot::Compression;
using boot::MIB;

constexpr std::uint64_t B = 0x140000000;
constexpr std::uint64_t END = B + 512 * MIB;

class Image : public testing::Test {
protected:
	BootImage build(const boot::Options &options, std::uint64_t seed = 1)
	{
		return boot::build(kernel_, vmlinux_, initrd_, grant_, options, make_random(seed));
	}

	Bytes vmlinux_ = FakeVmlinux{}.make();
	Bytes file_ = make_bzimage(Compression::zstd, vmlinux_);
	boot::Kernel kernel_ = boot::parse_bzimage(file_);
	Bytes stage_ = Bytes(1001, std::byte{1}), agent_ = Bytes(2003, std::byte{2});
	Bytes ficm_ = Bytes(4007, std::byte{4});
	Bytes user_ = Bytes(300001, std::byte{3});
	boot::Initrd initrd_{stage_, ficm_, agent_, user_};
	boot::Grant grant_ = make_grant();
};

// What RF_IOC_LOAD asks of segments, and the order of the boot area.
void check_segments(const BootImage &image)
{
	std::vector<std::pair<std::uint64_t, std::uint64_t>> taken = {
		{B + RF_MAILBOX_OFF, 4096},
		{B + RF_TRAMPOLINE_OFF, 4096},
		{B + RF_GRANT_OFF, 4096}};

	for (const auto &segment : image.segments) {
		EXPECT_FALSE(segment.bytes().empty());
		EXPECT_GE(segment.memsz, segment.bytes().size());
		EXPECT_GE(segment.phys, B);
		EXPECT_LE(segment.phys + segment.memsz, END);
		taken.emplace_back(segment.phys, segment.memsz);
	}
	std::ranges::sort(taken);
	for (std::size_t i = 1; i < taken.size(); i++)
		EXPECT_LE(taken[i - 1].first + taken[i - 1].second, taken[i].first) << i;
}

// Every byte the boot core may touch before it has tables of its own.
void check_identity(const BootImage &image, std::uint64_t kernel_size)
{
	const View tables = loaded(image, image.page_table, 4096);
	const View all(tables.data(), RF_PAGE_TABLES_SIZE);
	const auto mapped = [&](std::uint64_t start, std::uint64_t size) {
		for (std::uint64_t at = start; at < start + size; at += 4096)
			ASSERT_EQ(walk(all, image.page_table, image.la57 ? 5 : 4, at), at)
				<< std::hex << at;
	};
	mapped(0, 2 * MIB);
	mapped(B, RF_BOOT_AREA_SIZE);
	mapped(image.kernel_phys, kernel_size);
	mapped(image.entry, 1);
}

TEST_F(Image, Direct)
{
	const BootImage image = build({});

	EXPECT_TRUE(image.direct);
	EXPECT_FALSE(image.la57);
	EXPECT_EQ(image.boot_params, B + RF_BOOT_PARAMS_OFF);
	EXPECT_EQ(image.page_table, B + RF_PAGE_TABLES_OFF);
	EXPECT_EQ(image.entry, image.kernel_phys + FakeVmlinux::ENTRY);
	EXPECT_EQ(image.kernel_phys % kernel_.alignment, 0u);
	EXPECT_GE(image.kernel_phys, B + RF_BOOT_AREA_SIZE);
	check_segments(image);
	check_identity(image, kernel_.init_size);

	// relocated by as much as kernel_virt says
	const std::uint64_t offset = image.kernel_virt - 0xffffffff81000000;
	EXPECT_EQ(offset % kernel_.alignment, 0u);
	EXPECT_LE(image.kernel_virt - 0xffffffff80000000 + kernel_.init_size, 1ull << 30);
	EXPECT_EQ(boot::load<std::uint64_t>(
			  loaded(image, image.kernel_phys + FakeVmlinux::PLACE64, 8), 0),
		  FakeVmlinux::VALUE64 + offset);

	// .bss and brk are the kernel's, and zero
	auto kernel = std::ranges::find(image.segments, image.kernel_phys, &boot::Segment::phys);
	ASSERT_NE(kernel, image.segments.end());
	EXPECT_GE(kernel->memsz, kernel_.init_size);
	EXPECT_EQ(loaded(image, B + 0x211, 1)[0], std::byte{3});	// KASLR_FLAG
}

TEST_F(Image, CommandLineAndHandoffAreWhereTheyBelong)
{
	const BootImage image = build({.append = "hello=world"});
	const View line = loaded(image, B + RF_CMDLINE_OFF, image.cmdline.size() + 1);

	EXPECT_STREQ(reinterpret_cast<const char *>(line.data()), image.cmdline.c_str());
	EXPECT_NE(image.cmdline.find(" hello=world "), std::string::npos);
	auto handoff = boot::load<rf_handoff>(loaded(image, B + RF_HANDOFF_OFF, sizeof(rf_handoff)),
					      0);
	EXPECT_EQ(handoff.magic, RF_HANDOFF_MAGIC);
	EXPECT_EQ(std::memcmp(loaded(image, B + RF_ACPI_OFF, 8).data(), "RSD PTR ", 8), 0);
}

TEST_F(Image, InitrdIsOnePieceAtTheTop)
{
	const BootImage image = build({});
	const View page = loaded(image, image.boot_params, 4096);
	const auto start = boot::load<std::uint32_t>(page, 0x218) |
			   std::uint64_t{boot::load<std::uint32_t>(page, 0xc0)} << 32;
	const auto size = boot::load<std::uint32_t>(page, 0x21c);
	const Bytes own = boot::cpio_archive(initrd_);

	EXPECT_EQ(start % 4096, 0u);
	EXPECT_EQ(size, own.size() + user_.size());
	EXPECT_GT(start + size + 4096, END);
	EXPECT_LE(start + size, END);
	EXPECT_TRUE(std::ranges::equal(loaded(image, start, own.size()), own));
	// not a copy
	EXPECT_EQ(loaded(image, start + own.size(), user_.size()).data(), user_.data());
}

TEST_F(Image, WithoutAgentTheUsersInitrdIsAlone)
{
	initrd_.first_stage = initrd_.ficm = initrd_.agent = {};
	BootImage image = build({.agent = false});
	EXPECT_EQ(boot::load<std::uint32_t>(loaded(image, image.boot_params, 4096), 0x21c),
		  user_.size());
	check_segments(image);

	initrd_.user = {};
	image = build({.agent = false});
	EXPECT_EQ(boot::load<std::uint32_t>(loaded(image, image.boot_params, 4096), 0x218), 0u);
	EXPECT_EQ(boot::load<std::uint32_t>(loaded(image, image.boot_params, 4096), 0x21c), 0u);
	check_segments(image);

	EXPECT_THROW(build({}), boot::Error);
}

TEST_F(Image, EveryBuildHasAddressesOfItsOwn)
{
	std::set<std::uint64_t> phys, virt;

	for (std::uint64_t seed = 0; seed < 50; seed++) {
		const BootImage image = build({}, seed);
		check_segments(image);
		phys.insert(image.kernel_phys);
		virt.insert(image.kernel_virt);
	}
	EXPECT_GT(phys.size(), 20u);
	EXPECT_GT(virt.size(), 20u);
}

TEST_F(Image, Nokaslr)
{
	const BootImage image = build({.append = "nokaslr"});

	EXPECT_EQ(image.kernel_virt, 0xffffffff81000000u);
	EXPECT_EQ(image.kernel_phys, B + RF_BOOT_AREA_SIZE);
	EXPECT_EQ(loaded(image, B + 0x211, 1)[0], std::byte{1});
}

TEST_F(Image, FiveLevelsAsTheDecompressorDecides)
{
	grant_.la57 = true;
	const BootImage image = build({});
	EXPECT_TRUE(image.la57);
	check_identity(image, kernel_.init_size);

	EXPECT_FALSE(build({.append = "no5lvl"}).la57);
	EXPECT_FALSE(build({.allow_direct = false}).la57);
	for (std::uint16_t without : {XLF_5LEVEL, XLF_5LEVEL_ENABLED}) {
		kernel_.xloadflags = static_cast<std::uint16_t>(0x7f & ~without);
		EXPECT_FALSE(build({}).la57);
	}
}

TEST_F(Image, ThroughTheBzImage)
{
	const auto check = [&](const BootImage &image) {
		EXPECT_FALSE(image.direct);
		EXPECT_EQ(image.kernel_virt, 0u);
		EXPECT_EQ(image.entry, image.kernel_phys + 0x200);
		EXPECT_EQ(image.kernel_phys % kernel_.alignment, 0u);
		EXPECT_EQ(loaded(image, image.kernel_phys, kernel_.protected_mode.size()).data(),
			  kernel_.protected_mode.data());
		EXPECT_EQ(loaded(image, B + 0x211, 1)[0], std::byte{1});
		check_segments(image);
		check_identity(image, kernel_.init_size);
	};
	check(build({.allow_direct = false}));
	boot::append(vmlinux_, 0u);	// relocations of an unknown format
	boot::append(vmlinux_, 1u);
	check(build({}));
	vmlinux_.clear();
	check(build({}));
}

TEST_F(Image, KernelWithoutRelocationsStaysAtItsVirtualAddress)
{
	vmlinux_ = FakeVmlinux{.relocations = false}.make();
	const BootImage image = build({});
	EXPECT_TRUE(image.direct);
	EXPECT_EQ(image.kernel_virt, 0xffffffff81000000u);
}

TEST_F(Image, NeverBelowThePreferredAddress)
{
	grant_.ranges = {{0x200000, 512 * MIB}};
	EXPECT_GE(build({.append = "nokaslr"}).kernel_phys, kernel_.pref_address);
	EXPECT_GE(build({.allow_direct = false}).kernel_phys, kernel_.pref_address);
}

TEST_F(Image, LargerAlignment)
{
	kernel_.alignment = 16 * MIB;
	grant_.ranges = {{B + 2 * MIB, 128 * MIB}};
	for (std::uint64_t seed = 0; seed < 20; seed++)
		EXPECT_EQ(build({}, seed).kernel_phys % (16 * MIB), 0u);
}

TEST_F(Image, PreferredAddressThatWrapsIsRefused)
{
	kernel_.alignment = 16 * MIB;
	kernel_.pref_address = ~(boot::LARGE_PAGE - 1);
	for (const bool direct : {false, true})
		EXPECT_THROW(build({.allow_direct = direct}), boot::Error);
}

TEST_F(Image, LinkAddressAgainstItsOwnAlignmentIsRefused)
{
	grant_.ranges = {{B, 1024 * MIB}};
	kernel_.alignment = 64 * MIB;
	EXPECT_THROW(build({}), boot::Error);
	EXPECT_NO_THROW(build({.allow_direct = false}));
}

TEST_F(Image, MapsAllOfTheBzImageWhateverItsHeaderSays)
{
	const Bytes code(5 * MIB);

	kernel_.init_size = 1;
	kernel_.protected_mode = code;
	const BootImage image = build({.allow_direct = false});
	check_segments(image);
	check_identity(image, code.size());
}

TEST_F(Image, MemoryNeededIsJustEnough)
{
	user_.resize(7 * MIB + 1);
	initrd_.user = user_;
	for (bool direct : {false, true}) {
		const boot::Options options{.allow_direct = direct};
		const std::uint64_t needed =
			boot::memory_needed(kernel_, direct ? View(vmlinux_) : View(), initrd_);
		EXPECT_EQ(needed % RF_EXTENT_SIZE, 0u);
		grant_.ranges = {{B + 2 * MIB, needed}};
		EXPECT_NO_THROW(build(options));
		grant_.ranges = {{B + 2 * MIB, needed - RF_EXTENT_SIZE}};
		try {
			build(options);
			FAIL() << "accepted";
		} catch (const boot::Error &error) {
			EXPECT_NE(std::string(error.what()).find("16.0 MiB"), std::string::npos)
				<< error.what();
		}
	}
}

} // namespace
} // namespace rf::test
