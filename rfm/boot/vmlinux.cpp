// SPDX-License-Identifier: GPL-2.0
// What the kernel's own decompressor does after unpacking
// (arch/x86/boot/compressed/misc.c: parse_elf, handle_relocations).
#include "boot/vmlinux.hpp"

#include <algorithm>
#include <array>

#include <elf.h>

#include "boot/bytes.hpp"

namespace rf::boot {
namespace {

constexpr std::uint64_t START_KERNEL_MAP = 0xffffffff80000000;	// __START_KERNEL_map
constexpr std::uint64_t KERNEL_SIZE_MAX = GIB;			// KERNEL_IMAGE_SIZE
constexpr std::size_t WORD = sizeof(std::uint32_t);
// Kernels have four or five, and gaps between them that are smaller than a large page.
constexpr std::size_t LOADS_MAX = 16;
constexpr std::size_t RELOCATION_LISTS_MAX = 3;

Elf64_Ehdr read_ehdr(View file)
{
	if (file.size() < sizeof(Elf64_Ehdr) || std::memcmp(file.data(), ELFMAG, SELFMAG) != 0)
		throw Error("the kernel's payload is not an ELF file");
	auto ehdr = load<Elf64_Ehdr>(file, 0);
	if (ehdr.e_ident[EI_CLASS] != ELFCLASS64 || ehdr.e_machine != EM_X86_64)
		throw Error("the kernel's payload is an ELF file for machine " +
			    std::to_string(ehdr.e_machine) + "; x86-64 (62) is needed");
	if (ehdr.e_phentsize != sizeof(Elf64_Phdr) || ehdr.e_phnum == 0)
		throw Error("the kernel's payload has no usable program headers");
	return ehdr;
}

std::vector<Elf64_Phdr> read_loads(View file, const Elf64_Ehdr &ehdr)
{
	std::vector<Elf64_Phdr> loads;

	for (std::size_t i = 0; i < ehdr.e_phnum; i++) {
		if (!fits(ehdr.e_phoff, (i + 1) * sizeof(Elf64_Phdr), file.size()))
			throw Error("the kernel's program headers lie outside the file");
		auto phdr = load<Elf64_Phdr>(file, ehdr.e_phoff + i * sizeof(Elf64_Phdr));
		if (phdr.p_type != PT_LOAD)
			continue;
		if (!fits(phdr.p_offset, phdr.p_filesz, file.size()) ||
		    phdr.p_filesz > phdr.p_memsz || phdr.p_memsz > KERNEL_SIZE_MAX)
			throw Error("the kernel's segment at " + hex(phdr.p_paddr) +
				    " lies outside the file");
		if (loads.size() == LOADS_MAX)
			throw Error("the kernel has more than " + std::to_string(LOADS_MAX) +
				    " segments");
		loads.push_back(phdr);
	}
	if (loads.empty())
		throw Error("the kernel has nothing to load");
	std::ranges::sort(loads, {}, &Elf64_Phdr::p_paddr);
	return loads;
}

void add_loads(Vmlinux &vmlinux, View file, const std::vector<Elf64_Phdr> &phdrs)
{
	for (const auto &phdr : phdrs) {
		std::uint64_t place = phdr.p_paddr - vmlinux.link_base;
		if (place < vmlinux.memory || !fits(place, phdr.p_memsz, KERNEL_SIZE_MAX))
			throw Error("the kernel's segment at " + hex(phdr.p_paddr) +
				    " overlaps another or is too far away");
		vmlinux.loads.push_back({place, file.subspan(phdr.p_offset, phdr.p_filesz)});
		vmlinux.memory = place + phdr.p_memsz;
	}
	// A small file must not become a large image, most of it gaps.
	const auto &last = vmlinux.loads.back();
	const std::uint64_t image = last.place + last.bytes.size();
	if (image > file.size() + vmlinux.loads.size() * LARGE_PAGE)
		throw Error("the kernel's file of " + human(file.size()) + " takes " + human(image) +
			    " of memory: its segments are too far from each other");
}

// Where the ELF file ends and the relocations begin: objcopy writes the section
// headers last.
std::uint64_t elf_end(const Elf64_Ehdr &ehdr, const std::vector<Elf64_Phdr> &phdrs)
{
	std::uint64_t end = 0;

	for (const auto &phdr : phdrs)
		end = std::max(end, phdr.p_offset + phdr.p_filesz);
	return std::max(end, ehdr.e_shoff + std::uint64_t{ehdr.e_shnum} * ehdr.e_shentsize);
}

// The appended words, each list headed by a zero, in this order: 64-bit,
// inverse 32-bit (gone from 6.15 on), 32-bit.
std::optional<Relocations> split_relocations(View words)
{
	std::vector<View> lists;	// last list first
	std::size_t end = words.size();

	if (words.size() % WORD != 0)
		return std::nullopt;
	for (std::size_t pos = words.size(); pos > 0; pos -= WORD) {
		if (load<std::uint32_t>(words, pos - WORD) != 0)
			continue;
		// Each zero heads a list: a file of zeros would have millions.
		if (lists.size() == RELOCATION_LISTS_MAX)
			return std::nullopt;
		lists.push_back(words.subspan(pos, end - pos));
		end = pos - WORD;
	}
	if (end != 0)
		return std::nullopt;
	switch (lists.size()) {
	case 0: return Relocations{};
	case 2: return Relocations{lists[1], {}, lists[0]};
	case 3: return Relocations{lists[2], lists[1], lists[0]};
	default: return std::nullopt;
	}
}

// A kernel's file holds its .bss: about a third of all, and whole pages of zeros.
View without_trailing_zeros(View bytes)
{
	static constexpr std::array<std::byte, PAGE> zeros{};

	while (bytes.size() >= PAGE &&
	       std::memcmp(bytes.last(PAGE).data(), zeros.data(), PAGE) == 0)
		bytes = bytes.first(bytes.size() - PAGE);
	return bytes;
}

// Applies apply(value) to every place in the list.
template <typename T, typename Apply>
void for_each_place(const Vmlinux &vmlinux, Bytes &image, View list, Apply apply)
{
	const std::uint64_t base = START_KERNEL_MAP + vmlinux.link_base;
	const std::uint64_t size = vmlinux.loads.back().place + vmlinux.loads.back().bytes.size();

	for (std::size_t pos = 0; pos < list.size(); pos += WORD) {
		std::int32_t address;
		std::memcpy(&address, list.data() + pos, WORD);
		std::uint64_t place = static_cast<std::uint64_t>(std::int64_t{address}) - base;
		if (!fits(place, sizeof(T), size))
			throw Error("the kernel's relocation at " +
				    hex(static_cast<std::uint32_t>(address)) +
				    " lies outside the kernel");
		if (place + sizeof(T) > image.size())
			image.resize(place + sizeof(T));
		T value;
		std::memcpy(&value, image.data() + place, sizeof(T));
		value = apply(value);
		std::memcpy(image.data() + place, &value, sizeof(T));
	}
}

} // namespace

Vmlinux parse_vmlinux(View file)
{
	const Elf64_Ehdr ehdr = read_ehdr(file);
	const auto phdrs = read_loads(file, ehdr);
	const std::uint64_t end = elf_end(ehdr, phdrs);

	Vmlinux vmlinux;
	vmlinux.link_base = phdrs.front().p_paddr;
	if (vmlinux.link_base % LARGE_PAGE != 0 || vmlinux.link_base >= KERNEL_SIZE_MAX)
		throw Error("the kernel is linked at " + hex(vmlinux.link_base) +
			    "; a multiple of 2 MiB below 1 GiB is needed");
	add_loads(vmlinux, file, phdrs);
	vmlinux.entry = ehdr.e_entry - vmlinux.link_base;
	if (vmlinux.entry >= vmlinux.memory)
		throw Error("the kernel's entry " + hex(ehdr.e_entry) + " lies outside of it");
	if (end <= file.size())
		vmlinux.relocations = split_relocations(file.subspan(end));
	return vmlinux;
}

Bytes place(const Vmlinux &vmlinux, std::uint64_t offset)
{
	const auto &last = vmlinux.loads.back();
	const View last_bytes = without_trailing_zeros(last.bytes);
	Bytes image;

	image.reserve(last.place + last_bytes.size());
	for (const auto &part : vmlinux.loads) {
		image.resize(part.place);
		append(image, &part == &last ? last_bytes : part.bytes);
	}
	if (offset == 0)
		return image;

	const Relocations &lists = vmlinux.relocations.value();
	auto delta32 = static_cast<std::uint32_t>(offset);
	for_each_place<std::uint32_t>(vmlinux, image, lists.absolute32,
				      [=](std::uint32_t v) { return v + delta32; });
	for_each_place<std::uint32_t>(vmlinux, image, lists.inverse32,
				      [=](std::uint32_t v) { return v - delta32; });
	for_each_place<std::uint64_t>(vmlinux, image, lists.absolute64,
				      [=](std::uint64_t v) { return v + offset; });
	return image;
}

} // namespace rf::boot
