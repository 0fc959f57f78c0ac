// SPDX-License-Identifier: GPL-2.0
// The boot-image builder: what a subOS finds in its memory when its boot core
// starts. A library without I/O: bytes in, segments out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "wire/handoff.h"

namespace rf::boot {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

// What the user gave is not usable. what() is one line that names the value and
// what would be accepted; the caller adds the file name in front of it.
struct Error : std::runtime_error {
	using std::runtime_error::runtime_error;
};

enum class Compression { none, gzip, xz, lz4, zstd, other };

// A checked view of a bzImage (Documentation/arch/x86/boot.rst). Keeps a view of
// the file: the file's bytes must outlive it.
struct Kernel {
	View file;
	std::string version;		// "6.1.0-56-amd64": first word of the version string
	std::uint16_t protocol = 0;	// boot protocol, e.g. 0x020f
	std::uint16_t xloadflags = 0;
	std::uint32_t init_size = 0;
	std::uint32_t alignment = 0;	// kernel_alignment
	std::uint64_t pref_address = 0;
	View protected_mode;		// from (setup_sects + 1) * 512 on
	View payload;			// compressed vmlinux (with relocations), without the size trailer
	std::uint32_t payload_raw_size = 0;
	Compression compression = Compression::other;
};

// Throws Error for anything that is not a whole 64-bit x86 bzImage (missing
// signature, truncated, text, an ELF, 32-bit only, protocol below 2.12).
Kernel parse_bzimage(View file);

// Decompresses the payload: an ELF vmlinux followed by the relocations that the
// kernel build appended. Throws Error on corrupt data.
Bytes decompress(const Kernel &kernel);

// What the machine and the supervisor grant.
struct Grant {
	std::string name;
	std::uint32_t id = 0;
	std::vector<rf_range> ranges;		// boot range first
	std::vector<std::uint32_t> apic_ids;	// boot core first
	// All other cores of the machine: known to its kernel, so that they can be given later.
	std::vector<std::uint32_t> other_apic_ids;
	std::uint64_t low_slice = 0;
	std::uint32_t bsp_apic_id = 0;		// the machine's real BSP
	std::uint32_t tsc_khz = 0;
	bool la57 = false;			// processor has 5-level paging
	bool feedback = false;			// and tells the kernel how fast its cores are (HFI)
};

struct Uart {
	std::string name;	// "ttyS1"
	std::uint16_t port;	// 0x2f8
};

struct Options {
	std::string append;			// user's words, see boot/words.hpp
	std::optional<Uart> uart;		// the UART this subOS owns
	unsigned hz = 0;			// CONFIG_HZ of the subOS's kernel, 0 if unknown (no lpj=)
	bool agent = true;			// start through the first stage
	bool console = true;			// with the agent: a console in shared memory
	bool allow_direct = true;		// enter the uncompressed kernel directly if possible
	bool check_append = true;		// false: append comes last, as it is, whatever it does
	bool stored = false;			// append was let pass once: refused words are left out
};

// Pieces of the initrd. user may be empty. The others are ignored (and may be
// empty) without Options::agent.
struct Initrd {
	View first_stage;	// static executable, becomes /rf/init
	View ficm;		// rf_ficm.ko, which the agent needs, becomes /rf/rf_ficm.ko
	View agent;		// rf_subos.ko, becomes /rf/rf_subos.ko
	View user;		// the user's initrd, used untouched
};

struct Segment {
	std::uint64_t phys = 0;
	std::uint64_t memsz = 0;	// >= bytes().size(); the rest is zero
	Bytes owned;			// used if view is empty
	View view;			// bytes that live elsewhere (the user's initrd)
	View bytes() const { return view.empty() ? View(owned) : view; }
};

struct BootImage {
	std::vector<Segment> segments;
	std::uint64_t entry = 0;
	std::uint64_t page_table = 0;
	std::uint64_t boot_params = 0;
	bool la57 = false;		// page_table is a PML5 and the kernel expects 5 levels
	bool direct = false;		// enters the uncompressed kernel
	std::string cmdline;
	std::uint64_t kernel_phys = 0;	// where the kernel image was placed
	std::uint64_t kernel_virt = 0;	// direct: virtual address of _text's link base, after KASLR
};

// A source of random numbers: fills the span. rfm passes getrandom(2).
using Random = std::function<void(std::span<std::byte>)>;

// The smallest memory (bytes) in which this kernel and initrd can be loaded;
// what `rfm create` names when memory is too small. vmlinux may be empty.
std::uint64_t memory_needed(const Kernel &kernel, View vmlinux, const Initrd &initrd);

// Builds the whole image. vmlinux is what decompress() returned, or empty to
// enter through the bzImage. Throws Error if something does not fit (says what,
// how large it is, and how much memory would do) or the command line is too long.
BootImage build(const Kernel &kernel, View vmlinux, const Initrd &initrd,
		const Grant &grant, const Options &options, const Random &random);

// The parts, each testable alone.
std::string command_line(const Grant &grant, const Options &options);
Bytes acpi_tables(const Grant &grant, const std::optional<Uart> &uart, std::uint64_t base,
		  std::uint64_t mailbox, std::uint64_t handoff); // RSDP at offset 0
rf_handoff handoff(const Grant &grant, const Options &options);
Bytes cpio_archive(const Initrd &initrd);	// newc, padded to 4 bytes; without the user's part

} // namespace rf::boot
