// SPDX-License-Identifier: GPL-2.0
// Unpacking a bzImage's payload in the four formats that distributions use.
#include <algorithm>
#include <new>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

// The kernel's build asks for a dictionary of 128 MiB at most.
constexpr std::uint64_t XZ_MEMORY_LIMIT = 160 * MIB;
constexpr std::uint32_t LZ4_LEGACY_MAGIC = 0x184c2102;
constexpr std::size_t LZ4_LEGACY_BLOCK = 8 * MIB;	// each but the last, uncompressed

[[noreturn]] void corrupt(const char *format, const std::string &detail)
{
	throw Error(std::string("the kernel's ") + format + " payload is corrupt: " + detail);
}

// Each decoder fills `out` and returns how many bytes it wrote.

std::size_t inflate_gzip(View in, Bytes &out)
{
	struct Stream : z_stream {
		Stream() : z_stream{}
		{
			// 16: expect a gzip header and trailer
			if (inflateInit2(this, MAX_WBITS + 16) != Z_OK)
				throw std::bad_alloc();
		}
		~Stream() { inflateEnd(this); }
		Stream(const Stream &) = delete;
		Stream &operator=(const Stream &) = delete;
	} stream;

	stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(in.data()));
	stream.avail_in = static_cast<uInt>(in.size());
	stream.next_out = reinterpret_cast<Bytef *>(out.data());
	stream.avail_out = static_cast<uInt>(out.size());
	if (inflate(&stream, Z_FINISH) != Z_STREAM_END)
		corrupt("gzip", stream.msg ? stream.msg : "it ends early or is too large");
	return out.size() - stream.avail_out;
}

std::size_t decode_xz(View in, Bytes &out)
{
	std::uint64_t memory = XZ_MEMORY_LIMIT;
	std::size_t in_pos = 0, out_pos = 0;
	lzma_ret rc = lzma_stream_buffer_decode(&memory, 0, nullptr,
						reinterpret_cast<const std::uint8_t *>(in.data()),
						&in_pos, in.size(),
						reinterpret_cast<std::uint8_t *>(out.data()),
						&out_pos, out.size());
	if (rc != LZMA_OK)
		corrupt("xz", "liblzma error " + std::to_string(rc));
	return out_pos;
}

// The legacy frame format: a magic, then blocks of (size, data) up to the end.
// Like the kernel, accepts a further frame where a block size could stand.
std::size_t decode_lz4(View in, Bytes &out)
{
	std::size_t pos = 0, done = 0;

	while (pos < in.size()) {
		if (!fits(pos, sizeof(std::uint32_t), in.size()))
			corrupt("lz4", "a block size is cut off");
		auto size = load<std::uint32_t>(in, pos);
		pos += sizeof(size);
		if (size == LZ4_LEGACY_MAGIC)
			continue;
		if (size == 0 || !fits(pos, size, in.size()))
			corrupt("lz4", "a block of " + std::to_string(size) + " bytes at " +
				std::to_string(pos) + " does not fit");
		std::size_t room = std::min(out.size() - done, LZ4_LEGACY_BLOCK);
		int got = LZ4_decompress_safe(reinterpret_cast<const char *>(in.data() + pos),
					      reinterpret_cast<char *>(out.data() + done),
					      static_cast<int>(size), static_cast<int>(room));
		if (got < 0)
			corrupt("lz4", "block at " + std::to_string(pos));
		pos += size;
		done += static_cast<std::size_t>(got);
	}
	return done;
}

std::size_t decode_zstd(View in, Bytes &out)
{
	std::size_t got = ZSTD_decompress(out.data(), out.size(), in.data(), in.size());

	if (ZSTD_isError(got))
		corrupt("zstd", ZSTD_getErrorName(got));
	return got;
}

std::size_t copy_plain(View in, Bytes &out)
{
	std::size_t size = std::min(in.size(), out.size());

	std::memcpy(out.data(), in.data(), size);
	return size;
}

} // namespace

Bytes decompress(const Kernel &kernel)
{
	Bytes out(kernel.payload_raw_size);
	std::size_t got = 0;

	switch (kernel.compression) {
	case Compression::none: got = copy_plain(kernel.payload, out); break;
	case Compression::gzip: got = inflate_gzip(kernel.payload, out); break;
	case Compression::xz: got = decode_xz(kernel.payload, out); break;
	case Compression::lz4: got = decode_lz4(kernel.payload, out); break;
	case Compression::zstd: got = decode_zstd(kernel.payload, out); break;
	case Compression::other:
		throw Error("the kernel's payload is in an unknown format; gzip, xz, lz4 and zstd "
			    "can be unpacked");
	}
	if (got != out.size())
		throw Error("the kernel's payload unpacks to " + std::to_string(got) +
			    " bytes, the image promises " + std::to_string(out.size()));
	return out;
}

} // namespace rf::boot
