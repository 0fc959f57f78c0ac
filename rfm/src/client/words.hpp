// SPDX-License-Identifier: GPL-2.0
// Words for the numbers of the ABI, "?" for ones it does not have.
#pragma once

#include <cstdint>

namespace rf {

const char *state_name(std::uint32_t state);
const char *stage_name(std::uint32_t stage);
const char *cause_name(std::uint32_t cause);
const char *event_name(std::uint32_t type);
const char *policy_name(std::uint32_t policy);

} // namespace rf
