// SPDX-License-Identifier: GPL-2.0
#pragma once

namespace rf {

inline constexpr const char *tool_version = "0.1.0";

} // namespace rf
