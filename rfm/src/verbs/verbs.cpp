// SPDX-License-Identifier: GPL-2.0
#include "verbs/verbs.hpp"

#include <algorithm>
#include <array>

namespace rf {

namespace {

constexpr std::array table{
	&check_verb,   &create_verb,  &list_verb,   &show_verb,	   &top_verb,	 &log_verb,
	&console_verb, &resize_verb,  &move_verb,    &return_verb, &pci_verb,	 &stop_verb,
	&start_verb,   &restart_verb, &destroy_verb, &history_verb, &events_verb, &dump_verb,
	&metrics_verb, &map_verb,     &image_verb,   &setup_verb,   &wait_verb,	 &set_verb,
	&export_verb,  &apply_verb,   &help_verb,    &version_verb,
};

} // namespace

std::span<const Verb *const> verbs()
{
	return table;
}

const Verb *find_verb(const std::string &name)
{
	const auto found = std::find_if(table.begin(), table.end(),
					[&](const Verb *verb) { return verb->name == name; });
	return found == table.end() ? nullptr : *found;
}

} // namespace rf
