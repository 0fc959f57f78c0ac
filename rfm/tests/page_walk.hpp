// SPDX-License-Identifier: GPL-2.0
// Page tables, walked as the processor walks them.
#pragma once

#include "fixture.hpp"

namespace rf::test {

// The physical address that `virt` maps to, or nothing.
inline std::optional<std::uint64_t> walk(View tables, std::uint64_t base, unsigned levels,
					 std::uint64_t virt)
{
	constexpr std::uint64_t present_writable = 3, large = 1 << 7;
	constexpr std::uint64_t address = 0x000ffffffffff000;
	std::uint64_t table = base;

	for (unsigned level = levels; level >= 2; level--) {
		const unsigned shift = 12 + 9 * (level - 1);
		auto entry = boot::load<std::uint64_t>(tables,
						       table - base + (virt >> shift) % 512 * 8);
		if ((entry & present_writable) != present_writable)
			return std::nullopt;
		if (entry & large)
			return level == 2 ? std::optional((entry & address) +
							  virt % (1ull << shift))
					  : std::nullopt;
		table = entry & address;
	}
	return std::nullopt;	// no 4 KiB pages here
}

} // namespace rf::test
