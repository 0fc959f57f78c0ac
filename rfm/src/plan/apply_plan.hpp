// SPDX-License-Identifier: GPL-2.0
// What has to be done that subOSes are as their definitions say. Pure.
#pragma once

#include "plan/definition_files.hpp"
#include "plan/resize_plan.hpp"
#include "plan/setting.hpp"

namespace rf {

// In words, as it is shown.
struct Difference {
	std::string key, before, after;
};

// What one of them takes. If it is to be created, nothing else.
struct ApplyPlan {
	const Wanted *wanted = nullptr;
	bool create = false;
	bool start = false;			// it is there, and not running although it should
	std::uint32_t state = 0;		// enum rf_state of one that is there
	std::vector<Difference> resize;		// while it runs
	std::vector<SettingChange> set;		// at any time
	std::vector<SettingChange> restart;	// with a restart

	const std::string &name() const { return wanted->name(); }
	bool is_empty() const
	{
		return !create && !start && resize.empty() && set.empty() && restart.empty();
	}
	// Only with a start of its kernel, which is for the operator to want.
	bool needs_restart() const { return start || !restart.empty(); }
	// While it goes on running, not after a start.
	bool is_resized() const { return !resize.empty() && !start; }
};

// What is compared with a definition.
struct Present {
	Definition definition;
	rf_status status{};
	std::vector<unsigned> cores;	// own_cores()
};

// `own_initrd`: of the wanted kernel, for a definition that names none. Throws Error(bad_value)
// for what cannot be changed while it exists, Error(busy) if it is changing right now,
// Error(not_up) if it would have to be running and cannot be asked to stop.
ApplyPlan plan_apply(const Wanted &wanted, const Present &present, const std::string &own_initrd);

// Memory comes and goes in blocks: as much as was wanted, or up to one block more.
bool is_enough_memory(const rf_status &status, std::uint64_t wanted);

// "on-crash=restart": what with_settings() wants.
std::vector<std::string> setting_words(const std::vector<SettingChange> &changes);
// Those of plan.restart. With a kernel comes the initrd that is wanted, even if it is the same:
// else the one that is set with a kernel follows it.
std::vector<std::string> restart_words(const ApplyPlan &plan);

} // namespace rf
