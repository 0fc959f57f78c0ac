// SPDX-License-Identifier: GPL-2.0
#include "plan/setup_pool.hpp"

#include "base/error.hpp"
#include "base/sizes.hpp"
#include "uapi/rainforest.h"

#include <algorithm>

namespace rf {

namespace {

constexpr std::uint64_t mib = 1 << 20, gib = 1 << 30;
// Blocks of memory hotplug are as large, or larger.
constexpr std::uint64_t block_least = 128 * mib;
constexpr std::uint64_t kernel_least = gib;	// of memory, that the supervisor keeps
constexpr std::uint64_t four_gib = 4 * gib;	// devices of 32 bits reach no further
constexpr std::string_view pool_option = "rf_supervisor.pool=";

std::uint64_t total(const std::vector<MemoryRange> &ranges)
{
	std::uint64_t sum = 0;

	for (const MemoryRange &range : ranges)
		sum += range.size;
	return sum;
}

std::uint64_t down(std::uint64_t value, std::uint64_t step)
{
	return value / step * step;
}

std::string hex(std::uint64_t address)
{
	std::ostringstream out;

	out << "0x" << std::hex << address;
	return out.str();
}

// The highest place from @least on; its end on a border of blocks, if there is one.
std::optional<MemoryRange> place(const std::vector<MemoryRange> &ram, std::uint64_t size,
				 std::uint64_t least, std::uint64_t border)
{
	for (auto range = ram.rbegin(); range != ram.rend(); ++range) {
		const std::uint64_t from = std::max(range->start, least);
		for (const std::uint64_t step : {border, std::uint64_t{RF_EXTENT_SIZE}}) {
			const std::uint64_t end = down(range->end(), step);
			if (end < size || end - size < from)
				continue;
			const std::uint64_t start = down(end - size, RF_EXTENT_SIZE);
			if (start >= from)
				return MemoryRange{start, size};
		}
	}
	return std::nullopt;
}

std::uint64_t largest(const std::vector<MemoryRange> &ram, std::uint64_t most)
{
	std::uint64_t found = 0;

	for (const MemoryRange &range : ram) {
		const std::uint64_t from = std::max(range.start, gib);
		const std::uint64_t end = down(range.end(), RF_EXTENT_SIZE);
		if (end > from)
			found = std::max(found, down(end - from, RF_EXTENT_SIZE));
	}
	return std::min(found, most);
}

SetupWords reserve(const std::vector<MemoryRange> &ram, std::uint64_t size, std::uint64_t border)
{
	const std::uint64_t all = total(ram);
	const std::uint64_t most = all > kernel_least ? down(all - kernel_least, RF_EXTENT_SIZE) : 0;
	std::optional<MemoryRange> found;

	if (size <= most)
		found = place(ram, size, four_gib, border);
	if (size <= most && !found)
		found = place(ram, size, gib, border);
	if (!found)
		throw Error(Code::not_enough,
			    text("pool '", format_size(size), "' has no place in the ",
				 format_size(down(all, mib)), " of this machine: at most ",
				 format_size(largest(ram, most)), " in one piece, and ",
				 format_size(kernel_least), " stays with the supervisor"));
	const std::string bytes = format_size(size), where = hex(found->start);
	return {{text("memmap=", bytes, "$", where), text(pool_option, bytes, "@", where)},
		text("reserves ", bytes, " for subOSes at boot, at the end of the highest RAM that "
					 "has room; ",
		     format_size(down(all - size, mib)), " stay with the supervisor")};
}

SetupWords keep_movable(std::uint64_t size)
{
	return {{text("movablecore=", size / mib, "M")},
		text("keeps half of memory movable, so that taking it at run time does not fail; "
		     "the supervisor uses it until then (--pool SIZE reserves memory instead)")};
}

} // namespace

std::vector<std::string> pool_words(const std::vector<std::string> &words)
{
	std::vector<std::string> found;

	for (const std::string &word : words)
		if (word.starts_with("memmap=") && word.find('$') != word.npos)
			found.push_back(word);
	for (const std::string &word : words)
		if (!found.empty() && word.starts_with(pool_option)) {
			found.push_back(word);
			return found;
		}
	// Reserved, if at all, for somebody else.
	found.clear();
	for (const std::string &word : words)
		if (word.starts_with("movablecore=") || word.starts_with("kernelcore="))
			found = {word};
	return found;
}

std::vector<MemoryRange> pool_ranges(const std::vector<std::string> &words)
{
	std::vector<MemoryRange> ranges;

	for (const std::string &word : words) {
		if (!word.starts_with(pool_option))
			continue;
		std::istringstream list(word.substr(pool_option.size()));
		for (std::string item; std::getline(list, item, ',');) {
			const std::size_t at = item.find('@');
			if (at == item.npos)
				continue;
			try {
				ranges.push_back({parse_size("pool", item.substr(at + 1)),
						  parse_size("pool", item.substr(0, at))});
			} catch (const Error &) {
				// The module says so when it is loaded.
			}
		}
	}
	return ranges;
}

std::optional<SetupWords> choose_pool(const std::vector<std::string> &present,
				      const std::vector<MemoryRange> &ram, std::uint64_t block_size,
				      std::optional<std::uint64_t> pool)
{
	const std::vector<std::string> kept = pool_words(present);
	const std::uint64_t reserved = total(pool_ranges(kept));

	if (!kept.empty() && (!pool || *pool == reserved))
		return SetupWords{kept, reserved ? text("reserves ", format_size(reserved),
							" for subOSes at boot")
						 : "keeps memory movable, so that taking it at run "
						   "time does not fail"};
	if (ram.empty() && pool && *pool)
		throw Error(Code::not_permitted,
			    "only root sees where memory is: run rfm setup --pool as root");
	if (pool && *pool)
		return reserve(ram, *pool, std::max(block_size, block_least));
	const std::uint64_t half = down(total(ram) / 2, block_least);
	if (!half)
		return std::nullopt;
	return keep_movable(half);
}

} // namespace rf
