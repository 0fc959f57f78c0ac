// SPDX-License-Identifier: GPL-2.0
// The loaded module, compared with the one that this rfm was built with: an upgrade replaces
// files, not what is loaded. They work together as far as the older of the two goes; what it
// does not know fails when it is asked for (uapi/rainforest.h).
#pragma once

#include "uapi/rainforest.h"

#include <cstdint>

namespace rf {

// The ABIs that brought what is asked for only of modules that have it.
constexpr std::uint32_t functions_abi = 3;	// RF_IOC_FUNCTIONS
constexpr std::uint32_t memory_abi = 4;		// rf_memory says what is available
constexpr std::uint32_t siblings_abi = 5;	// SMT siblings stay together, RF_SPLIT_SIBLINGS
constexpr std::uint32_t crashes_abi = 6;	// rf_status says how often it crashed

enum class Fit { same, older, newer };

constexpr Fit fit_of(const rf_info &info)
{
	if (info.abi == RF_ABI_VERSION)
		return Fit::same;
	return info.abi < RF_ABI_VERSION ? Fit::older : Fit::newer;
}

} // namespace rf
