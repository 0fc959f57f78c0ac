// SPDX-License-Identifier: GPL-2.0
/*
 * A file that says it is a kernel: parsed and unpacked. It is refused by boot::Error, or what
 * is found lies inside of it, and what it unpacks to is bounded by its size.
 */
#include "boot/bytes.hpp"
#include "fuzz_input.hpp"

namespace {

using namespace rf::boot;

bool is_inside(View part, View file)
{
	return part.data() >= file.data() && part.data() + part.size() <= file.data() + file.size();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const View file(reinterpret_cast<const std::byte *>(data), size);

	try {
		const Kernel kernel = parse_bzimage(file);
		require(is_inside(kernel.protected_mode, file) && is_inside(kernel.payload, file));
		require(!kernel.version.empty() && kernel.version.size() <= 64);
		require(kernel.version.find('/') == kernel.version.npos);
		require(kernel.payload_raw_size <= 16 * MIB + 65 * size);
		require(decompress(kernel).size() == kernel.payload_raw_size);
	} catch (const Error &error) {
		require(*error.what());
	}
	return 0;
}
