// SPDX-License-Identifier: GPL-2.0
// The kernel log of a subOS, found in its memory and made fit to print.
#pragma once

#include "printk_ring.hpp"

namespace rf::inspect {

class KernelLog {
public:
	// Looks for the note at `hint` (0: unknown), then in the ranges. Nothing if the
	// kernel has not come far enough, or what is there makes no sense.
	static std::optional<KernelLog> open(const Memory &memory, std::span<const Range> ranges,
					     std::uint64_t hint);

	const std::string &release() const { return release_; }
	// As PrintkRing does.
	using End = PrintkRing::End;
	End walk(std::uint64_t from, const PrintkRing::Visitor &visit) const
	{
		return ring_.walk(from, visit);
	}
	End walk_back(const PrintkRing::Visitor &visit) const { return ring_.walk_back(visit); }
	std::vector<Record> last(std::size_t most) const { return ring_.last(most); }

private:
	KernelLog(PrintkRing ring, std::string release)
		: ring_(std::move(ring)), release_(std::move(release)) {}
	PrintkRing ring_;
	std::string release_;
};

// The text of a record for people and terminals: what is not printable becomes
// \xNN, as in /dev/kmsg; line breaks stay.
std::string printable(std::string_view text);

// As dmesg(1) prints it: "[    1.234567] text", each line with the time stamp.
// No line break at the end.
std::string dmesg_lines(const Record &record);

} // namespace rf::inspect
