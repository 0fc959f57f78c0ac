// SPDX-License-Identifier: GPL-2.0
#include <gtest/gtest.h>

#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Compression;
using boot::Error;
using boot::parse_bzimage;

Bytes good()
{
	return make_bzimage(Compression::gzip, FakeVmlinux{}.make());
}

Bytes text(std::string_view words)
{
	View view = boot::as_view(words);
	return Bytes(view.begin(), view.end());
}

TEST(BzImage, Good)
{
	const Bytes file = good();
	const boot::Kernel kernel = parse_bzimage(file);

	EXPECT_EQ(kernel.version, "6.1.0-99-test");
	EXPECT_EQ(kernel.protocol, 0x020f);
	EXPECT_EQ(kernel.xloadflags, 0x7f);
	EXPECT_EQ(kernel.init_size, 0x412000u);
	EXPECT_EQ(kernel.alignment, 0x200000u);
	EXPECT_EQ(kernel.pref_address, 0x1000000u);
	EXPECT_EQ(kernel.protected_mode.data(), file.data() + 4 * 512);
	EXPECT_EQ(kernel.compression, Compression::gzip);
	EXPECT_EQ(kernel.payload_raw_size, FakeVmlinux{}.make().size());
}

TEST(BzImage, SignatureBehindTheKernelIsLeftOut)
{
	Bytes file = good();
	const std::size_t size = file.size();
	file.resize(size + 1472);
	EXPECT_EQ(parse_bzimage(file).protected_mode.size(), size - 4 * 512);
}

struct BadFile {
	const char *name;
	Bytes file;
	const char *message;	// must appear
};

void PrintTo(const BadFile &bad, std::ostream *out)
{
	*out << bad.name;
}

class BadFiles : public testing::TestWithParam<BadFile> {};

TEST_P(BadFiles, Refused)
{
	try {
		parse_bzimage(GetParam().file);
		FAIL() << "accepted";
	} catch (const Error &error) {
		const std::string what = error.what();
		EXPECT_NE(what.find(GetParam().message), std::string::npos) << what;
		EXPECT_EQ(what.find('\n'), std::string::npos) << what;
	}
}

Bytes elf(std::uint16_t machine)
{
	Bytes file = FakeVmlinux{}.make();
	boot::store(file, 18, machine);
	return file;
}

INSTANTIATE_TEST_SUITE_P(
	Kinds, BadFiles,
	testing::Values(BadFile{"empty", {}, "empty"},
			BadFile{"text", text("#!/bin/sh\necho no kernel\n"), "text file"},
			BadFile{"one_byte", text("M"), "text file"},
			BadFile{"zeros", Bytes(100000), "signature"},
			BadFile{"short_zeros", Bytes(100), "truncated"},
			BadFile{"elf_x86_64", elf(62), "ELF file (x86-64)"},
			BadFile{"elf_arm64", elf(183), "ELF file (arm64)"},
			BadFile{"elf_riscv", elf(243), "ELF file (riscv)"},
			BadFile{"elf_head", text("\x7f" "ELF"), "ELF file"},
			BadFile{"gzip", compress(Compression::gzip, Bytes(100000)), "truncated"}),
	[](const auto &info) { return std::string(info.param.name); });

struct BadHeader {
	const char *name;
	void (*spoil)(setup_header &);
	const char *message;
};

void PrintTo(const BadHeader &bad, std::ostream *out)
{
	*out << bad.name;
}

class BadHeaders : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaders, Refused)
{
	const Bytes file = make_bzimage(Compression::gzip, FakeVmlinux{}.make(), GetParam().spoil);
	try {
		parse_bzimage(file);
		FAIL() << "accepted";
	} catch (const Error &error) {
		const std::string what = error.what();
		EXPECT_NE(what.find(GetParam().message), std::string::npos) << what;
	}
}

using H = setup_header;
INSTANTIATE_TEST_SUITE_P(
	Fields, BadHeaders,
	testing::Values(
		BadHeader{"boot_flag", [](H &h) { h.boot_flag = 0; }, "signature"},
		BadHeader{"magic", [](H &h) { h.header = 0; }, "signature"},
		BadHeader{"protocol", [](H &h) { h.version = 0x20b; }, "0x20b; 0x20c"},
		BadHeader{"zimage", [](H &h) { h.loadflags = 0; }, "zImage"},
		BadHeader{"only_32_bit", [](H &h) { h.xloadflags = 0x7e; }, "0x7e: a 32-bit"},
		BadHeader{"below_4g", [](H &h) { h.xloadflags = 0x7d; }, "RELOCATABLE"},
		BadHeader{"not_relocatable", [](H &h) { h.relocatable_kernel = 0; }, "RELOCATABLE"},
		BadHeader{"alignment", [](H &h) { h.kernel_alignment = 0x300000; }, "0x300000"},
		BadHeader{"alignment_small", [](H &h) { h.kernel_alignment = 0x1000; }, "0x1000"},
		BadHeader{"init_size_0", [](H &h) { h.init_size = 0; }, "init_size"},
		BadHeader{"init_size_big", [](H &h) { h.init_size = ~0u; }, "0xffffffff"},
		BadHeader{"pref_address", [](H &h) { h.pref_address = 1; }, "pref_address"},
		BadHeader{"syssize_0", [](H &h) { h.syssize = 0; }, "truncated"},
		BadHeader{"syssize_big", [](H &h) { h.syssize = ~0u; }, "truncated"},
		BadHeader{"setup_sects", [](H &h) { h.setup_sects = 255; }, "truncated"},
		BadHeader{"no_version", [](H &h) { h.kernel_version = 0; }, "version"},
		BadHeader{"version_outside", [](H &h) { h.kernel_version = 0xffff; }, "version"},
		BadHeader{"version_empty", [](H &h) { h.kernel_version = 0x300; }, "version"},
		BadHeader{"payload_offset", [](H &h) { h.payload_offset = ~0u; }, "0xffffffff"},
		BadHeader{"payload_late", [](H &h) { h.payload_offset += 16; }, "payload_offset"},
		BadHeader{"payload_length", [](H &h) { h.payload_length = ~0u; }, "payload_length"},
		BadHeader{"payload_none", [](H &h) { h.payload_length = 4; }, "payload_length"},
		BadHeader{"raw_size", [](H &h) { h.init_size = 0x1000; }, "uncompressed size"}),
	[](const auto &info) { return std::string(info.param.name); });

std::string refusal_of(View file)
{
	try {
		parse_bzimage(file);
	} catch (const Error &error) {
		return error.what();
	}
	return "";
}

TEST(BzImage, ThatPromisesFarMoreThanItHolds)
{
	Bytes file = make_bzimage(Compression::gzip, FakeVmlinux{}.make(), [](setup_header &header) {
		header.init_size = boot::GIB;
	});
	const auto header = boot::load<setup_header>(file, 0x1f1);
	const std::size_t trailer = 2048 + header.payload_offset + header.payload_length - 4;

	ASSERT_EQ(refusal_of(file), "");
	boot::store(file, trailer, std::uint32_t{boot::GIB});
	EXPECT_NE(refusal_of(file).find("64 times"), std::string::npos) << refusal_of(file);
	// A small one may shrink as much as it likes.
	boot::store(file, trailer, std::uint32_t{16 * boot::MIB});
	EXPECT_EQ(refusal_of(file), "");
}

TEST(BzImage, VersionBecomesPartOfFileNames)
{
	constexpr std::size_t at = 0x400;
	Bytes file = good();

	file[at + 3] = std::byte{'/'};
	EXPECT_NE(refusal_of(file).find("uname -r"), std::string::npos);
	std::fill_n(file.begin() + at, 65, std::byte{'6'});
	EXPECT_NE(refusal_of(file).find("64 letters"), std::string::npos);
	file[at + 64] = std::byte{0};
	EXPECT_EQ(refusal_of(file), "");
}

TEST(BzImage, EveryTruncationIsRefused)
{
	const Bytes file = good();

	for (std::size_t size = 0; size < file.size(); size += size < 0x2000 ? 1 : 97)
		EXPECT_THROW(parse_bzimage(View(file).first(size)), Error) << size;
	EXPECT_THROW(parse_bzimage(View(file).first(file.size() - 1)), Error);
}

} // namespace
} // namespace rf::test
