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

// The halves of the address space that are the kernel's.
constexpr std::uint64_t upper_half_4 = 0xffff800000000000;
constexpr std::uint64_t upper_half_5 = 0xff00000000000000;

constexpr std::uint64_t large = 1u << 7;
constexpr std::uint64_t frame_mask = 0x000ffffffffff000;
constexpr std::uint64_t page_size = 4096;
// Pages that are remembered: more than a walk through a log needs at a time.
constexpr std::size_t pages_most = 4096;

// The lowest bit of an address that selects an entry at this level, 1 to 5.
constexpr int shift_of(int level)
{
	return 12 + 9 * (level - 1);
}

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
	space.image_size_ = std::min(static_cast<std::uint64_t>(info.number("KERNEL_IMAGE_SIZE")
									.value_or(image_size_default)),
				     -text_map);
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
	if (pages_.size() >= pages_most)
		pages_.clear();
	pages_.emplace(page, *phys);
	return *phys + (virt - page);
}

AddressSpace::Step AddressSpace::descend(std::uint64_t virt, int lowest) const
{
	std::uint64_t table = root_;
	Step step{levels_};

	// Bounded by the number of levels, whatever the tables say.
	for (;; step.level--) {
		const std::uint64_t index = (virt >> shift_of(step.level)) & 0x1ff;

		step.entry = 0;
		if (!memory_->read(table + index * sizeof(step.entry),
				   std::as_writable_bytes(std::span(&step.entry, 1))))
			step.entry = 0;
		step.entry &= ~encryption_mask_;
		if (!step.is_present() || step.level == lowest ||
		    (step.level <= 3 && (step.entry & large)))
			return step;
		table = step.entry & frame_mask;
	}
}

std::optional<std::uint64_t> AddressSpace::walk(std::uint64_t virt) const
{
	const Step step = descend(virt, 1);
	const std::uint64_t within = (1ull << shift_of(step.level)) - 1;

	if (!step.is_present())
		return std::nullopt;
	return (step.entry & frame_mask & ~within) | (virt & within);
}

std::optional<std::uint64_t> AddressSpace::direct_map(std::uint64_t known) const
{
	constexpr std::uint64_t slot = 1ull << 30;
	// All slots that four levels have; hostile tables of five could show far more.
	constexpr int looks_most = 256 * 512;
	std::uint64_t virt = levels_ == 5 ? upper_half_5 : upper_half_4;

	// Wherever the kernel put it, it starts at a multiple of 1 GiB (kaslr_memory),
	// and below all else that could map these addresses.
	for (int looks = 0; looks < looks_most && virt < text_map; looks++) {
		const Step step = descend(virt, 3);
		if (step.is_present()) {
			const std::uint64_t base = virt - (known & ~(slot - 1));
			if (walk(base + known) == known && walk(base + root_) == root_)
				return base;
		}
		const std::uint64_t span = step.is_present() ? slot : 1ull << shift_of(step.level);
		virt = (virt | (span - 1)) + 1;
	}
	return std::nullopt;
}

std::optional<KernelImage> AddressSpace::kernel_image(const Vmcoreinfo &info) const
{
	constexpr std::uint64_t large_page = 1ull << 21;
	const auto code = info.symbol("_stext");

	if (!code || *code < text_map || *code - text_map >= image_size_)
		return std::nullopt;
	const std::uint64_t virt = *code & ~(large_page - 1);
	const std::uint64_t most = text_map + image_size_ - virt;
	KernelImage image{virt, virt - text_map + phys_base_, 0};
	// There are holes in it where the kernel freed what only its start needed.
	for (std::uint64_t at = 0; at < most; at += large_page)
		if (descend(virt + at, 2).is_present())
			image.size = at + large_page;
	if (image.size == 0)
		image.size = most;
	return image;
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
