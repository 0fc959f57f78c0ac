// SPDX-License-Identifier: GPL-2.0
// What a machine needs before rf_supervisor can be loaded: the words of its kernel command
// line, computed for it, and the rows of `rfm check` that no word helps. Pure.
#pragma once

#include "host/boot_facts.hpp"
#include "plan/requirements.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

// Words that belong together, and are all on the command line of the running kernel, or not.
struct SetupWords {
	std::vector<std::string> words;
	std::string why;
	bool there = false;
};

struct SetupPlan {
	std::vector<Finding> findings;
	std::vector<SetupWords> parameters;

	std::vector<std::string> words() const;	// of all parameters
	bool all_there() const;
};

// @pool: bytes to be reserved at boot, 0 for none. Without it, what is there stays, and on a new
// machine half of memory is kept movable. What was asked for once is asked for again, so that
// a plan made after the reboot is the same. Throws Error(bad_value) or Error(not_enough).
SetupPlan plan_setup(const Machine &machine, const Platform &platform, const BootFacts &facts,
		     bool is_root, std::optional<std::uint64_t> pool = std::nullopt);

} // namespace rf
