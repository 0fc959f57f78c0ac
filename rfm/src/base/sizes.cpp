// SPDX-License-Identifier: GPL-2.0
#include "base/sizes.hpp"

#include "base/error.hpp"

#include <charconv>
#include <cstdio>
#include <limits>

namespace rf {

namespace {

[[noreturn]] void refuse_size(std::string_view what, std::string_view value)
{
	throw Error(Code::bad_value,
		    text(what, " '", value, "' is not a size: give bytes, or a number with K, M, G "
					    "or T, such as 512M, 2G or 0x40000000"));
}

} // namespace

std::uint64_t parse_size(std::string_view what, std::string_view value)
{
	std::string_view digits = value;
	int base = 10;

	if (digits.starts_with("0x") || digits.starts_with("0X")) {
		digits.remove_prefix(2);
		base = 16;
	}
	std::uint64_t number = 0;
	const auto [end, error] =
		std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
	if (error != std::errc{})
		refuse_size(what, value);

	std::string_view suffix = digits.substr(static_cast<std::size_t>(end - digits.data()));
	unsigned shift = 0;
	if (!suffix.empty()) {
		constexpr std::string_view units = "KMGT";
		const char unit = suffix[0] >= 'a' ? static_cast<char>(suffix[0] - 32) : suffix[0];
		const auto at = units.find(unit);
		if (at == units.npos)
			refuse_size(what, value);
		shift = 10 * (static_cast<unsigned>(at) + 1);
		suffix.remove_prefix(1);
		if (!suffix.empty() && suffix != "iB" && suffix != "B")
			refuse_size(what, value);
	}
	if (number > std::numeric_limits<std::uint64_t>::max() >> shift)
		refuse_size(what, value);
	return number << shift;
}

std::uint64_t parse_number(std::string_view what, std::string_view value, std::uint64_t least,
			   std::uint64_t most)
{
	std::uint64_t number = 0;
	const char *last = value.data() + value.size();
	const auto [end, error] = std::from_chars(value.data(), last, number);

	if (value.empty() || error != std::errc{} || end != last || number < least ||
	    number > most)
		throw Error(Code::bad_value,
			    text(what, " '", value, "' is not acceptable: give a number from ",
				 least, " to ", most));
	return number;
}

std::string format_size(std::uint64_t bytes)
{
	constexpr std::string_view units = "KMGT";
	std::string unit;

	for (std::size_t i = 0; i < units.size() && bytes && bytes % 1024 == 0; i++) {
		bytes /= 1024;
		unit = units[i];
	}
	return std::to_string(bytes) + unit;
}

std::string format_seconds(double seconds)
{
	char buffer[32];

	std::snprintf(buffer, sizeof(buffer), "%.3f s", seconds);
	return buffer;
}

} // namespace rf
