// SPDX-License-Identifier: GPL-2.0
// Reading a bzImage (Documentation/arch/x86/boot.rst).
//
// Nothing in the file is trusted: every offset is checked against the file
// before it is used, so that a truncated or foreign file ends in one clear line.
#include <algorithm>
#include <array>
#include <bit>
#include <cctype>

#include <asm/bootparam.h>
#include <elf.h>

#include "boot/bytes.hpp"
#include "boot/look_alike.hpp"

namespace rf::boot {
namespace {

constexpr std::size_t HEADER_OFFSET = offsetof(boot_params, hdr);
constexpr std::size_t SECTOR = 512;
constexpr unsigned DEFAULT_SETUP_SECTS = 4;
constexpr std::uint16_t BOOT_FLAG = 0xaa55;
constexpr std::uint32_t HEADER_MAGIC = 0x53726448;	// "HdrS"
constexpr std::uint16_t PROTOCOL_MIN = 0x020c;		// first with xloadflags
constexpr std::uint64_t KERNEL_SIZE_MAX = GIB;		// KERNEL_IMAGE_SIZE
constexpr std::size_t SIZE_TRAILER = 4;
// Kernels shrink to a tenth at best. A file that promises more is made to exhaust memory.
constexpr std::uint64_t EXPANSION_MAX = 64;
constexpr std::uint64_t EXPANSION_FREE = 16 * MIB;
constexpr std::size_t VERSION_MAX = 64;			// __NEW_UTS_LEN

const char *const WANTED = "; an x86-64 bzImage such as /boot/vmlinuz-* is needed";

const char *machine_name(std::uint16_t machine)
{
	switch (machine) {
	case EM_386: return "i386";
	case EM_X86_64: return "x86-64";
	case EM_ARM: return "arm";
	case EM_AARCH64: return "arm64";
	case EM_PPC64: return "ppc64";
	case EM_S390: return "s390";
	case EM_RISCV: return "riscv";
	default: return "another machine";
	}
}

bool starts_with(View bytes, std::string_view magic)
{
	return bytes.size() >= magic.size() &&
	       std::memcmp(bytes.data(), magic.data(), magic.size()) == 0;
}

bool looks_like_text(View file)
{
	auto head = file.first(std::min<std::size_t>(file.size(), SECTOR));
	return std::ranges::all_of(head, [](std::byte b) {
		auto c = std::to_integer<unsigned char>(b);
		return std::isprint(c) || std::isspace(c) || c >= 0x80;
	});
}

void refuse_other_files(View file)
{
	if (file.empty())
		throw Error(std::string("the file is empty") + WANTED);
	if (const auto other = look_alike(file))
		throw Error(*other);
	if (starts_with(file, ELFMAG)) {
		std::string machine = "truncated";
		if (file.size() >= sizeof(Elf64_Ehdr))
			machine = machine_name(load<Elf64_Ehdr>(file, 0).e_machine);
		throw Error("an ELF file (" + machine + ")" + WANTED);
	}
	if (looks_like_text(file))
		throw Error(std::string("a text file") + WANTED);
}

setup_header read_header(View file)
{
	if (!fits(HEADER_OFFSET, sizeof(setup_header), file.size()))
		throw Error("truncated: " + human(file.size()) + ", the setup header ends at " +
			    human(HEADER_OFFSET + sizeof(setup_header)) + WANTED);
	auto header = load<setup_header>(file, HEADER_OFFSET);
	if (header.boot_flag != BOOT_FLAG || header.header != HEADER_MAGIC)
		throw Error(std::string("no Linux boot signature") + WANTED);
	return header;
}

void check_kind(const setup_header &header)
{
	if (header.version < PROTOCOL_MIN)
		throw Error("boot protocol " + hex(header.version) + "; " + hex(PROTOCOL_MIN) +
			    " (Linux 3.8) or later is needed, and iPXE's ipxe.lkrn, for example, has "
			    "an earlier one and is no Linux kernel");
	if (!(header.loadflags & LOADED_HIGH))
		throw Error("loadflags " + hex(header.loadflags) + ": a zImage" + WANTED);
	if (!(header.xloadflags & XLF_KERNEL_64))
		throw Error("xloadflags " + hex(header.xloadflags) +
			    ": a 32-bit kernel, such as Debian's 686" + WANTED);
	if (!(header.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G) || !header.relocatable_kernel)
		throw Error("xloadflags " + hex(header.xloadflags) + ": a kernel that cannot be " +
			    "loaded anywhere; CONFIG_RELOCATABLE=y is needed");
	if (!std::has_single_bit(header.kernel_alignment) ||
	    header.kernel_alignment < LARGE_PAGE || header.kernel_alignment > GIB)
		throw Error("kernel_alignment " + hex(header.kernel_alignment) +
			    "; a power of two from 2 MiB to 1 GiB is needed");
	if (header.init_size == 0 || header.init_size > KERNEL_SIZE_MAX)
		throw Error("init_size " + hex(header.init_size) + "; at most 1 GiB is possible");
	if (header.pref_address % LARGE_PAGE != 0)
		throw Error("pref_address " + hex(header.pref_address) +
			    "; a multiple of 2 MiB is needed");
}

View read_protected_mode(View file, const setup_header &header)
{
	unsigned sects = header.setup_sects ? header.setup_sects : DEFAULT_SETUP_SECTS;
	std::size_t offset = (sects + 1) * SECTOR;
	std::size_t size = std::size_t{header.syssize} * 16;

	// A signature may follow; anything less than syssize is a torn copy.
	if (size == 0 || !fits(offset, size, file.size()))
		throw Error("truncated: " + human(file.size()) + ", the header promises " +
			    human(offset + size) + "; the whole bzImage is needed");
	return file.subspan(offset, size);
}

std::string read_version(View file, const setup_header &header, std::size_t setup_size)
{
	if (header.kernel_version == 0)
		throw Error("the header names no kernel version (kernel_version is 0)");
	std::size_t offset = std::size_t{header.kernel_version} + SECTOR;
	std::string version;

	for (; offset < setup_size; offset++) {
		char c = std::to_integer<char>(file[offset]);
		if (c == '\0' || c == ' ')
			break;
		// It becomes part of the names of files.
		if (!std::isprint(static_cast<unsigned char>(c)) || c == '/')
			throw Error("the kernel version at " + hex(offset) +
				    " is not what 'uname -r' prints");
		version += c;
		if (version.size() > VERSION_MAX)
			throw Error("the kernel version '" + version + "...' has more than " +
				    std::to_string(VERSION_MAX) + " letters");
	}
	if (offset >= setup_size || version.empty())
		throw Error("kernel_version " + hex(header.kernel_version) +
			    " points at no version string");
	return version;
}

Compression detect(View payload)
{
	using namespace std::string_view_literals;
	static constexpr std::array<std::pair<std::string_view, Compression>, 5> MAGICS = {{
		{"\x1f\x8b"sv, Compression::gzip},
		{"\xfd"
		 "7zXZ\0"sv, Compression::xz},
		{"\x02\x21\x4c\x18"sv, Compression::lz4},
		{"\x28\xb5\x2f\xfd"sv, Compression::zstd},
		{"\x7f"
		 "ELF"sv, Compression::none},
	}};
	for (const auto &[magic, kind] : MAGICS)
		if (starts_with(payload, magic))
			return kind;
	return Compression::other;
}

void read_payload(Kernel &kernel, const setup_header &header)
{
	const View code = kernel.protected_mode;

	if (header.payload_length <= SIZE_TRAILER ||
	    !fits(header.payload_offset, header.payload_length, code.size()))
		throw Error("payload_offset " + hex(header.payload_offset) + ", payload_length " +
			    hex(header.payload_length) + ": outside the kernel's " +
			    hex(code.size()) + " bytes");
	View payload = code.subspan(header.payload_offset, header.payload_length);

	kernel.compression = detect(payload);
	kernel.payload_raw_size = load<std::uint32_t>(payload, payload.size() - SIZE_TRAILER);
	// gzip ends in the size by itself: there the trailer is part of the stream.
	if (kernel.compression != Compression::gzip)
		payload = payload.first(payload.size() - SIZE_TRAILER);
	kernel.payload = payload;

	// The decompressor works in place, in init_size bytes.
	if (kernel.payload_raw_size == 0 || kernel.payload_raw_size > kernel.init_size)
		throw Error("uncompressed size " + hex(kernel.payload_raw_size) +
			    "; from 1 byte to init_size " + hex(kernel.init_size) +
			    " is possible");
	if (kernel.payload_raw_size > EXPANSION_FREE &&
	    kernel.payload_raw_size / EXPANSION_MAX > payload.size())
		throw Error("uncompressed size " + hex(kernel.payload_raw_size) + " from " +
			    hex(payload.size()) + " bytes; at most " +
			    std::to_string(EXPANSION_MAX) + " times as much is possible");
}

} // namespace

Kernel parse_bzimage(View file)
{
	refuse_other_files(file);
	const setup_header header = read_header(file);
	check_kind(header);

	Kernel kernel;
	kernel.file = file;
	kernel.protocol = header.version;
	kernel.xloadflags = header.xloadflags;
	kernel.init_size = header.init_size;
	kernel.alignment = header.kernel_alignment;
	kernel.pref_address = header.pref_address;
	kernel.protected_mode = read_protected_mode(file, header);
	auto setup_size = static_cast<std::size_t>(kernel.protected_mode.data() - file.data());
	kernel.version = read_version(file, header, setup_size);
	read_payload(kernel, header);
	return kernel;
}

} // namespace rf::boot
