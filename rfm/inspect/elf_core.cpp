// SPDX-License-Identifier: GPL-2.0
#include "elf_core.hpp"

#include <algorithm>

#include <elf.h>
#include <sys/procfs.h>

namespace rf::inspect {

namespace {

constexpr std::uint64_t page_size = 4096;

std::uint64_t page_up(std::uint64_t bytes)
{
	return (bytes + page_size - 1) & ~(page_size - 1);
}

template <typename Value> void append(std::vector<std::byte> &out, const Value &value)
{
	const auto bytes = std::as_bytes(std::span(&value, 1));
	out.insert(out.end(), bytes.begin(), bytes.end());
}

void pad(std::vector<std::byte> &out)
{
	out.resize((out.size() + 3) & ~std::size_t{3});
}

// Registers are only kept for a crash kernel: they are 0, and tools find the stacks by
// the tasks. A thread for each core is what they expect; its id must not be 0 for gdb.
std::vector<std::byte> make_notes(const CoreContents &contents)
{
	constexpr char name[8] = "CORE";
	std::vector<std::byte> notes;

	for (unsigned core = 0; core < contents.cores; core++) {
		elf_prstatus status{};
		status.pr_pid = static_cast<pid_t>(core + 1);
		append(notes, Elf64_Nhdr{5, sizeof(status), NT_PRSTATUS});
		append(notes, name);
		append(notes, status);
		pad(notes);
	}
	notes.insert(notes.end(), contents.vmcoreinfo.begin(), contents.vmcoreinfo.end());
	pad(notes);
	return notes;
}

Elf64_Ehdr make_header(std::size_t segments)
{
	Elf64_Ehdr header{};

	std::copy_n(ELFMAG, SELFMAG, header.e_ident);
	header.e_ident[EI_CLASS] = ELFCLASS64;
	header.e_ident[EI_DATA] = ELFDATA2LSB;
	header.e_ident[EI_VERSION] = EV_CURRENT;
	header.e_type = ET_CORE;
	header.e_machine = EM_X86_64;
	header.e_version = EV_CURRENT;
	header.e_phoff = sizeof(header);
	header.e_ehsize = sizeof(header);
	header.e_phentsize = sizeof(Elf64_Phdr);
	header.e_phnum = static_cast<Elf64_Half>(segments);
	return header;
}

Elf64_Phdr make_load(std::uint64_t offset, std::uint64_t virt, std::uint64_t phys,
		     std::uint64_t size)
{
	return {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = offset,
		.p_vaddr = virt,
		.p_paddr = phys,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = 0};
}

// The part of the image that lies in the range where it starts: the bytes of the file
// are shared with the segment of that range.
std::optional<Elf64_Phdr> make_image_load(const KernelImage &image,
					  const std::vector<CorePart> &parts)
{
	for (const CorePart &part : parts) {
		if (image.phys < part.memory.start ||
		    image.phys - part.memory.start >= part.memory.size)
			continue;
		const std::uint64_t within = image.phys - part.memory.start;
		return make_load(part.offset + within, image.virt, image.phys,
				 std::min(image.size, part.memory.size - within));
	}
	return std::nullopt;
}

} // namespace

CoreFile lay_out_core(const CoreContents &contents)
{
	const std::vector<std::byte> notes = make_notes(contents);
	std::vector<Range> ranges = contents.ranges;
	std::vector<Elf64_Phdr> segments(1);
	CoreFile file;

	std::sort(ranges.begin(), ranges.end(),
		  [](const Range &a, const Range &b) { return a.start < b.start; });
	const std::size_t notes_at =
		sizeof(Elf64_Ehdr) + (ranges.size() + 2) * sizeof(Elf64_Phdr);
	file.size = page_up(notes_at + notes.size());
	for (const Range &range : ranges) {
		file.parts.push_back({range, file.size});
		file.size += page_up(range.size);
	}

	segments[0] = {.p_type = PT_NOTE,
		       .p_offset = notes_at,
		       .p_filesz = notes.size(),
		       .p_memsz = notes.size()};
	// The image first, as in /proc/vmcore: tools take the first segment that fits.
	if (contents.image)
		if (const auto load = make_image_load(*contents.image, file.parts))
			segments.push_back(*load);
	for (const CorePart &part : file.parts)
		segments.push_back(make_load(part.offset, contents.direct_map + part.memory.start,
					     part.memory.start, part.memory.size));

	append(file.head, make_header(segments.size()));
	for (const Elf64_Phdr &segment : segments)
		append(file.head, segment);
	file.head.resize(notes_at);
	file.head.insert(file.head.end(), notes.begin(), notes.end());
	return file;
}

std::uint64_t default_direct_map(int levels)
{
	return levels == 5 ? 0xff11000000000000 : 0xffff888000000000;
}

} // namespace rf::inspect
