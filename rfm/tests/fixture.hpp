// SPDX-License-Identifier: GPL-2.0
// Made-up kernels, partitions and randomness for the unit tests.
#pragma once

#include <filesystem>

#include <asm/bootparam.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "boot/bytes.hpp"
#include "boot/image.hpp"

namespace rf::test {

using boot::Bytes;
using boot::View;

// What `call` refuses, as a bad value or what else is expected; nothing if it does not.
template <typename Call> std::string refusal(Call call, Code expected = Code::bad_value)
{
	try {
		call();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), expected) << error.what();
		return error.what();
	}
	return "";
}

// A vmlinux of two segments with .bss, and relocations in known places.
struct FakeVmlinux {
	static constexpr std::uint64_t LINK_BASE = 0x1000000;
	static constexpr std::uint64_t ENTRY = 0xb53;		// from the load address
	static constexpr std::uint64_t DATA = 0x200000;		// place of the second segment
	static constexpr std::uint64_t TEXT_SIZE = 0x3000;
	static constexpr std::uint64_t DATA_SIZE = 0x2000;
	static constexpr std::uint64_t MEMORY = DATA + 0x9000;	// with .bss
	// Places (from the load address) and what stands there.
	static constexpr std::uint64_t PLACE64 = 0x100, PLACE32 = 0x108, INVERSE32 = DATA + 0x10;
	static constexpr std::uint64_t VALUE64 = 0xffffffff81000040;
	static constexpr std::uint32_t VALUE32 = 0x81000080, VALUE_INVERSE = 0xfee00000;

	bool inverse_list = true;
	bool relocations = true;
	std::uint64_t stray = 0;	// a further 32-bit relocation, at this place

	Bytes make() const;
};

Bytes compress(boot::Compression kind, View raw);

// A bzImage around `raw`. `header` can spoil the header before it is written.
Bytes make_bzimage(boot::Compression kind, View raw,
		   const std::function<void(setup_header &)> &header = {});

boot::Grant make_grant();

// Counts up from seed: reproducible, and different in every draw.
boot::Random make_random(std::uint64_t seed);

Bytes read_file(const std::filesystem::path &path);
void write_file(const std::filesystem::path &path, View bytes);

// A new directory that goes away with the object.
class TemporaryDirectory {
public:
	TemporaryDirectory();
	~TemporaryDirectory();
	TemporaryDirectory(const TemporaryDirectory &) = delete;
	TemporaryDirectory &operator=(const TemporaryDirectory &) = delete;
	const std::filesystem::path &path() const { return path_; }

private:
	std::filesystem::path path_;
};

// What a command printed (both streams), and its exit status.
struct Output {
	std::string text;
	int status;
};
Output run(const std::string &command);

// The segment's bytes at `phys`, `size` of them; throws if they are not loaded.
View loaded(const boot::BootImage &image, std::uint64_t phys, std::uint64_t size);

// The paths in RF_TEST_KERNELS.
std::vector<std::filesystem::path> kernels();

} // namespace rf::test
