// SPDX-License-Identifier: GPL-2.0
// Memory sizes and plain numbers as people write and read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace rf {

// "0x40000000", "1073741824": bytes. "512M" and "512MiB" are 512 * 2^20, "512MB" is 512 * 10^6;
// so with K, G and T. Throws Error(bad_value) that names `what` and the value.
std::uint64_t parse_size(std::string_view what, std::string_view value);

// Throws Error(bad_value) that names the nearest sizes that would do, unless `bytes`, which
// were given as `value`, are a multiple of `step`.
void check_multiple(std::string_view what, std::string_view value, std::uint64_t bytes,
		    std::uint64_t step);

// A plain decimal number from `least` to `most`.
std::uint64_t parse_number(std::string_view what, std::string_view value, std::uint64_t least,
			   std::uint64_t most);

// The shortest exact form ("512M", "3G", "1234" for odd bytes): parse_size() reads it.
std::string format_size(std::uint64_t bytes);

// Seconds with a sensible number of digits: "0.034 s".
std::string format_seconds(double seconds);

} // namespace rf
