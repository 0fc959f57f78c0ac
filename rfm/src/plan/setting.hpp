// SPDX-License-Identifier: GPL-2.0
// Which options of a create can be changed while the subOS lives, how, and what differs between
// two sets of them.
#pragma once

#include "plan/create_options.hpp"

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

// When another value counts.
enum class Takes {
	now,		// at once, also for one that runs
	next_wait,	// by what waits for the next start
	next_start,	// with the next boot image
	resize,		// 'rfm resize' does it
	create,		// only for one that is created
};

struct Setting {
	const char *key;		// as the option of create is called
	Takes takes;
	const char *otherwise;		// what it is if it is not given
	bool can_be_empty = false;	// which is as if it were not given
	bool is_amount = false;		// a time or a number, which can be written in several ways
};

std::span<const Setting> settings();
// nullptr: create has no such option, or it is about that one command.
const Setting *find_setting(std::string_view key);

using Values = std::map<std::string, std::string>;	// of options; "yes" for switches

// What an option is, given or not: "yes" and "no" for switches.
std::string effective(const Values &values, const Setting &setting);

// Do these two mean the same, as "2m" and "120" do?
bool is_same(const Setting &setting, const std::string &one, const std::string &other);

// The options with the policies that the subOS has, of which defaults that were not given stay out.
Values with_policies(Values values, const rf_status &status);

struct SettingChange {
	std::string key, before, after;	// as effective() has them
	Takes takes;
};

// What differs, in the order of the table.
std::vector<SettingChange> setting_changes(const Values &before, const Values &after);

// The options of a definition with "KEY=VALUE" words taken in. Throws Error(usage) for what is no
// such word, Error(bad_value) for keys that cannot be set, with what can be done instead. Kernel
// and initrd become absolute; an initrd that was the kernel's own follows it.
Values with_settings(const std::string &name, Values values,
		     const std::vector<std::string> &words);

// The initrd that a create would find for the kernel, absolute; "" if there is none. Reads the
// kernel. Throws Error(bad_file) if that cannot be.
std::string own_initrd(const std::string &kernel);

} // namespace rf
