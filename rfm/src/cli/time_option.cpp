// SPDX-License-Identifier: GPL-2.0
#include "cli/time_option.hpp"

namespace rf {

Milliseconds time_option(const Request &request, const std::string &option, Milliseconds least,
			 Milliseconds most, Milliseconds otherwise)
{
	const auto value = request.value(option);

	return value ? parse_duration(option, *value, least, most) : otherwise;
}

Milliseconds time_limit(const Request &request, Milliseconds otherwise, Milliseconds least)
{
	return time_option(request, "timeout", least, std::chrono::hours(24), otherwise);
}

} // namespace rf
