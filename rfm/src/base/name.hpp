// SPDX-License-Identifier: GPL-2.0
// Names of subOSes.
#pragma once

#include <string>
#include <string_view>

namespace rf {

// Throws Error(bad_value) unless the name matches [a-z0-9][a-z0-9_-]{0,30}.
void check_name(std::string_view name);

} // namespace rf
