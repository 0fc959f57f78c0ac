// SPDX-License-Identifier: GPL-2.0
// The identity page tables a subOS's boot core starts on.
#pragma once

#include "boot/image.hpp"

namespace rf::boot {

class PageTables {
public:
	// The tables will lie at `base`, the top-level one first. 4 or 5 levels.
	PageTables(std::uint64_t base, unsigned levels);

	// Maps every 2 MiB page that [start, start + size) touches.
	void map(std::uint64_t start, std::uint64_t size);

	Bytes bytes() const;

private:
	std::size_t table_below(std::size_t table, unsigned index);

	std::uint64_t base_;
	unsigned levels_;
	std::vector<std::uint64_t> entries_;	// 512 for each table
};

} // namespace rf::boot
