// SPDX-License-Identifier: GPL-2.0
#include "cli/moment.hpp"

#include "base/duration.hpp"
#include "base/error.hpp"

#include <ctime>

namespace rf {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;

// Takes digits off the front; nothing if there are fewer, or the number is not in the range.
std::optional<int> take_number(std::string_view &words, std::size_t digits, int least, int most)
{
	int number = 0;

	if (words.size() < digits)
		return std::nullopt;
	for (const char digit : words.substr(0, digits)) {
		if (digit < '0' || digit > '9')
			return std::nullopt;
		number = 10 * number + (digit - '0');
	}
	words.remove_prefix(digits);
	if (number < least || number > most)
		return std::nullopt;
	return number;
}

bool take(std::string_view &words, std::string_view letters)
{
	if (words.empty() || letters.find(words[0]) == letters.npos)
		return false;
	words.remove_prefix(1);
	return true;
}

bool take_date(std::string_view &words, std::tm &date)
{
	const auto year = take_number(words, 4, 1970, 2261);
	if (!year || !take(words, "-"))
		return false;
	const auto month = take_number(words, 2, 1, 12);
	if (!month || !take(words, "-"))
		return false;
	const auto day = take_number(words, 2, 1, 31);
	if (!day)
		return false;
	date.tm_year = *year - 1900;
	date.tm_mon = *month - 1;
	date.tm_mday = *day;
	return true;
}

bool take_clock(std::string_view &words, std::tm &date)
{
	const auto hour = take_number(words, 2, 0, 23);
	if (!hour || !take(words, ":"))
		return false;
	const auto minute = take_number(words, 2, 0, 59);
	if (!minute || !take(words, ":"))
		return false;
	const auto second = take_number(words, 2, 0, 60);	// a leap second
	if (!second)
		return false;
	date.tm_hour = *hour;
	date.tm_min = *minute;
	date.tm_sec = *second;
	return true;
}

// Behind the seconds; nothing for a dot without digits.
std::optional<std::int64_t> take_fraction(std::string_view &words)
{
	std::int64_t nanoseconds = 0, weight = second_ns;

	if (!take(words, "."))
		return 0;
	if (words.empty() || words[0] < '0' || words[0] > '9')
		return std::nullopt;
	while (!words.empty() && words[0] >= '0' && words[0] <= '9') {
		weight /= 10;
		nanoseconds += weight * (words[0] - '0');
		words.remove_prefix(1);
	}
	return nanoseconds;
}

// Seconds east of Greenwich; nothing for what is no offset.
std::optional<int> take_offset(std::string_view &words)
{
	if (take(words, "Zz"))
		return 0;
	const int sign = words.starts_with('-') ? -1 : 1;
	if (!take(words, "+-"))
		return std::nullopt;
	const auto hours = take_number(words, 2, 0, 23);
	if (!hours || !take(words, ":"))
		return std::nullopt;
	const auto minutes = take_number(words, 2, 0, 59);
	if (!minutes)
		return std::nullopt;
	return sign * (*hours * 3600 + *minutes * 60);
}

// As mktime(3) and timegm(3) do, which take November 31 for December 1: nothing for such days.
std::optional<std::time_t> seconds_of(std::tm date, bool local)
{
	std::tm day{};

	day.tm_year = date.tm_year;
	day.tm_mon = date.tm_mon;
	day.tm_mday = date.tm_mday;
	::timegm(&day);
	if (day.tm_mday != date.tm_mday)
		return std::nullopt;
	date.tm_isdst = -1;
	return local ? ::mktime(&date) : ::timegm(&date);
}

std::optional<std::int64_t> parse_date(std::string_view words)
{
	std::tm date{};
	std::int64_t nanoseconds = 0;
	std::optional<int> offset;

	if (!take_date(words, date))
		return std::nullopt;
	if (take(words, "Tt ")) {
		if (!take_clock(words, date))
			return std::nullopt;
		const auto fraction = take_fraction(words);
		if (!fraction)
			return std::nullopt;
		nanoseconds = *fraction;
		if (!words.empty() && !(offset = take_offset(words)))
			return std::nullopt;
	}
	const auto seconds = seconds_of(date, !offset);
	if (!words.empty() || !seconds)
		return std::nullopt;
	return (*seconds - offset.value_or(0)) * second_ns + nanoseconds;
}

std::int64_t last_midnight(std::uint64_t now)
{
	const std::time_t seconds = static_cast<std::time_t>(now / second_ns);
	std::tm date{};

	::localtime_r(&seconds, &date);
	date.tm_hour = date.tm_min = date.tm_sec = 0;
	date.tm_isdst = -1;
	return ::mktime(&date) * second_ns;
}

std::optional<std::int64_t> find_moment(const std::string &value, std::uint64_t now)
{
	if (value == "today")
		return last_midnight(now);
	if (const auto ago = find_duration(value, false)) {
		const auto until = std::chrono::milliseconds(now / 1'000'000);
		return *ago > until ? 0 : static_cast<std::int64_t>(now) - ago->count() * 1'000'000;
	}
	return parse_date(value);
}

} // namespace

std::uint64_t parse_moment(const std::string &what, const std::string &value, std::uint64_t now)
{
	const auto found = find_moment(value, now);

	if (!found)
		throw Error(Code::bad_value,
			    text(what, " '", value, "' is not a time: give one such as "
						    "2026-11-28T10:02:03+01:00, without offset for "
						    "local time, or how long ago with a unit, such as "
						    "10m, or today"));
	return *found < 0 ? 0 : static_cast<std::uint64_t>(*found);
}

std::uint64_t realtime_ns()
{
	timespec now{};

	::clock_gettime(CLOCK_REALTIME, &now);
	return static_cast<std::uint64_t>(now.tv_sec) * second_ns +
	       static_cast<std::uint64_t>(now.tv_nsec);
}

} // namespace rf
