// SPDX-License-Identifier: GPL-2.0
/*
 * A dump of a hostile kernel's memory. Whatever its page tables and its note say: looking for
 * its direct map and its image ends, and the file has the ranges that the supervisor named, in
 * order, with nothing outside of it.
 */
#include "hostile_subos.hpp"
#include "inspect/elf_core.hpp"

#include <elf.h>

namespace {

using namespace rf::inspect;

constexpr std::uint64_t reads_most = 3'000'000;

void check_file(const CoreFile &file, const std::vector<Range> &ranges)
{
	const auto header = value_at<Elf64_Ehdr>(file.head, 0).value();
	std::uint64_t end = file.head.size();

	require(header.e_phnum >= 1 + ranges.size() && header.e_phnum <= 2 + ranges.size());
	for (std::size_t i = 0; i < header.e_phnum; i++) {
		const auto segment = value_at<Elf64_Phdr>(
			file.head, header.e_phoff + i * sizeof(Elf64_Phdr)).value();
		const std::uint64_t room = segment.p_type == PT_NOTE ? file.head.size() : file.size;
		require(segment.p_offset <= room && segment.p_filesz <= room - segment.p_offset);
	}
	require(file.parts.size() == ranges.size());
	for (const CorePart &part : file.parts) {
		require(part.offset >= end);
		end = part.offset + part.memory.size;
	}
	require(file.size >= end);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	Input input(data, size);
	HostileSubos subos;
	CoreContents contents;
	const bool searches = input.take<std::uint8_t>() % 8 == 0;

	contents.cores = input.take<std::uint8_t>();
	contents.ranges = {HostileSubos::range, {rf::test::base, 0x400000}, {0x28000, 0x8000}};
	for (int steps = input.take<std::uint8_t>() % 64; steps > 0; steps--)
		subos.step(input);
	const std::uint64_t begin = HostileSubos::reads();
	const auto info = Vmcoreinfo::find(subos, std::span(&HostileSubos::range, 1), 0);
	if (!info)
		return 0;
	const auto space = AddressSpace::of(subos, *info);
	if (space) {
		/* A search through tables that show everything takes a while. */
		if (searches)
			contents.direct_map = space->direct_map(info->address()).value_or(0);
		contents.image = space->kernel_image(*info);
		require(!contents.image || contents.image->size <= std::uint64_t{1} << 31);
		std::array<std::byte, 5000> bytes;
		space->read(input.take<std::uint64_t>(), bytes);
	}
	contents.vmcoreinfo = info->note();
	check_file(lay_out_core(contents), contents.ranges);
	require(HostileSubos::reads() - begin <= reads_most);
	return 0;
}
