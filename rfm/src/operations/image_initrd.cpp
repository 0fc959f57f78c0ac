// SPDX-License-Identifier: GPL-2.0
#include "operations/image_initrd.hpp"

#include "cli/interrupt.hpp"

#include <algorithm>

#include <fcntl.h>

namespace rf {

namespace {

constexpr std::uint64_t MIB = 1 << 20;
constexpr std::uint64_t memory_least = 512 * MIB;
constexpr std::uint64_t memory_of_kernel = 256 * MIB;
constexpr std::uint64_t memory_step = 128 * MIB;

} // namespace

ImageInitrd::ImageInitrd(const ImageOptions &wanted)
	: file_(wanted.initrd, wanted.force), writer_(file_)
{
}

void ImageInitrd::write(const Tree &tree, Output &output)
{
	const Descriptor root = tree.open(".", O_RDONLY | O_DIRECTORY);

	walk_tree(root.get(), tree.path(), [&](const TreeEntry &entry) {
		check_interrupt("pack the initrd");
		if (S_ISDIR(entry.facts.st_mode))
			output.progress(text("pack the initrd, ", writer_.unpacked() / MIB,
					     " MiB ..."));
		writer_.add(entry);
		// Its kernel is booted out of a file of the host.
		return entry.path != "boot";
	});
	writer_.finish();
	if (writer_.capable())
		output.note(text(writer_.capable(), " files lose their capabilities, which an "
				 "initrd cannot hold: with --disk they keep them"));
}

void ImageInitrd::finish()
{
	file_.finish();
}

std::uint64_t ImageInitrd::memory() const
{
	const std::uint64_t needed = 2 * writer_.unpacked() + memory_of_kernel;

	return std::max(memory_least, (needed + memory_step - 1) / memory_step * memory_step);
}

} // namespace rf
