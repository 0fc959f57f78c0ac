// SPDX-License-Identifier: GPL-2.0
#include "paging.hpp"

#include <algorithm>

namespace rf::inspect {

namespace {

// Documentation/arch/x86/x86_64/mm.rst: kernel text mapping, physical 0 (before
// phys_base) at this address.
constexpr std::uint64_t text_map = 0xffffffff80000000;
// CONFIG_RANDOMIZE_BASE kernels may use 1 GiB for their image, others 512 MiB.
constexpr std::uint64_t image_size_default = 1ull << 30;

constexpr std::uint64_t present = 1u << 0;
constexpr std::uint64_t large = 1u << 7;
constexpr std::uint64_t frame_mask = 0x000ffffffffff000;
constexpr std::uint64_t page_size = 4096;

} // namespace

std::optional<AddressSpace> AddressSpace::of(const Memory &memory, const Vmcoreinfo &info)
{
	const auto phys_base = info.number("phys_base");
	const auto root = info.symbol("swapper_pg_dir");

	if (!phys_base || !root)
		return std::nullopt;
	AddressSpace space(memory);
	// Signed in the note, since the kernel may lie below its link address.
	space.phys_base_ = static_cast<std::uint64_t>(*phys_base);
	space.image_size_ = static_cast<std::uint64_t>(
		info.number("KERNEL_IMAGE_SIZE").value_or(image_size_default));
	space.encryption_mask_ = static_cast<std::uint64_t>(info.number("sme_mask").value_or(0));
	space.levels_ = info.number("pgtable_l5_enabled").value_or(0) == 1 ? 5 : 4;
	if (*root < text_map || *root - text_map >= space.image_size_)
		return std::nullopt;
	space.root_ = *root - text_map + space.phys_base_;
	return space;
}

std::optional<std::uint64_t> AddressSpace::translate(std::uint64_t virt) const
{
	// The kernel's own image: right even when its page tables are destroyed.
	if (virt >= text_map && virt - text_map < image_size_)
		return virt - text_map + phys_base_;
	const std::uint64_t page = virt & ~(page_size - 1);
	if (const auto known = pages_.find(page); known != pages_.end())
		return known->second + (virt - page);
	const auto phys = walk(page);
	if (!phys)
		return std::nullopt;
	pages_.emplace(page, *phys);
	return *phys + (virt - page);
}

std::optional<std::uint64_t> AddressSpace::walk(std::uint64_t virt) const
{
	std::uint64_t table = root_;

	// Bounded by the number of levels, whatever the tables say.
	for (int level = levels_; level >= 1; level--) {
		const int shift = 12 + 9 * (level - 1);
		const std::uint64_t index = (virt >> shift) & 0x1ff;
		std::uint64_t entry = 0;

		if (!memory_->read(table + index * sizeof(entry),
				   std::as_writable_bytes(std::span(&entry, 1))))
			return std::nullopt;
		entry &= ~encryption_mask_;
		if (!(entry & present))
			return std::nullopt;
		const std::uint64_t frame = entry & frame_mask;
		if (level == 1 || (level <= 3 && (entry & large))) {
			const std::uint64_t within = (1ull << shift) - 1;
			return (frame & ~within) | (virt & within);
		}
		table = frame;
	}
	return std::nullopt;
}

bool AddressSpace::read(std::uint64_t virt, std::span<std::byte> into) const
{
	while (!into.empty()) {
		const auto phys = translate(virt);
		const std::size_t step =
			std::min<std::uint64_t>(into.size(), page_size - virt % page_size);

		if (!phys || !memory_->read(*phys, into.first(step)))
			return false;
		virt += step;
		into = into.subspan(step);
	}
	return true;
}

} // namespace rf::inspect
