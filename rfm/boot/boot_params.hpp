// SPDX-License-Identifier: GPL-2.0
// The "zero page": what the kernel is told at its entry.
#pragma once

#include <asm/bootparam.h>

#include "boot/image.hpp"

namespace rf::boot {

struct ZeroPage {
	std::uint64_t cmdline = 0;	// physical addresses
	std::uint64_t rsdp = 0;
	std::uint64_t initrd = 0;
	std::uint64_t initrd_size = 0;
	std::uint64_t kernel = 0;
	bool kaslr = false;		// the builder chose random addresses
};

// The memory map: the private slice of low memory and the partition, no more.
std::vector<boot_e820_entry> e820_map(const Grant &grant);

boot_params make_boot_params(const Kernel &kernel, const Grant &grant, const ZeroPage &zero_page);

} // namespace rf::boot
