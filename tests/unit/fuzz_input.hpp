// SPDX-License-Identifier: GPL-2.0
/* What hostile peers that libFuzzer plays have in common. */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

inline void require(bool condition)
{
	if (!condition)
		std::abort();
}

/* What is left of the input; zeroes once it is used up. */
class Input {
public:
	Input(const std::uint8_t *data, std::size_t size) : data_(data), left_(size) {}

	bool empty() const
	{
		return !left_;
	}

	template <typename T> T take()
	{
		T value = {};
		const std::size_t size = std::min(left_, sizeof(value));

		std::memcpy(&value, data_, size);
		data_ += size;
		left_ -= size;
		return value;
	}

private:
	const std::uint8_t *data_;
	std::size_t left_;
};
