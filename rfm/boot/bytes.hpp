// SPDX-License-Identifier: GPL-2.0
// Reading and writing little-endian structures in byte buffers.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "boot/image.hpp"

namespace rf::boot {

static_assert(std::endian::native == std::endian::little, "boot images are x86, built on x86");

constexpr std::uint64_t KIB = 1024;
constexpr std::uint64_t MIB = 1024 * KIB;
constexpr std::uint64_t GIB = 1024 * MIB;
constexpr std::uint64_t PAGE = 4 * KIB;
constexpr std::uint64_t LARGE_PAGE = 2 * MIB;

// alignment must be a power of two.
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment)
{
	return value & ~(alignment - 1);
}

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment)
{
	return align_down(value + alignment - 1, alignment);
}

// Whether [offset, offset + size) lies inside a buffer of `total` bytes.
constexpr bool fits(std::uint64_t offset, std::uint64_t size, std::uint64_t total)
{
	return offset <= total && size <= total - offset;
}

template <typename T>
T load(View bytes, std::size_t offset)
{
	static_assert(std::is_trivially_copyable_v<T>);
	if (!fits(offset, sizeof(T), bytes.size()))
		throw Error("truncated: " + std::to_string(bytes.size()) + " bytes, a field at " +
			    std::to_string(offset) + " is missing");
	T value;
	std::memcpy(&value, bytes.data() + offset, sizeof(T));
	return value;
}

template <typename T>
void store(std::span<std::byte> bytes, std::size_t offset, const T &value)
{
	static_assert(std::is_trivially_copyable_v<T>);
	if (!fits(offset, sizeof(T), bytes.size()))
		throw std::out_of_range("store outside a boot structure");
	std::memcpy(bytes.data() + offset, &value, sizeof(T));
}

template <typename T>
void append(Bytes &bytes, const T &value)
{
	static_assert(std::is_trivially_copyable_v<T>);
	const auto *raw = reinterpret_cast<const std::byte *>(&value);
	bytes.insert(bytes.end(), raw, raw + sizeof(T));
}

inline void append(Bytes &bytes, View more)
{
	bytes.insert(bytes.end(), more.begin(), more.end());
}

inline View as_view(std::string_view text)
{
	return std::as_bytes(std::span(text.data(), text.size()));
}

template <typename T>
Bytes bytes_of(const T &value)
{
	Bytes bytes;
	append(bytes, value);
	return bytes;
}

// For messages: "63.6 MiB", and "0x20f".
std::string human(std::uint64_t bytes);
std::string hex(std::uint64_t value);

} // namespace rf::boot
