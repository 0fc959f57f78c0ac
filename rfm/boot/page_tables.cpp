// SPDX-License-Identifier: GPL-2.0
// 2 MiB pages only: with 1 GiB pages a core could prefetch from memory that
// belongs to another kernel.
#include "boot/page_tables.hpp"

#include "boot/bytes.hpp"
#include "wire/layout.h"

namespace rf::boot {
namespace {

constexpr unsigned ENTRIES = 512;
constexpr unsigned INDEX_BITS = 9;
constexpr unsigned LARGE_PAGE_SHIFT = 21;
constexpr unsigned LARGE_PAGE_LEVEL = 2;	// level 1 would hold 4 KiB pages

// Intel SDM 3A, 4.5: present, writable, accessed, dirty, page size.
constexpr std::uint64_t P = 1 << 0, RW = 1 << 1, A = 1 << 5, D = 1 << 6, PS = 1 << 7;
constexpr std::uint64_t TABLE = P | RW | A;
constexpr std::uint64_t LARGE = P | RW | A | D | PS;
constexpr std::uint64_t ADDRESS = 0x000ffffffffff000;

} // namespace

PageTables::PageTables(std::uint64_t base, unsigned levels)
	: base_(base), levels_(levels), entries_(ENTRIES)
{
}

std::size_t PageTables::table_below(std::size_t table, unsigned index)
{
	const std::size_t slot = table * ENTRIES + index;

	if (!(entries_[slot] & P)) {
		std::uint64_t address = base_ + entries_.size() * sizeof(std::uint64_t);
		entries_[slot] = address | TABLE;
		entries_.resize(entries_.size() + ENTRIES);
		if (entries_.size() * sizeof(std::uint64_t) > RF_PAGE_TABLES_SIZE)
			throw Error("the identity page tables do not fit in " +
				    human(RF_PAGE_TABLES_SIZE));
	}
	return ((entries_[slot] & ADDRESS) - base_) / PAGE;
}

void PageTables::map(std::uint64_t start, std::uint64_t size)
{
	const std::uint64_t end = align_up(start + size, LARGE_PAGE);

	for (std::uint64_t page = align_down(start, LARGE_PAGE); page < end; page += LARGE_PAGE) {
		std::size_t table = 0;
		unsigned shift = LARGE_PAGE_SHIFT + INDEX_BITS * (levels_ - LARGE_PAGE_LEVEL);
		for (; shift > LARGE_PAGE_SHIFT; shift -= INDEX_BITS)
			table = table_below(table, (page >> shift) % ENTRIES);
		entries_[table * ENTRIES + (page >> shift) % ENTRIES] = page | LARGE;
	}
}

Bytes PageTables::bytes() const
{
	Bytes bytes;

	append(bytes, View(std::as_bytes(std::span(entries_))));
	return bytes;
}

} // namespace rf::boot
