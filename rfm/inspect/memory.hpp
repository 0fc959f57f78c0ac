// SPDX-License-Identifier: GPL-2.0
// The outside view of a subOS's memory. Everything read through it was written
// by a kernel that may be hung, dead or hostile: readers check every number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace rf::inspect {

// A source of bytes by physical address. Tests feed a synthetic one.
class Memory {
public:
	virtual ~Memory() = default;
	// False if any byte of the range is outside the partition. May throw, to end a reader
	// that takes too long: no reader does anything that takes long without a read.
	virtual bool read(std::uint64_t phys, std::span<std::byte> into) const = 0;
};

// Values inside a buffer, bounds-checked by the caller's choice of `at`.
template <typename Value> std::optional<Value> value_at(std::span<const std::byte> bytes,
							 std::size_t at)
{
	static_assert(std::is_trivially_copyable_v<Value>);
	if (at > bytes.size() || bytes.size() - at < sizeof(Value))
		return std::nullopt;
	Value value;
	std::memcpy(&value, bytes.data() + at, sizeof(value));
	return value;
}

} // namespace rf::inspect
