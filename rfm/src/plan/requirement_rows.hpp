// SPDX-License-Identifier: GPL-2.0
// Rows of `rfm check` that have files of their own, for requirements.cpp.
#pragma once

#include "plan/requirements.hpp"

namespace rf {

inline constexpr const char on_command_line[] =
	" on the supervisor's kernel command line, then reboot";

// The kernel addresses cores by bits of a byte, which those of subOSes could be meant by.
bool is_logical_flat(const Machine &machine, const Platform &platform);

// abi_requirement.cpp
void add_abi(std::vector<Finding> &findings, const std::optional<ModuleFacts> &module);

// memory_requirements.cpp
Finding low_memory(const std::optional<ModuleFacts> &module);
void add_memory(std::vector<Finding> &findings, const Platform &platform,
		const std::optional<ModuleFacts> &module);

// pci_requirements.cpp
void add_devices(std::vector<Finding> &findings, const Platform &platform);
void add_passthrough(std::vector<Finding> &findings, const std::optional<ModuleFacts> &module);

} // namespace rf
