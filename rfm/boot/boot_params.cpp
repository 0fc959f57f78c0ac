// SPDX-License-Identifier: GPL-2.0
// Documentation/arch/x86/boot.rst and zero-page.rst.
//
// What is not set here stays zero on purpose; above all screen_info, so that the
// kernel takes its dummy console and leaves VGA alone, and efi_info.
#include "boot/boot_params.hpp"

#include <algorithm>

#include "boot/bytes.hpp"
#include "wire/layout.h"

namespace rf::boot {
namespace {

constexpr std::uint32_t RAM = 1, RESERVED = 2, ACPI = 3;	// E820_TYPE_*
constexpr std::uint8_t LOADER_UNDEFINED = 0xff;
constexpr std::uint16_t VIDEO_MODE_NORMAL = 0xffff;

constexpr std::uint32_t low(std::uint64_t value)
{
	return static_cast<std::uint32_t>(value);
}

constexpr std::uint32_t high(std::uint64_t value)
{
	return static_cast<std::uint32_t>(value >> 32);
}

// The header ends where its jump instruction says; what lies behind belongs to
// the image's setup code.
void copy_setup_header(const Kernel &kernel, boot_params &params)
{
	constexpr std::size_t start = offsetof(boot_params, hdr);
	constexpr std::size_t limit = offsetof(boot_params, edd_mbr_sig_buffer);
	std::size_t end = 0x202 + load<std::uint8_t>(kernel.file, 0x201);

	end = std::clamp(end, start, std::min(limit, kernel.file.size()));
	std::memcpy(reinterpret_cast<std::byte *>(&params) + start, kernel.file.data() + start,
		    end - start);
}

} // namespace

std::vector<boot_e820_entry> e820_map(const Grant &grant)
{
	const rf_range &boot = grant.ranges.front();
	const std::uint64_t acpi = boot.start + RF_ACPI_OFF;
	const std::uint64_t rest = boot.start + RF_BOOT_AREA_SIZE;

	std::vector<boot_e820_entry> map = {
		{grant.low_slice, RF_LOW_RAM_OFF, RESERVED},
		{grant.low_slice + RF_LOW_RAM_OFF, RF_LOW_SLICE_SIZE - RF_LOW_RAM_OFF, RAM},
		{boot.start, RF_ACPI_OFF, RESERVED},
		{acpi, RF_ACPI_SIZE, ACPI},
		{acpi + RF_ACPI_SIZE, rest - acpi - RF_ACPI_SIZE, RESERVED},
		{rest, boot.start + boot.size - rest, RAM},
	};
	for (const auto &range : std::span(grant.ranges).subspan(1))
		map.push_back({range.start, range.size, RAM});
	return map;
}

boot_params make_boot_params(const Kernel &kernel, const Grant &grant, const ZeroPage &zero_page)
{
	boot_params params{};
	setup_header &header = params.hdr;

	copy_setup_header(kernel, params);
	header.type_of_loader = LOADER_UNDEFINED;
	header.loadflags |= LOADED_HIGH;
	header.loadflags &= static_cast<std::uint8_t>(~(KASLR_FLAG | KEEP_SEGMENTS));
	if (zero_page.kaslr)
		header.loadflags |= KASLR_FLAG;
	header.vid_mode = VIDEO_MODE_NORMAL;
	header.code32_start = low(zero_page.kernel);
	header.setup_data = 0;
	header.cmd_line_ptr = low(zero_page.cmdline);
	params.ext_cmd_line_ptr = high(zero_page.cmdline);
	header.ramdisk_image = low(zero_page.initrd);
	params.ext_ramdisk_image = high(zero_page.initrd);
	header.ramdisk_size = low(zero_page.initrd_size);
	params.ext_ramdisk_size = high(zero_page.initrd_size);
	params.acpi_rsdp_addr = zero_page.rsdp;

	const auto map = e820_map(grant);
	std::ranges::copy(map, params.e820_table);
	params.e820_entries = static_cast<std::uint8_t>(map.size());
	return params;
}

static_assert(6 + RF_RANGES_MAX <= E820_MAX_ENTRIES_ZEROPAGE);

} // namespace rf::boot
