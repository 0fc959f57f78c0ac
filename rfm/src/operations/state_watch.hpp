// SPDX-License-Identifier: GPL-2.0
// One subOS that somebody waits for, as its events and its status tell. Pure: unit tests can make
// up both.
#pragma once

#include "base/error.hpp"

#include "uapi/rainforest.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace rf {

// Not a state of the module: there is no subOS of this name.
inline constexpr const char *gone_state = "gone";

// "running,gone": names as 'rfm list' shows them, and `gone`. Throws Error(bad_value).
std::set<std::string> parse_states(const std::string &list);

class StateWatch {
public:
	// An end counts when it has lasted for so long: 'rfm restart' passes through one, which
	// lasts until memory is cleared and functions are reset.
	static constexpr std::uint64_t settle_ns = 2'000'000'000;
	static constexpr std::uint64_t settle_per_gib_ns = 1'000'000'000;
	static constexpr std::uint64_t settle_per_function_ns = 1'000'000'000;

	StateWatch(std::string name, std::set<std::string> wanted)
		: name_(std::move(name)), wanted_(std::move(wanted)) {}

	// What happened before the wait says only whether a policy is at work.
	void remember(const rf_event &event);
	// What happened since, in order. States that it passed through count.
	void see(const rf_event &event);
	// How it is right now; `now`: monotonic_ns().
	void see(const rf_status &status, std::uint64_t now);
	void see_absent();

	const std::string &name() const { return name_; }
	const std::string &state() const { return state_; }	// the last one known
	const std::optional<std::string> &arrived() const { return arrived_; }
	// Why none of the states is going to be reached any more.
	std::optional<Error> failure(std::uint64_t now) const;
	// When failure() has to be asked again although nothing happened; 0: never.
	std::uint64_t doubtful_until() const;

private:
	// What its policy does about its end, as far as is known.
	enum class Policy { unknown, at_work, gave_up };

	void enter(const std::string &state);
	bool wants(const std::string &state) const { return wanted_.contains(state); }

	std::string name_;
	std::set<std::string> wanted_;
	std::string state_ = gone_state, described_;
	std::optional<std::string> arrived_;
	Policy policy_ = Policy::unknown;
	bool was_there_ = false, destroyed_ = false;
	std::uint64_t ended_since_ = 0;
	std::uint64_t settle_ = settle_ns;	// what it takes, with what it has
};

} // namespace rf
