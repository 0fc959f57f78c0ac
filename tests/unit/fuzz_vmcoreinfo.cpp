// SPDX-License-Identifier: GPL-2.0
/*
 * Memory in which something looks like a VMCOREINFO note, as a whole and as text alone.
 */
#include "fuzz_input.hpp"
#include "inspect/vmcoreinfo.hpp"

#include <algorithm>

namespace {

using rf::inspect::Range;
using rf::inspect::Vmcoreinfo;

constexpr std::uint64_t base = 0x140000000;
constexpr std::size_t page = 4096;

/* The input, from the beginning of every other page on. */
class Pages : public rf::inspect::Memory {
public:
	Pages(const std::uint8_t *data, std::size_t size) : bytes_(32 * page)
	{
		for (std::size_t at = 0; at < bytes_.size(); at += 2 * page)
			std::memcpy(bytes_.data() + at, data, std::min(size, bytes_.size() - at));
	}

	bool read(std::uint64_t phys, std::span<std::byte> into) const override
	{
		require(++reads_ <= 100);
		if (phys < base || phys - base > bytes_.size() ||
		    bytes_.size() - (phys - base) < into.size())
			return false;
		std::memcpy(into.data(), bytes_.data() + (phys - base), into.size());
		return true;
	}
	Range range() const
	{
		return {base, bytes_.size()};
	}

private:
	std::vector<std::byte> bytes_;
	mutable unsigned reads_ = 0;
};

void ask(const Vmcoreinfo &info)
{
	require(info.release().size() <= 64);
	for (const char *name : {"phys_base", "prb", "swapper_pg_dir", "", "_stext"}) {
		info.number(name);
		info.symbol(name);
		info.offset(name);
		info.size(name);
	}
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	const Pages pages(data, size);
	const Range range = pages.range();

	if (const auto info = Vmcoreinfo::find(pages, std::span(&range, 1), base)) {
		require(info->address() >= base && info->note().size() <= range.size);
		ask(*info);
	}
	if (const auto info = Vmcoreinfo::parse({reinterpret_cast<const char *>(data), size}))
		ask(*info);
	return 0;
}
