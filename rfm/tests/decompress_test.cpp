// SPDX-License-Identifier: GPL-2.0
#include <random>

#include <gtest/gtest.h>

#include "boot/vmlinux.hpp"
#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Compression;
using boot::Error;

const char *name(Compression kind)
{
	switch (kind) {
	case Compression::none: return "none";
	case Compression::gzip: return "gzip";
	case Compression::xz: return "xz";
	case Compression::lz4: return "lz4";
	case Compression::zstd: return "zstd";
	case Compression::other: return "other";
	}
	return "?";
}

class Decompress : public testing::TestWithParam<Compression> {};

INSTANTIATE_TEST_SUITE_P(Kinds, Decompress,
			 testing::Values(Compression::none, Compression::gzip, Compression::xz,
					 Compression::lz4, Compression::zstd),
			 [](const auto &info) { return std::string(name(info.param)); });

TEST_P(Decompress, GivesBackWhatWasPacked)
{
	const Bytes raw = FakeVmlinux{}.make();
	const Bytes file = make_bzimage(GetParam(), raw);
	const boot::Kernel kernel = boot::parse_bzimage(file);

	EXPECT_EQ(kernel.compression, GetParam());
	EXPECT_EQ(boot::decompress(kernel), raw);
}

TEST_P(Decompress, SeveralBlocks)
{
	Bytes raw(20 * boot::MIB + 12345);	// LZ4's legacy blocks are of 8 MiB
	auto random = make_random(1);
	random(std::span(raw).first(boot::MIB));
	random(std::span(raw).last(boot::MIB));
	const Bytes elf = FakeVmlinux{}.make();
	std::ranges::copy(elf, raw.begin());	// "none" is recognised by it
	const Bytes file = make_bzimage(GetParam(), raw, [](setup_header &header) {
		header.init_size = 64 * boot::MIB;
	});

	EXPECT_EQ(boot::decompress(boot::parse_bzimage(file)), raw);
}

TEST_P(Decompress, WrongSizeIsRefused)
{
	const Bytes raw = FakeVmlinux{}.make();
	const Bytes file = make_bzimage(GetParam(), raw);
	boot::Kernel kernel = boot::parse_bzimage(file);

	kernel.payload_raw_size++;
	EXPECT_THROW(boot::decompress(kernel), Error);
	kernel.payload_raw_size -= 2;
	if (GetParam() != Compression::none) {
		EXPECT_THROW(boot::decompress(kernel), Error);
	}
}

TEST_P(Decompress, TruncatedPayloadIsRefused)
{
	const Bytes raw = FakeVmlinux{}.make();
	const Bytes file = make_bzimage(GetParam(), raw);
	const boot::Kernel whole = boot::parse_bzimage(file);

	for (std::size_t size = 0; size < whole.payload.size(); size += 1 + size / 16) {
		boot::Kernel kernel = whole;
		kernel.payload = whole.payload.first(size);
		EXPECT_THROW(boot::decompress(kernel), Error) << size;
	}
}

TEST(DecompressOther, UnknownFormatIsRefused)
{
	const Bytes raw(1000, std::byte{'B'});
	const Bytes file = make_bzimage(Compression::other, raw);
	const boot::Kernel kernel = boot::parse_bzimage(file);

	EXPECT_EQ(kernel.compression, Compression::other);
	EXPECT_THROW(boot::decompress(kernel), Error);
}

TEST(DecompressLz4, FurtherFrameIsAccepted)
{
	const Bytes raw = FakeVmlinux{}.make();
	Bytes packed = compress(Compression::lz4, View(raw).first(5000));
	boot::append(packed, View(compress(Compression::lz4, View(raw).subspan(5000))));
	boot::Kernel kernel;
	kernel.compression = Compression::lz4;
	kernel.payload = packed;
	kernel.payload_raw_size = static_cast<std::uint32_t>(raw.size());

	EXPECT_EQ(boot::decompress(kernel), raw);
}

// Whatever bytes a file holds: an Error or a result, never anything else. Meant
// for a build with RF_SANITIZE.
TEST_P(Decompress, RandomMutations)
{
	const Bytes raw = FakeVmlinux{}.make();
	const Bytes good = make_bzimage(GetParam(), raw);
	std::mt19937 random(42);

	for (int round = 0; round < 3000; round++) {
		Bytes file = good;
		const unsigned changes = 1 + random() % 4;
		for (unsigned i = 0; i < changes; i++) {
			// half of them in the header
			std::size_t at = random() % 2 ? 0x1f1 + random() % 0x80
						      : random() % file.size();
			const auto bit = static_cast<std::byte>(1 << random() % 8);
			file[at] = random() % 2 ? static_cast<std::byte>(random())
						: file[at] ^ bit;
		}
		try {
			boot::Kernel kernel = boot::parse_bzimage(file);
			if (kernel.payload_raw_size > 8 * boot::MIB)
				continue;	// only slow
			const Bytes vmlinux = boot::decompress(kernel);
			const auto parsed = boot::parse_vmlinux(vmlinux);
			if (parsed.relocations && parsed.memory < 64 * boot::MIB)
				boot::place(parsed, 0x200000);
		} catch (const Error &error) {
			EXPECT_STRNE(error.what(), "");
		}
	}
}

} // namespace
} // namespace rf::test
