// SPDX-License-Identifier: GPL-2.0
// Options whose value is a time. How long rfm waits is --timeout in every verb.
#pragma once

#include "base/duration.hpp"
#include "cli/verb.hpp"

namespace rf {

// The option's time, or `otherwise` without it. Throws like parse_duration().
Milliseconds time_option(const Request &request, const std::string &option, Milliseconds least,
			 Milliseconds most, Milliseconds otherwise);

// --timeout: up to a day; `least` is 0 where not to wait makes sense.
Milliseconds time_limit(const Request &request, Milliseconds otherwise,
			Milliseconds least = Milliseconds(0));

} // namespace rf
