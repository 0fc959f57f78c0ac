// SPDX-License-Identifier: GPL-2.0
#include "base/duration.hpp"

#include "base/error.hpp"

#include <charconv>
#include <cstdint>

namespace rf {

namespace {

struct Unit {
	std::string_view name;
	std::int64_t milliseconds;
};

// Descending.
constexpr Unit units[] = {
	{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1},
};

std::int64_t unit_of(std::string_view name)
{
	for (const Unit &unit : units)
		if (name == unit.name)
			return unit.milliseconds;
	return 0;
}

} // namespace

std::optional<Milliseconds> find_duration(std::string_view value, bool seconds)
{
	std::int64_t number = 0;
	const auto [end, error] =
		std::from_chars(value.data(), value.data() + value.size(), number);

	// from_chars() takes a minus.
	if (error != std::errc{} || value.starts_with('-'))
		return std::nullopt;
	const std::string_view name = value.substr(static_cast<std::size_t>(end - value.data()));
	const std::int64_t unit = unit_of(name.empty() && seconds ? "s" : name);
	if (unit == 0 || number > Milliseconds::max().count() / unit)
		return std::nullopt;
	return Milliseconds(number * unit);
}

Milliseconds parse_duration(std::string_view what, std::string_view value, Milliseconds least,
			    Milliseconds most)
{
	const auto found = find_duration(value);

	if (!found || *found < least || *found > most)
		throw Error(Code::bad_value,
			    text(what, " '", value, "' is not acceptable: give a time from ",
				 format_duration(least), " to ", format_duration(most),
				 ", such as 30 (seconds), 500ms or 2m"));
	return *found;
}

std::string format_duration(Milliseconds duration)
{
	const std::int64_t count = duration.count();

	for (const Unit &unit : units)
		if (count && count % unit.milliseconds == 0)
			return text(count / unit.milliseconds, unit.name);
	return "0s";
}

} // namespace rf
