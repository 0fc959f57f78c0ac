// SPDX-License-Identifier: GPL-2.0
// The layout of a memory image that crash(8), makedumpfile(8), vmcore-dmesg(8) and
// gdb(1) open: an ELF core file like the kernel's own /proc/vmcore. Pure: the bytes
// of the memory are the caller's affair.
#pragma once

#include "paging.hpp"

#include <vector>

namespace rf::inspect {

struct CoreContents {
	std::vector<Range> ranges;		// in any order
	std::uint64_t direct_map = 0;		// page_offset_base
	std::optional<KernelImage> image;
	std::span<const std::byte> vmcoreinfo;	// the whole note
	unsigned cores = 0;
};

// Where in the file a range of memory lies.
struct CorePart {
	Range memory;
	std::uint64_t offset = 0;
};

struct CoreFile {
	std::vector<std::byte> head;	// at offset 0: ELF header, program headers, notes
	std::vector<CorePart> parts;	// ascending, by address and by offset
	std::uint64_t size = 0;		// of the whole file
};

CoreFile lay_out_core(const CoreContents &contents);

// page_offset_base without KASLR (Documentation/arch/x86/x86_64/mm.rst).
std::uint64_t default_direct_map(int levels);

} // namespace rf::inspect
