// SPDX-License-Identifier: GPL-2.0
// Other options for a subOS that exists: those that count at once, and those of its next start.
#pragma once

#include "client/supervisor.hpp"
#include "cli/phases.hpp"
#include "plan/setting.hpp"

namespace rf {

class SetOperation {
public:
	// Checks all of it as a start would, and reads the files that would be booted if they
	// change. `force`: a kernel may lack something. Throws Error(busy) if that cannot be in
	// its state, with nothing changed.
	SetOperation(const Supervisor &supervisor, const std::string &name,
		     const std::vector<std::string> &words, bool force, Phases &phases);

	const std::vector<SettingChange> &changes() const { return changes_; }
	const std::vector<std::string> &notes() const { return notes_; }

	// All of it or nothing.
	void apply() const;
	// What was before.
	void undo() const;

private:
	void check(const Supervisor &supervisor, const rf_status &status, bool force,
		   Phases &phases);
	bool changes_at(Takes takes) const;
	void put(const std::string &definition, const rf_policies &policies) const;

	const Partition subos_;
	std::string before_, after_;	// definitions
	CreateOptions was_, wanted_;
	std::vector<SettingChange> changes_;
	std::vector<std::string> notes_;
};

} // namespace rf
