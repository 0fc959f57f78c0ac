// SPDX-License-Identifier: GPL-2.0
#include "base/cpulist.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>

namespace rf {

namespace {

// Far above what any x86 kernel supports (CONFIG_NR_CPUS is 8192): keeps a
// typing error from becoming a list of billions.
constexpr unsigned cpu_limit = 65536;

[[noreturn]] void refuse(std::string_view list, std::string_view part)
{
	throw Error(Code::bad_value,
		    text("core list '", list, "' is not acceptable at '", part,
			 "': give logical core numbers and ranges, such as 2-3,5"));
}

unsigned parse_cpu(std::string_view list, std::string_view part, std::string_view digits)
{
	unsigned cpu = 0;
	const char *last = digits.data() + digits.size();
	const auto [end, error] = std::from_chars(digits.data(), last, cpu);

	if (digits.empty() || error != std::errc{} || end != last || cpu >= cpu_limit)
		refuse(list, part);
	return cpu;
}

} // namespace

std::vector<unsigned> parse_cpulist(std::string_view list)
{
	std::vector<unsigned> cpus;
	std::size_t from = 0;

	while (from <= list.size()) {
		const std::size_t comma = std::min(list.find(',', from), list.size());
		const std::string_view part = list.substr(from, comma - from);
		const std::size_t dash = part.find('-');
		const unsigned first = parse_cpu(list, part, part.substr(0, dash));
		const unsigned last =
			dash == part.npos ? first : parse_cpu(list, part, part.substr(dash + 1));
		if (last < first)
			refuse(list, part);
		for (unsigned cpu = first; cpu <= last; cpu++) {
			if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end())
				throw Error(Code::bad_value,
					    text("core ", cpu, " is named twice in '", list,
						 "': name each core once"));
			cpus.push_back(cpu);
		}
		from = comma + 1;
	}
	return cpus;
}

std::string format_cpulist(const std::vector<unsigned> &cpus)
{
	std::string list;

	for (std::size_t i = 0; i < cpus.size();) {
		std::size_t end = i + 1;
		while (end < cpus.size() && cpus[end] == cpus[end - 1] + 1)
			end++;
		if (!list.empty())
			list += ',';
		list += std::to_string(cpus[i]);
		if (end - i > 1)
			list += '-' + std::to_string(cpus[end - 1]);
		i = end;
	}
	return list;
}

} // namespace rf
