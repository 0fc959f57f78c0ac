// SPDX-License-Identifier: GPL-2.0
// A subOS's memory for readers whom what it says could keep busy for long: whoever reads it can
// be ended between any two reads.
#pragma once

#include "client/partition.hpp"

#include <cstdint>
#include <optional>

namespace rf {

class WatchedMemory : public inspect::Memory {
public:
	// Without `at_most` only a signal ends the reader, after catch_interrupts().
	explicit WatchedMemory(const Partition &subos,
			       std::optional<std::chrono::milliseconds> at_most = std::nullopt);

	// The time begins anew: what was read led somewhere.
	void renew();
	// Throws Error(interrupted) after a signal, Error(busy) when the time is over.
	bool read(std::uint64_t phys, std::span<std::byte> into) const override;

private:
	const Partition &subos_;
	const std::optional<std::chrono::milliseconds> at_most_;
	std::optional<std::uint64_t> deadline_;	// monotonic_ns()
};

} // namespace rf
