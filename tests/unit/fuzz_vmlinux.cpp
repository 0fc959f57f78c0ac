// SPDX-License-Identifier: GPL-2.0
/*
 * A payload that says it is an uncompressed kernel, behind a header that says what it likes:
 * parsed, relocated, and made into a boot image. It is refused by boot::Error, or the image
 * lies in the memory that was granted, in pieces that do not overlap.
 */
#include "boot/bytes.hpp"
#include "boot/kaslr.hpp"
#include "boot/vmlinux.hpp"
#include "fuzz_input.hpp"

#include <algorithm>

namespace {

using namespace rf::boot;

constexpr rf_range memory = {0x140000000, 128 << 20};

Grant make_grant()
{
	Grant grant;

	grant.name = "web";
	grant.id = 7;
	grant.ranges = {memory};
	grant.apic_ids = {2, 3};
	grant.low_slice = 0x28000;
	grant.tsc_khz = 2500000;
	return grant;
}

/* As parse_bzimage() lets it through. */
Kernel take_kernel(Input &input, View file)
{
	static constexpr std::uint32_t alignments[] = {0x200000, 0x400000, 0x1000000, 0x40000000};
	Kernel kernel;

	kernel.file = file;
	kernel.version = "6.1.0-test";
	kernel.xloadflags = input.take<std::uint16_t>();
	kernel.init_size = 1 + input.take<std::uint32_t>() % (64 << 20);
	kernel.alignment = alignments[input.take<std::uint8_t>() % std::size(alignments)];
	kernel.pref_address = input.take<std::uint8_t>() % 4
				      ? 0x1000000
				      : align_down(input.take<std::uint64_t>(), LARGE_PAGE);
	kernel.protected_mode = file.first(input.take<std::uint16_t>() % (file.size() + 1));
	return kernel;
}

void check_image(const BootImage &image)
{
	std::vector<std::pair<std::uint64_t, std::uint64_t>> places;

	for (const Segment &segment : image.segments) {
		require(segment.phys >= memory.start && segment.memsz >= segment.bytes().size());
		require(fits(segment.phys - memory.start, segment.memsz, memory.size));
		places.emplace_back(segment.phys, segment.phys + segment.memsz);
	}
	std::sort(places.begin(), places.end());
	for (std::size_t i = 1; i < places.size(); i++)
		require(places[i].first >= places[i - 1].second);
	require(image.entry >= memory.start && image.entry < memory.start + memory.size);
	require(image.kernel_phys >= memory.start);
}

void check_vmlinux(View file, std::uint64_t offset)
{
	const Vmlinux vmlinux = parse_vmlinux(file);

	require(vmlinux.entry < vmlinux.memory && vmlinux.memory <= GIB);
	if (vmlinux.relocations)
		require(place(vmlinux, offset).size() <= file.size() + 32 * MIB);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	/* Large enough for the part of a header that is copied from it. */
	static const Bytes blank(1 << 16);
	Input input(data, size);
	const auto seed = input.take<std::uint8_t>();
	const Kernel kernel = take_kernel(input, blank);
	const std::size_t options = std::min<std::size_t>(size, 32);
	const View file(reinterpret_cast<const std::byte *>(data) + options, size - options);
	const View initrd = View(blank).first(input.take<std::uint16_t>() % blank.size());
	const Random random = [&](std::span<std::byte> out) {
		std::fill(out.begin(), out.end(), std::byte{seed});
	};

	try {
		check_image(build(kernel, file, {{}, {}, {}, initrd}, make_grant(),
				  {.agent = false}, random));
	} catch (const Error &error) {
		require(*error.what());
	}
	try {
		check_vmlinux(file, align_down(seed * LARGE_PAGE, LARGE_PAGE));
	} catch (const Error &error) {
		require(*error.what());
	}
	return 0;
}
