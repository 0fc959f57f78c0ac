// SPDX-License-Identifier: GPL-2.0
#include "base/clock.hpp"

#include <ctime>

namespace rf {

std::uint64_t monotonic_ns()
{
	timespec now{};
	::clock_gettime(CLOCK_MONOTONIC, &now);
	return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
	       static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint64_t deadline_after(std::chrono::nanoseconds duration)
{
	return monotonic_ns() + static_cast<std::uint64_t>(duration.count());
}

} // namespace rf
