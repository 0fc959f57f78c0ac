// SPDX-License-Identifier: GPL-2.0
#include "view/log_choice.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace rf {

namespace {

constexpr std::array<std::string_view, 8> names{"emerg", "alert",  "crit", "err",
						"warn",	 "notice", "info", "debug"};

// Nothing for what is no level.
std::optional<unsigned> find_level(std::string_view word)
{
	if (word.size() == 1 && word[0] >= '0' && word[0] <= '7')
		return word[0] - '0';
	const auto found = std::find(names.begin(), names.end(), word);
	if (found == names.end())
		return std::nullopt;
	return static_cast<unsigned>(found - names.begin());
}

// All levels from the most severe one to `level`.
Levels up_to(unsigned level)
{
	return static_cast<Levels>((2u << level) - 1);
}

// 0 for what is none.
Levels parse_word(std::string_view word)
{
	const bool less = word.starts_with('+'), more = word.size() > 1 && word.ends_with('+');

	word.remove_prefix(less);
	word.remove_suffix(more);
	const auto level = find_level(word);
	if (!level || (less && more))
		return 0;
	if (more)
		return up_to(*level);
	return static_cast<Levels>(less ? ~(unsigned{up_to(*level)} >> 1) : 1u << *level);
}

} // namespace

Levels parse_levels(const std::string &list)
{
	std::istringstream words(list + ",");
	Levels levels = 0;

	for (std::string word; std::getline(words, word, ',');) {
		const Levels some = parse_word(word);
		if (some == 0) {
			std::string known;
			for (const std::string_view name : names)
				known += text(known.empty() ? "" : ", ", name);
			throw Error(Code::bad_value,
				    text("level '", word, "' is not known: give ", known,
					 ", or 0 to 7, separated by commas; err+ are err and all that "
					 "are more severe"));
		}
		levels |= some;
	}
	return levels;
}

inspect::KernelLog::End walk_chosen(const inspect::KernelLog &log, const LogChoice &choice,
				    const inspect::PrintkRing::Visitor &visit)
{
	std::vector<inspect::Record> chosen;

	if (!choice.last)
		return log.walk(0, [&](const inspect::Record &record) {
			return !choice.takes(record) || visit(record);
		});
	auto end = inspect::KernelLog::End::all;
	if (*choice.last > 0)
		end = log.walk_back([&](const inspect::Record &record) {
			if (choice.takes(record))
				chosen.push_back(record);
			return chosen.size() < *choice.last;
		});
	for (auto record = chosen.rbegin(); record != chosen.rend(); ++record)
		if (!visit(*record))
			return inspect::KernelLog::End::visitor;
	// It was not for want of a place that fewer are wanted than there are.
	return end == inspect::KernelLog::End::overlap ? end : inspect::KernelLog::End::all;
}

std::uint64_t first_chosen(const inspect::KernelLog &log, const LogChoice &choice)
{
	std::size_t found = 0;
	std::uint64_t first = 0;
	bool is_newest = true;

	if (!choice.last)
		return 0;
	log.walk_back([&](const inspect::Record &record) {
		if (std::exchange(is_newest, false))
			first = record.seq + 1;
		if (!choice.takes(record))
			return true;
		if (found == *choice.last)
			return false;
		first = record.seq;
		return ++found < *choice.last;
	});
	return first;
}

} // namespace rf
