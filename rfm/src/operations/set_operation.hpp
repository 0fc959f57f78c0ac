// SPDX-License-Identifier: GPL-2.0
// Other options for a subOS that exists: those that count at once, and those of its next start.
#pragma once

#include "client/supervisor.hpp"
#include "cli/phases.hpp"
#include "plan/setting.hpp"

namespace rf {

// Several rfm can do this at once, and none of them loses what another has set.
class SetOperation {
public:
	// Checks all of it as a start would, and reads the files that would be booted if they
	// change. `force`: a kernel may lack something. Throws Error(busy) if that cannot be in
	// its state, with nothing changed.
	SetOperation(const Supervisor &supervisor, const std::string &name,
		     const std::vector<std::string> &words, bool force, Phases &phases);

	const std::vector<SettingChange> &changes() const { return changes_; }
	const std::vector<std::string> &notes() const { return notes_; }
	// How many restarts were left, if they are filled up and nothing else changes.
	std::optional<std::uint32_t> restarts_filled_up() const;

	// All of it or nothing; checked again if the options are others by now. Policies that were
	// given are told to the supervisor even if it was told before.
	void apply();
	// What was before, of what is still as it was set.
	void undo();

private:
	void prepare(const std::string &before);
	void check(const rf_status &status);
	bool changes_at(Takes takes) const;
	void put(const std::string &before, const std::string &after, const rf_policies *policies) const;

	const Supervisor &supervisor_;
	const Partition subos_;
	const std::vector<std::string> words_;
	const bool force_;
	Phases &phases_;
	std::string before_, after_;	// definitions
	Values was_;			// options
	CreateOptions wanted_;
	std::uint32_t restarts_left_ = 0;
	bool has_policies_ = false;	// among the words
	std::vector<SettingChange> changes_;
	std::vector<std::string> notes_;
};

} // namespace rf
