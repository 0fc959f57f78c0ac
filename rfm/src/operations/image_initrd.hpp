// SPDX-License-Identifier: GPL-2.0
// An initrd with a whole system in it, which appears when it is whole.
#pragma once

#include "cli/output.hpp"
#include "host/initrd_writer.hpp"
#include "host/new_file.hpp"
#include "host/tree.hpp"
#include "plan/image_options.hpp"

namespace rf {

class ImageInitrd {
public:
	// Throws Error(bad_file) if it may not be written.
	explicit ImageInitrd(const ImageOptions &wanted);

	// Packs all of the tree but what is in its /boot. Throws Error(bad_file),
	// Error(not_enough), Error(interrupted).
	void write(const Tree &tree, Output &output);
	void finish();

	std::uint64_t size() const { return writer_.size(); }
	// What a subOS that boots it is to have: its root is in memory, and may take half of it.
	std::uint64_t memory() const;

private:
	NewFile file_;
	InitrdWriter writer_;
};

} // namespace rf
