// SPDX-License-Identifier: GPL-2.0
// The table of all verbs.
#pragma once

#include "cli/verb.hpp"

namespace rf {

std::span<const Verb *const> verbs();
const Verb *find_verb(const std::string &name);

extern const Verb check_verb, create_verb, list_verb, show_verb, top_verb, log_verb, console_verb,
	resize_verb, move_verb, return_verb, pci_verb, stop_verb, start_verb, restart_verb, destroy_verb,
	history_verb, events_verb, dump_verb, metrics_verb, map_verb, image_verb, setup_verb,
	wait_verb, set_verb, export_verb, apply_verb, help_verb, version_verb;

} // namespace rf
