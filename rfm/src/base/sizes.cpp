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
					    "or T, such as 512M, 2G or 0x40000000 (512M is 512MiB, "
					    "not 512MB)"));
}

// "M" and "MiB" are 2^20, "MB" is 10^6; 0 for what is no unit.
std::uint64_t unit_of(std::string_view suffix)
{
	constexpr std::string_view letters = "KMGT";
	std::uint64_t unit = 1;

	if (suffix.empty())
		return unit;
	const char letter = suffix[0] >= 'a' ? static_cast<char>(suffix[0] - 32) : suffix[0];
	const std::string_view rest = suffix.substr(1);
	const auto at = letters.find(letter);
	if (at == letters.npos || (!rest.empty() && rest != "iB" && rest != "B"))
		return 0;
	for (std::size_t i = 0; i <= at; i++)
		unit *= rest == "B" ? 1000 : 1024;
	return unit;
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

	const std::uint64_t unit =
		unit_of(digits.substr(static_cast<std::size_t>(end - digits.data())));
	if (unit == 0 || number > std::numeric_limits<std::uint64_t>::max() / unit)
		refuse_size(what, value);
	return number * unit;
}

void check_multiple(std::string_view what, std::string_view value, std::uint64_t bytes,
		    std::uint64_t step)
{
	const std::uint64_t less = bytes / step * step, more = less + step;

	if (less == bytes)
		return;
	throw Error(Code::bad_value,
		    text(what, " '", value, "' is ", bytes, " bytes, not a multiple of ",
			 format_size(step), ": give ", less ? format_size(less) : "",
			 less && more ? " or " : "", more ? format_size(more) : ""));
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
