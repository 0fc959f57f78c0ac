// SPDX-License-Identifier: GPL-2.0
#include "kernel_log.hpp"

#include <cinttypes>
#include <cstdio>

namespace rf::inspect {

std::optional<KernelLog> KernelLog::open(const Memory &memory, std::span<const Range> ranges,
					 std::uint64_t hint)
{
	const auto info = Vmcoreinfo::find(memory, ranges, hint);

	if (!info)
		return std::nullopt;
	const auto space = AddressSpace::of(memory, *info);
	if (!space)
		return std::nullopt;
	std::uint64_t bytes = 0;
	for (const Range &range : ranges)
		bytes += range.size;
	auto ring = PrintkRing::of(*space, *info, bytes);
	if (!ring)
		return std::nullopt;
	return KernelLog(std::move(*ring), printable(info->release()));
}

std::string printable(std::string_view text)
{
	std::string safe;
	char escape[8];

	for (const char letter : text) {
		const unsigned char byte = static_cast<unsigned char>(letter);
		if (letter == '\n' || letter == '\t' || (byte >= 0x20 && byte < 0x7f)) {
			safe += letter;
			continue;
		}
		std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
		safe += escape;
	}
	return safe;
}

std::string dmesg_lines(const Record &record)
{
	char stamp[48];
	std::string lines;

	std::snprintf(stamp, sizeof(stamp), "[%5" PRIu64 ".%06" PRIu64 "] ",
		      record.ns / 1'000'000'000u, record.ns / 1'000u % 1'000'000u);
	std::string_view rest = record.text;
	if (rest.ends_with('\n'))
		rest.remove_suffix(1);
	for (;;) {
		const std::size_t end = rest.find('\n');
		lines += stamp + printable(rest.substr(0, end));
		if (end == rest.npos)
			return lines;
		lines += '\n';
		rest.remove_prefix(end + 1);
	}
}

} // namespace rf::inspect
