// SPDX-License-Identifier: GPL-2.0
// One rfm at a time where something is read, changed and written back: the supervisor keeps
// definitions, and does not look at them.
#pragma once

#include "base/descriptor.hpp"
#include "base/duration.hpp"

#include <optional>

namespace rf {

// Never to be held while a subOS boots or stops. It ends with its owner, also with a process that
// is killed.
class Turn {
public:
	static constexpr Milliseconds patience{10'000};

	// Waits for that of another rfm. Throws Error(busy) if it lasts longer than that,
	// Error(interrupted) on a signal, Error(bad_file) if its file cannot be had.
	static Turn take(Milliseconds at_most = patience);
	// For what has to go on in any case: nothing if it cannot be had.
	static std::optional<Turn> take_if_possible(Milliseconds at_most = patience);

private:
	explicit Turn(Descriptor lock) : lock_(std::move(lock)) {}

	Descriptor lock_;
};

} // namespace rf
