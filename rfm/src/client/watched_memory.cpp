// SPDX-License-Identifier: GPL-2.0
#include "client/watched_memory.hpp"

#include "base/clock.hpp"
#include "cli/interrupt.hpp"

namespace rf {

WatchedMemory::WatchedMemory(const Partition &subos,
			     std::optional<std::chrono::milliseconds> at_most)
	: subos_(subos), at_most_(at_most)
{
	renew();
}

void WatchedMemory::renew()
{
	if (at_most_)
		deadline_ = deadline_after(*at_most_);
}

bool WatchedMemory::read(std::uint64_t phys, std::span<std::byte> into) const
{
	if (interrupted())
		throw Error(Code::interrupted, text("interrupted while the memory of '",
						    subos_.name(), "' was read"));
	if (deadline_ && monotonic_ns() >= *deadline_)
		throw Error(Code::busy, text("the memory of '", subos_.name(),
					     "' took too long to read"));
	return subos_.read(phys, into);
}

} // namespace rf
