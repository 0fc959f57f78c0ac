// SPDX-License-Identifier: GPL-2.0
// The loaded module, compared with the one that this rfm was built with: an upgrade replaces
// files, not what is loaded. They work together as far as the older of the two goes; what it
// does not know fails when it is asked for (uapi/rainforest.h).
#pragma once

#include "uapi/rainforest.h"

namespace rf {

enum class Fit { same, older, newer };

constexpr Fit fit_of(const rf_info &info)
{
	if (info.abi == RF_ABI_VERSION)
		return Fit::same;
	return info.abi < RF_ABI_VERSION ? Fit::older : Fit::newer;
}

} // namespace rf
