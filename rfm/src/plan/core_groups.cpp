// SPDX-License-Identifier: GPL-2.0
#include "plan/core_groups.hpp"

#include <algorithm>

namespace rf {

namespace {

bool overlap(const std::vector<unsigned> &some, const std::vector<unsigned> &others)
{
	return std::ranges::find_first_of(some, others) != some.end();
}

} // namespace

Counts possible_counts(const Groups &groups, const std::vector<unsigned> &picked)
{
	Counts counts(1);

	for (const std::vector<unsigned> &group : groups)
		if (!overlap(group, picked))
			counts |= counts << group.size();
	return counts;
}

void pick_groups(const Groups &groups, std::size_t count, const Loses &loses, bool exactly,
		 std::vector<unsigned> &picked)
{
	for (const std::vector<unsigned> &group : groups) {
		std::vector<unsigned> with = picked;

		with.insert(with.end(), group.begin(), group.end());
		if (overlap(group, picked) || with.size() > count || (loses && loses(with)) ||
		    (exactly && !possible_counts(groups, with)[count - with.size()]))
			continue;
		picked = std::move(with);
	}
}

} // namespace rf
