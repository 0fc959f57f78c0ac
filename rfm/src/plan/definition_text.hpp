// SPDX-License-Identifier: GPL-2.0
// A subOS as a definition that can be read again: its options, with what it has by now.
#pragma once

#include "client/supervisor.hpp"
#include "plan/setting.hpp"

#include <span>
#include <string>
#include <vector>

namespace rf {

// The cores of a subOS, boot core first: without those that it borrowed, with those that it lent.
std::vector<unsigned> own_cores(const rf_status &status, const std::vector<rf_core> &cores);

// The options with which a create would make it as it is now. `own`: own_cores().
Values present_values(const Definition &definition, const rf_status &status,
		      const std::vector<unsigned> &own);

// As a TOML table, as parse_definitions() reads it: the keys in the order of `options`.
std::string definition_text(const std::string &name, const Values &values,
			    std::span<const Option> options);

} // namespace rf
