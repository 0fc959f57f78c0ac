// SPDX-License-Identifier: GPL-2.0
// The uncompressed kernel: an ELF file, followed by the relocations that the
// kernel build appended.
#pragma once

#include <optional>

#include "boot/image.hpp"

namespace rf::boot {

// Three lists of 32-bit words, each the link-time virtual address (sign-extends
// to 64 bits) of a place that depends on where the kernel runs.
struct Relocations {
	View absolute64;	// add the offset, 64 bits
	View inverse32;		// subtract it, 32 bits (per-CPU, up to 6.14)
	View absolute32;	// add it, 32 bits

	bool empty() const { return absolute32.empty() && absolute64.empty(); }
};

struct Vmlinux {
	struct Load {
		std::uint64_t place;	// offset from the load address
		View bytes;
	};

	std::uint64_t link_base = 0;	// physical address of _text as linked
	std::uint64_t entry = 0;	// offset from the load address
	std::uint64_t memory = 0;	// bytes from the load address on, with .bss
	std::vector<Load> loads;	// ascending, not overlapping
	// Nothing if they are in a format this library does not know: such a
	// kernel can only be entered through its own decompressor.
	std::optional<Relocations> relocations;
};

// Throws Error if the file is not an x86-64 kernel as the build makes it. The
// result holds views of the file.
Vmlinux parse_vmlinux(View file);

// The kernel as it lies in memory, relocated to run `offset` bytes above its
// link-time virtual address. Pages of zeros at its end are left out: the memory
// is clear. Throws Error if a relocation lies outside of the kernel.
Bytes place(const Vmlinux &vmlinux, std::uint64_t offset);

} // namespace rf::boot
