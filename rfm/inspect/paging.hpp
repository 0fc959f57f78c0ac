// SPDX-License-Identifier: GPL-2.0
// From a subOS kernel's virtual addresses to physical ones, by its own tables.
#pragma once

#include "memory.hpp"
#include "vmcoreinfo.hpp"

#include <unordered_map>

namespace rf::inspect {

// Where the kernel's own code and data are mapped.
struct KernelImage {
	std::uint64_t virt = 0;
	std::uint64_t phys = 0;
	std::uint64_t size = 0;
};

class AddressSpace {
public:
	// Nothing if the note lacks what translation needs.
	static std::optional<AddressSpace> of(const Memory &memory, const Vmcoreinfo &info);

	std::optional<std::uint64_t> translate(std::uint64_t virt) const;
	// Reads across page borders. False if any page is not mapped or not readable.
	bool read(std::uint64_t virt, std::span<std::byte> into) const;

	template <typename Value> std::optional<Value> get(std::uint64_t virt) const
	{
		Value value;
		if (!read(virt, std::as_writable_bytes(std::span(&value, 1))))
			return std::nullopt;
		return value;
	}

	// page_offset_base: the virtual address at which all physical memory is mapped
	// from address 0 on. `known` is an address that the kernel allocated. Nothing if
	// the page tables do not show it.
	std::optional<std::uint64_t> direct_map(std::uint64_t known) const;

	// With the end that the page tables show; if they show none, the largest
	// possible. Nothing if the note does not tell where it starts.
	std::optional<KernelImage> kernel_image(const Vmcoreinfo &info) const;

	int levels() const { return levels_; }

private:
	// How far a walk came: the entry of this level, 0 if it could not be read.
	struct Step {
		int level = 0;
		std::uint64_t entry = 0;
		bool is_present() const { return entry & 1; }
	};

	explicit AddressSpace(const Memory &memory) : memory_(&memory) {}
	Step descend(std::uint64_t virt, int lowest) const;
	std::optional<std::uint64_t> walk(std::uint64_t virt) const;

	const Memory *memory_;
	std::uint64_t phys_base_ = 0;
	std::uint64_t image_size_ = 0;
	std::uint64_t root_ = 0;
	std::uint64_t encryption_mask_ = 0;
	int levels_ = 4;
	// The direct map of memory in use never changes its targets: pages seen once.
	mutable std::unordered_map<std::uint64_t, std::uint64_t> pages_;
};

} // namespace rf::inspect
