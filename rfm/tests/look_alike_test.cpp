// SPDX-License-Identifier: GPL-2.0
#include "boot/look_alike.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Compression;
using boot::look_alike;

Bytes good()
{
	return make_bzimage(Compression::gzip, FakeVmlinux{}.make());
}

// A PE file with one section, over a file with or without Linux's boot header.
Bytes pe(std::string_view section, Bytes file)
{
	constexpr std::uint32_t at = 0x80;

	boot::store(file, 0, std::uint16_t{0x5a4d});
	boot::store(file, 0x3c, at);
	boot::store(file, at, std::uint32_t{0x4550});
	boot::store(file, at + 6, std::uint16_t{1});
	boot::store(file, at + 20, std::uint16_t{0});
	std::memcpy(file.data() + at + 24, section.data(), section.size());
	return file;
}

Bytes multiboot()
{
	Bytes file(0x3000);

	std::memcpy(file.data(), "\177ELF\1\1\1", 7);
	boot::store(file, 0x1004, std::uint32_t{0x1badb002});
	boot::store(file, 0x1008, std::uint32_t{3});
	boot::store(file, 0x100c, static_cast<std::uint32_t>(-(0x1badb002 + 3)));
	return file;
}

Bytes memtest()
{
	return make_bzimage(Compression::gzip, FakeVmlinux{}.make(), [](setup_header &header) {
		header.version = 0x20c;
		header.kernel_version = 0;
		header.relocatable_kernel = 0;
		header.xloadflags = 9;
		header.payload_offset = header.payload_length = 0;
	});
}

Bytes initrd()
{
	const View text = boot::as_view("07070100000000");
	return Bytes(text.begin(), text.end());
}

TEST(LookAlike, EachHasItsOwnLine)
{
	const std::pair<Bytes, const char *> table[] = {
		{pe(".linux", Bytes(0x1000)), "unified kernel image (UKI)"},
		{pe(".linux", good()), "--only-section=.linux"},
		{pe(".text", Bytes(0x1000)), "an EFI program"},
		{multiboot(), "a multiboot kernel such as Xen; give"},
		{compress(Compression::gzip, multiboot()), "such as Xen, packed by gzip"},
		{compress(Compression::gzip, good()), "packed once more by gzip"},
		{initrd(), "an initrd"},
		{compress(Compression::gzip, initrd()), "an initrd"},
		{memtest(), "memtest86+"},
	};
	for (const auto &[file, expected] : table) {
		const std::string what = look_alike(file).value_or("nothing");
		EXPECT_NE(what.find(expected), what.npos) << what;
		EXPECT_EQ(what.find('\n'), what.npos) << what;
		try {
			boot::parse_bzimage(file);
			ADD_FAILURE() << "accepted: " << what;
		} catch (const boot::Error &error) {
			EXPECT_EQ(error.what(), what);
		}
	}
}

TEST(LookAlike, NothingIsSaidOfOthers)
{
	for (const Bytes &file : {good(), pe(".text", good()), pe(".linuxx", good()), Bytes(100000),
				  Bytes(), compress(Compression::gzip, Bytes(100000)),
				  FakeVmlinux{}.make()})
		EXPECT_EQ(look_alike(file), std::nullopt);
}

TEST(LookAlike, NoTruncationIsReadBeyondItsEnd)
{
	for (const Bytes &file : {pe(".linux", good()), multiboot(), memtest(),
				  compress(Compression::gzip, multiboot())})
		for (std::size_t size = 0; size < std::min<std::size_t>(file.size(), 0x1100); size += 3)
			EXPECT_NO_THROW(look_alike(View(file).first(size))) << size;
}

} // namespace
} // namespace rf::test
