// SPDX-License-Identifier: GPL-2.0
// As the decompressor chooses (arch/x86/boot/compressed/kaslr.c:
// slots_fetch_random, find_random_virt_addr), from a better source.
#include "boot/kaslr.hpp"

#include "boot/bytes.hpp"

namespace rf::boot {

std::uint64_t random_slot(std::uint64_t first, std::uint64_t last, std::uint64_t alignment,
			  const Random &random)
{
	first = align_up(first, alignment);
	if (first > last)
		throw std::logic_error("no slot to choose from");

	const std::uint64_t slots = 1 + (last - first) / alignment;
	std::uint64_t value = 0;
	random(std::as_writable_bytes(std::span(&value, 1)));
	return first + value % slots * alignment;
}

} // namespace rf::boot
