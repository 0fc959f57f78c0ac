// SPDX-License-Identifier: GPL-2.0
// Modules on disk, as distributions compress them; and what a disk holds.
#include "fixture.hpp"
#include "host/artifacts.hpp"
#include "host/signatures.hpp"
#include "base/error.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <fcntl.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace {

namespace fs = std::filesystem;
using namespace rf;

constexpr const char version[] = "6.1.0-test";

std::string module_text()
{
	std::string words("\177ELF\0some code\0vermagic=6.1.0-test SMP\0", 39);

	for (int i = 0; i < 20'000; i++)
		words += std::to_string(i * i);
	return words;
}

std::string xz(const std::string &words)
{
	std::string packed(lzma_stream_buffer_bound(words.size()), '\0');
	std::size_t size = 0;

	EXPECT_EQ(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, nullptr,
					  reinterpret_cast<const std::uint8_t *>(words.data()),
					  words.size(), reinterpret_cast<std::uint8_t *>(packed.data()),
					  &size, packed.size()),
		  LZMA_OK);
	return packed.substr(0, size);
}

std::string zstd(const std::string &words)
{
	std::string packed(ZSTD_compressBound(words.size()), '\0');
	ZSTD_CCtx *context = ZSTD_createCCtx();

	// As zstd(1) does.
	ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	packed.resize(ZSTD_compress2(context, packed.data(), packed.size(), words.data(),
				     words.size()));
	ZSTD_freeCCtx(context);
	return packed;
}

std::string gzip(const std::string &words)
{
	z_stream stream{};
	std::string packed(words.size() + 1024, '\0');

	EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(words.data()));
	stream.avail_in = static_cast<uInt>(words.size());
	stream.next_out = reinterpret_cast<Bytef *>(packed.data());
	stream.avail_out = static_cast<uInt>(packed.size());
	EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.resize(stream.total_out);
	deflateEnd(&stream);
	return packed;
}

class KernelModule : public testing::Test {
protected:
	fs::path put(const std::string &place, const std::string &words)
	{
		const fs::path file = folder() / place;

		fs::create_directories(file.parent_path());
		std::ofstream(file, std::ios::binary) << words;
		return file;
	}
	fs::path folder() const { return directory.path() / "lib/modules" / version; }
	std::string found() const
	{
		return find_module("rf_ficm.ko", version, directory.path()).value_or("");
	}
	std::string read(const fs::path &file) const
	{
		const FileBytes module = read_module(file);
		check_module(module, version);
		return {reinterpret_cast<const char *>(module.view().data()), module.view().size()};
	}
	std::string message_of(const fs::path &file) const
	{
		try {
			read(file);
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_file);
			return error.what();
		}
		return "";
	}

	test::TemporaryDirectory directory;
};

TEST_F(KernelModule, IsFoundWithoutAnIndexAlsoIfItIsCompressed)
{
	EXPECT_EQ(found(), "");
	const fs::path plain = put("updates/rf_ficm.ko.xz", "x");
	EXPECT_EQ(found(), plain);
	const fs::path dkms = put("updates/dkms/rf_ficm.ko.zst", "x");
	EXPECT_EQ(found(), dkms);
}

// modules.dep.bin with one line, as depmod(8) writes it: a tree of one node, big-endian.
std::string index_of(const std::string &name, const std::string &line)
{
	constexpr std::uint32_t magic = 0xb007f457, layout = 0x00020001, has_prefix = 1u << 31,
				has_values = 1u << 30;
	std::string bytes;
	const auto put = [&](std::uint32_t number) {
		for (const int shift : {24, 16, 8, 0})
			bytes += static_cast<char>(number >> shift);
	};

	put(magic);
	put(layout);
	put(12 | has_prefix | has_values);	// where the root is, and what it has
	bytes += name + '\0';
	put(1);					// values, and of the first: priority, text
	put(0);
	return bytes + line + '\0';
}

TEST_F(KernelModule, IsWhereTheIndexSays)
{
	put("updates/rf_ficm.ko", "x");
	const fs::path indexed = put("kernel/drivers/misc/rf_ficm.ko.xz", "x");
	put("modules.dep.bin", index_of("rf_ficm", "kernel/drivers/misc/rf_ficm.ko.xz:"));
	EXPECT_EQ(found(), indexed);
	// An index that is older than what it speaks of.
	fs::remove(indexed);
	EXPECT_EQ(found(), folder() / "updates/rf_ficm.ko");
}

TEST_F(KernelModule, IsUnpackedWhateverItWasCompressedWith)
{
	const std::string words = module_text();

	EXPECT_EQ(read(put("a.ko", words)), words);
	EXPECT_EQ(read(put("a.ko.xz", xz(words))), words);
	EXPECT_EQ(read(put("a.ko.zst", zstd(words))), words);
	EXPECT_EQ(read(put("a.ko.gz", gzip(words))), words);
}

TEST_F(KernelModule, ThatIsDamagedIsNamed)
{
	for (const std::string &packed : {xz(module_text()), zstd(module_text()), gzip(module_text())}) {
		const fs::path cut = put("cut", packed.substr(0, packed.size() / 2));
		EXPECT_EQ(message_of(cut), "module '" + cut.string() + "': it ends early");
		std::string broken = packed;
		for (std::size_t at = packed.size() / 3; at < packed.size() / 2; at++)
			broken[at] = static_cast<char>(broken[at] ^ 0x5a);
		const fs::path bad = put("bad", broken);
		EXPECT_TRUE(message_of(bad).starts_with("module '" + bad.string() + "': "));
	}
}

TEST_F(KernelModule, ThatUnpacksToTooMuchIsRefused)
{
	const std::string zeros(std::size_t{70} << 20, '\0');

	for (const std::string &packed : {xz(zeros), zstd(zeros), gzip(zeros)}) {
		const fs::path file = put("bomb", packed);
		EXPECT_EQ(message_of(file), "module '" + file.string() + "': larger than 64 MiB");
	}
}

TEST_F(KernelModule, DisksThatHoldSomethingSaySo)
{
	std::string disk(4 << 20, '\0');
	const auto seen = [&] {
		const fs::path file = put("disk", disk);
		return signatures_on(Descriptor(::open(file.c_str(), O_RDONLY)), "/dev/x");
	};

	EXPECT_TRUE(seen().empty());
	disk[510] = '\x55';
	disk[511] = '\xaa';
	disk[446 + 4] = '\x83';		// a partition: Linux
	disk[446 + 9] = '\x08';		// its first sector and size
	disk[446 + 13] = '\x08';
	EXPECT_EQ(seen(), std::vector<std::string>{"dos"});
	disk.assign(disk.size(), '\0');
	disk[1024] = 1;			// version
	disk[1028] = '\x7f';		// last page
	disk.replace(4096 - 10, 10, "SWAPSPACE2");
	EXPECT_EQ(seen(), std::vector<std::string>{"swap"});
}

} // namespace
