// SPDX-License-Identifier: GPL-2.0
// The boot image as a whole (docs/boot-flow.md): where everything goes, and how
// the kernel is entered.
//
//   boot range  +0      boot area (wire/layout.h)
//               +2 MiB  ... kernel, at a random place ...
//               end     initrd: our first stage, then the user's, page aligned
//
// The uncompressed kernel is entered directly where that is possible; then this
// does what its decompressor would have done: KASLR, relocations, paging levels.
// Else the bzImage is entered, and its decompressor does it by itself.
#include <algorithm>

#include "boot/boot_params.hpp"
#include "boot/bytes.hpp"
#include "boot/cmdline.hpp"
#include "boot/kaslr.hpp"
#include "boot/page_tables.hpp"
#include "boot/vmlinux.hpp"
#include "wire/layout.h"

namespace rf::boot {
namespace {

constexpr std::uint64_t BZIMAGE_ENTRY_64 = 0x200;
constexpr std::uint64_t START_KERNEL_MAP = 0xffffffff80000000;

// What the kernel may write to before it knows its memory map: whole large
// pages, because that is how it maps itself.
std::uint64_t kernel_room(const Kernel &kernel, const std::optional<Vmlinux> &vmlinux)
{
	std::uint64_t size = std::max<std::uint64_t>(kernel.init_size, kernel.protected_mode.size());

	if (vmlinux)
		size = std::max(size, vmlinux->memory);
	return align_up(size, LARGE_PAGE);
}

std::optional<Vmlinux> parse_if_any(View vmlinux)
{
	if (vmlinux.empty())
		return std::nullopt;
	return parse_vmlinux(vmlinux);
}

// Memory for a boot range that begins at an odd multiple of 2 MiB, the worst case.
std::uint64_t total_room(const Kernel &kernel, std::uint64_t kernel_size, std::uint64_t initrd_size)
{
	const std::uint64_t slack = kernel.alignment - LARGE_PAGE;

	return align_up(RF_BOOT_AREA_SIZE + slack + kernel_size + align_up(initrd_size, PAGE),
			RF_EXTENT_SIZE);
}

class Builder {
public:
	Builder(const Kernel &kernel, View vmlinux, const Grant &grant, const Options &options,
		const Random &random)
		: kernel_(kernel), grant_(grant), options_(options), random_(random),
		  handoff_(handoff(grant, options)), boot_(grant.ranges.front())
	{
		if (options.allow_direct)
			vmlinux_ = parse_if_any(vmlinux);
		image_.direct = vmlinux_ && vmlinux_->relocations;
		if (!image_.direct)
			vmlinux_.reset();
		image_.cmdline = command_line(grant, options);
		kaslr_ = !has_word(image_.cmdline, "nokaslr");
	}

	BootImage build(const Initrd &initrd)
	{
		place_initrd(initrd);
		place_kernel();
		add_boot_area();
		return std::move(image_);
	}

private:
	void add(std::uint64_t phys, Bytes bytes, std::uint64_t memsz = 0)
	{
		memsz = std::max<std::uint64_t>(memsz, bytes.size());
		image_.segments.push_back({phys, align_up(memsz, PAGE), std::move(bytes), {}});
	}

	// The user's bytes must follow ours without a gap: one initrd.
	void place_initrd(const Initrd &initrd)
	{
		Bytes own;
		if (options_.agent)
			own = cpio_archive(initrd);
		initrd_size_ = own.size() + initrd.user.size();
		check_room();
		const std::uint64_t end = boot_.start + boot_.size;
		initrd_ = align_down(end - initrd_size_, PAGE);

		const std::uint64_t user = initrd_ + own.size();
		const std::uint64_t own_size = own.size();
		if (own_size != 0)
			image_.segments.push_back({initrd_, own_size, std::move(own), {}});
		if (!initrd.user.empty())
			image_.segments.push_back({user, end - user, {}, initrd.user});
	}

	void check_room()
	{
		const std::uint64_t kernel = kernel_room(kernel_, vmlinux_);
		const std::uint64_t needed = total_room(kernel_, kernel, initrd_size_);

		if (boot_.start % LARGE_PAGE != 0)
			throw Error("the boot range begins at " + hex(boot_.start) +
				    "; a multiple of 2 MiB is needed");
		if (needed > boot_.size)
			throw Error("the kernel takes " + human(kernel) + ", the initrd " +
				    human(initrd_size_) + "; " + human(needed) +
				    " of memory in one piece would do, the partition has " +
				    human(boot_.size));
	}

	void place_kernel()
	{
		const std::uint64_t size = kernel_room(kernel_, vmlinux_);
		const std::uint64_t last = initrd_ - size;
		// Below its preferred address the decompressor would move the kernel
		// there, wherever that is.
		const std::uint64_t lowest = std::max<std::uint64_t>(
			boot_.start + RF_BOOT_AREA_SIZE, kernel_.pref_address);
		const std::uint64_t first = align_up(lowest, kernel_.alignment);
		if (lowest > initrd_ || last < first || last > initrd_)
			throw Error("the kernel takes " + human(size) + " above " +
				    hex(kernel_.pref_address) + "; the partition from " +
				    hex(boot_.start) +
				    " on, with the initrd in it, has no such room");

		image_.kernel_phys = first;
		if (image_.direct)
			enter_directly(size, last);
		else
			enter_bzimage();
		map_kernel(size);
	}

	void enter_bzimage()
	{
		image_.entry = image_.kernel_phys + BZIMAGE_ENTRY_64;
		image_.segments.push_back({image_.kernel_phys,
					   align_up(kernel_.protected_mode.size(), PAGE), {},
					   kernel_.protected_mode});
	}

	void enter_directly(std::uint64_t size, std::uint64_t last)
	{
		const std::uint64_t link_base = vmlinux_->link_base;
		std::uint64_t virt = link_base;

		if (size > KERNEL_IMAGE_SIZE - link_base)
			throw Error("the kernel takes " + human(size) + "; at most " +
				    human(KERNEL_IMAGE_SIZE - link_base) + " can be mapped");
		if (link_base % kernel_.alignment != 0)
			throw Error("the kernel is linked at " + hex(link_base) +
				    "; a multiple of its kernel_alignment " +
				    hex(kernel_.alignment) + " is needed");
		if (kaslr_) {
			image_.kernel_phys = random_slot(image_.kernel_phys, last,
							 kernel_.alignment, random_);
			// Without relocations the kernel was built to stay put.
			if (!vmlinux_->relocations->empty())
				virt = random_slot(link_base, KERNEL_IMAGE_SIZE - size,
						   kernel_.alignment, random_);
		}
		image_.kernel_virt = START_KERNEL_MAP + virt;
		image_.entry = image_.kernel_phys + vmlinux_->entry;
		add(image_.kernel_phys, rf::boot::place(*vmlinux_, virt - link_base), size);
	}

	// The decompressor switches to 5 levels by itself, and expects 4. The kernel
	// takes what it finds.
	void map_kernel(std::uint64_t size)
	{
		constexpr std::uint16_t la57 = XLF_5LEVEL | XLF_5LEVEL_ENABLED;

		image_.la57 = image_.direct && grant_.la57 &&
			      (kernel_.xloadflags & la57) == la57 &&
			      !has_word(image_.cmdline, "no5lvl");
		image_.page_table = boot_.start + RF_PAGE_TABLES_OFF;
		PageTables tables(image_.page_table, image_.la57 ? 5 : 4);
		tables.map(0, LARGE_PAGE);
		tables.map(boot_.start, RF_BOOT_AREA_SIZE);
		tables.map(image_.kernel_phys, size);
		add(image_.page_table, tables.bytes());
	}

	void add_boot_area()
	{
		ZeroPage zero_page;
		zero_page.cmdline = boot_.start + RF_CMDLINE_OFF;
		zero_page.rsdp = boot_.start + RF_ACPI_OFF;
		zero_page.initrd = initrd_size_ ? initrd_ : 0;
		zero_page.initrd_size = initrd_size_;
		zero_page.kernel = image_.kernel_phys;
		zero_page.kaslr = image_.direct && kaslr_;

		image_.boot_params = boot_.start + RF_BOOT_PARAMS_OFF;
		add(image_.boot_params, bytes_of(make_boot_params(kernel_, grant_, zero_page)));
		Bytes line;
		append(line, as_view(image_.cmdline));
		line.push_back(std::byte{0});
		add(zero_page.cmdline, std::move(line));
		const std::uint64_t handoff = boot_.start + RF_HANDOFF_OFF;
		add(handoff, bytes_of(handoff_));
		add(zero_page.rsdp, acpi_tables(grant_, options_.uart, zero_page.rsdp,
						boot_.start + RF_MAILBOX_OFF, handoff));
	}

	const Kernel &kernel_;
	const Grant &grant_;
	const Options &options_;
	const Random &random_;
	const rf_handoff handoff_;	// made first: it checks the grant
	const rf_range boot_;
	std::optional<Vmlinux> vmlinux_;
	bool kaslr_ = true;
	std::uint64_t initrd_ = 0;
	std::uint64_t initrd_size_ = 0;
	BootImage image_;
};

} // namespace

std::uint64_t memory_needed(const Kernel &kernel, View vmlinux, const Initrd &initrd)
{
	std::uint64_t size = initrd.user.size();

	if (!initrd.first_stage.empty())
		size += cpio_archive(initrd).size();
	return total_room(kernel, kernel_room(kernel, parse_if_any(vmlinux)), size);
}

BootImage build(const Kernel &kernel, View vmlinux, const Initrd &initrd, const Grant &grant,
		const Options &options, const Random &random)
{
	if (options.agent &&
	    (initrd.first_stage.empty() || initrd.ficm.empty() || initrd.agent.empty()))
		throw Error("the first stage or a module of the agent is empty");
	return Builder(kernel, vmlinux, grant, options, random).build(initrd);
}

} // namespace rf::boot
