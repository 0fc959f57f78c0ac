// SPDX-License-Identifier: GPL-2.0
// What lies in /boot beside kernels, begins like one, and is none. As with a bzImage, nothing in
// the file is trusted.
#include "boot/look_alike.hpp"

#include <algorithm>

#include <asm/bootparam.h>
#include <elf.h>
#include <zlib.h>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

constexpr std::size_t HEADER_OFFSET = offsetof(boot_params, hdr);
constexpr std::uint32_t HEADER_MAGIC = 0x53726448;	// "HdrS"
constexpr std::size_t MULTIBOOT_WITHIN = 8 * KIB;
constexpr std::uint32_t MULTIBOOT_MAGIC = 0x1badb002;
constexpr std::size_t HEAD = 32 * KIB;		// what is looked at of a compressed file

// PE: the offset of its header at 0x3c; then a COFF header, an optional one, and sections.
constexpr std::size_t PE_OFFSET = 0x3c, COFF_SIZE = 24, SECTION_SIZE = 40;
constexpr std::size_t SECTIONS_AT = 6, OPTIONAL_SIZE_AT = 20;
constexpr std::size_t SECTION_NAME = 8;

constexpr const char *BZIMAGE = "an x86-64 bzImage such as /boot/vmlinuz-*";

std::string not_this(std::string_view what)
{
	return std::string(what) + "; give " + BZIMAGE;
}

std::string an_initrd()
{
	return std::string("an initrd; give it with --initrd, and as kernel ") + BZIMAGE;
}

bool starts_with(View bytes, std::string_view magic)
{
	return bytes.size() >= magic.size() &&
	       std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

std::optional<setup_header> linux_header(View file)
{
	if (!fits(HEADER_OFFSET, sizeof(setup_header), file.size()))
		return std::nullopt;
	const auto header = load<setup_header>(file, HEADER_OFFSET);
	return header.header == HEADER_MAGIC ? std::optional(header) : std::nullopt;
}

// The multiboot header is somewhere in the first 8 KiB, at a multiple of 4, with a checksum.
bool is_multiboot(View file)
{
	const std::size_t end = std::min(file.size(), MULTIBOOT_WITHIN);

	for (std::size_t pos = 0; pos + 12 <= end; pos += 4)
		if (load<std::uint32_t>(file, pos) == MULTIBOOT_MAGIC &&
		    MULTIBOOT_MAGIC + load<std::uint32_t>(file, pos + 4) +
				    load<std::uint32_t>(file, pos + 8) ==
			    0)
			return true;
	return false;
}

// The first bytes of what is packed in it, as far as they can be unpacked.
Bytes head_of_gzip(View file)
{
	z_stream stream{};
	Bytes head(HEAD);

	if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK)
		return {};
	stream.next_in = reinterpret_cast<Bytef *>(const_cast<std::byte *>(file.data()));
	stream.avail_in = static_cast<uInt>(std::min<std::size_t>(file.size(), MIB));
	stream.next_out = reinterpret_cast<Bytef *>(head.data());
	stream.avail_out = static_cast<uInt>(head.size());
	inflate(&stream, Z_SYNC_FLUSH);
	head.resize(head.size() - stream.avail_out);
	inflateEnd(&stream);
	return head;
}

std::optional<std::string> in_gzip(View file)
{
	const Bytes head = head_of_gzip(file);

	if (linux_header(head))
		return std::string("a bzImage that was packed once more by gzip; unpack it with "
				   "'gunzip -c FILE >vmlinuz' and give that");
	if (is_multiboot(head))
		return not_this("a multiboot kernel such as Xen, packed by gzip");
	if (starts_with(head, "07070"))
		return an_initrd();
	return std::nullopt;
}

bool has_section(View file, std::size_t pe, std::string_view wanted)
{
	const std::size_t sections = load<std::uint16_t>(file, pe + SECTIONS_AT);
	std::size_t at = pe + COFF_SIZE + load<std::uint16_t>(file, pe + OPTIONAL_SIZE_AT);

	for (std::size_t i = 0; i < sections && fits(at, SECTION_SIZE, file.size()); i++) {
		const View name = file.subspan(at, SECTION_NAME);
		if (starts_with(name, wanted) && name[wanted.size()] == std::byte{0})
			return true;
		at += SECTION_SIZE;
	}
	return false;
}

std::optional<std::string> in_pe(View file)
{
	if (!fits(PE_OFFSET, sizeof(std::uint32_t), file.size()))
		return std::nullopt;
	const std::size_t pe = load<std::uint32_t>(file, PE_OFFSET);
	if (!fits(pe, COFF_SIZE, file.size()) || !starts_with(file.subspan(pe), {"PE\0\0", 4}))
		return std::nullopt;
	if (has_section(file, pe, ".linux"))
		return std::string("a unified kernel image (UKI); take the kernel out of it with "
				   "'objcopy -O binary --only-section=.linux FILE vmlinuz' and give "
				   "that");
	// A truncated kernel is one all the same.
	if (fits(HEADER_OFFSET, sizeof(setup_header), file.size()) && !linux_header(file))
		return not_this("an EFI program that is no Linux kernel, such as xen.efi or a boot "
				"loader");
	return std::nullopt;
}

} // namespace

std::optional<std::string> look_alike(View file)
{
	if (starts_with(file, "\x1f\x8b"))
		return in_gzip(file);
	if (starts_with(file, "07070"))
		return an_initrd();
	if (starts_with(file, ELFMAG) && is_multiboot(file))
		return not_this("a multiboot kernel such as Xen");
	if (starts_with(file, "MZ"))
		if (auto found = in_pe(file))
			return found;
	// What is loaded as Linux is need not be Linux.
	const auto header = linux_header(file);
	if (header && header->kernel_version == 0 && header->payload_length == 0)
		return not_this("a program with Linux's boot header and no kernel in it, such as "
				"memtest86+");
	return std::nullopt;
}

} // namespace rf::boot
