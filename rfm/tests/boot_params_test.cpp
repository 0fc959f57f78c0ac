// SPDX-License-Identifier: GPL-2.0
#include "boot/boot_params.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Compression;

TEST(E820, ListsThePartitionAndNothingElse)
{
	const std::vector<boot_e820_entry> expected = {
		{0x28000, 0x1000, 2},			// the IO-APIC that is not there
		{0x29000, 0x7000, 1},
		{0x140000000, 0x10000, 2},
		{0x140010000, 0x10000, 3},		// ACPI tables
		{0x140020000, 0x1e0000, 2},
		{0x140200000, 0x1fe00000, 1},
		{0x1c0000000, 0x10000000, 1},
	};
	const auto map = boot::e820_map(make_grant());

	ASSERT_EQ(map.size(), expected.size());
	for (std::size_t i = 0; i < map.size(); i++) {
		EXPECT_EQ(std::uint64_t{map[i].addr}, std::uint64_t{expected[i].addr}) << i;
		EXPECT_EQ(std::uint64_t{map[i].size}, std::uint64_t{expected[i].size}) << i;
		EXPECT_EQ(std::uint32_t{map[i].type}, std::uint32_t{expected[i].type}) << i;
	}
}

TEST(BootParams, Fields)
{
	const Bytes file = make_bzimage(Compression::gzip, FakeVmlinux{}.make());
	const boot::Kernel kernel = boot::parse_bzimage(file);
	const boot::ZeroPage zero_page = {
		.cmdline = 0x140001000,
		.rsdp = 0x140010000,
		.initrd = 0x3ffff5000,
		.initrd_size = 0x123456789,
		.kernel = 0x140200000,
		.kaslr = true,
	};
	const Bytes page = boot::bytes_of(boot::make_boot_params(kernel, make_grant(), zero_page));

	ASSERT_EQ(page.size(), 4096u);
	// offsets as in Documentation/arch/x86/zero-page.rst
	const auto u32 = [&](std::size_t at) { return boot::load<std::uint32_t>(page, at); };
	const auto u8 = [&](std::size_t at) { return boot::load<std::uint8_t>(page, at); };
	for (std::size_t i = 0; i < 0x40; i++)
		EXPECT_EQ(page[i], std::byte{0}) << "screen_info";
	EXPECT_EQ(boot::load<std::uint64_t>(page, 0x70), zero_page.rsdp);
	EXPECT_EQ(u32(0xc0), 3u);
	EXPECT_EQ(u32(0x218), 0xffff5000u);
	EXPECT_EQ(u32(0xc4), 1u);
	EXPECT_EQ(u32(0x21c), 0x23456789u);
	EXPECT_EQ(u32(0xc8), 1u);
	EXPECT_EQ(u32(0x228), 0x40001000u);
	EXPECT_EQ(u8(0x1e8), 7);	// e820 entries
	EXPECT_EQ(u8(0x1ef), 0);	// sentinel
	EXPECT_EQ(u8(0x210), 0xff);	// type_of_loader
	EXPECT_EQ(u8(0x211), 3);	// LOADED_HIGH | KASLR_FLAG
	EXPECT_EQ(u32(0x202), 0x53726448u);
	EXPECT_EQ(u32(0x260), 0x412000u);
	EXPECT_EQ(boot::load<std::uint64_t>(page, 0x250), 0u);	// setup_data
	// past the header's end (0x202 + the jump's length) nothing is copied
	for (std::size_t i = 0x202 + 0x66; i < 0x290; i++)
		EXPECT_EQ(page[i], std::byte{0}) << i;
}

TEST(BootParams, WithoutKaslr)
{
	const Bytes file = make_bzimage(Compression::gzip, FakeVmlinux{}.make(),
					[](setup_header &h) { h.loadflags |= KASLR_FLAG; });
	const auto params = boot::make_boot_params(boot::parse_bzimage(file), make_grant(), {});
	EXPECT_EQ(params.hdr.loadflags, LOADED_HIGH);
}

} // namespace
} // namespace rf::test
