// SPDX-License-Identifier: GPL-2.0
// Virtual functions (SR-IOV) are made and removed through sysfs.
#pragma once

#include "client/problem.hpp"

namespace rf {

// Those that there are, in the order of their numbers. `root` stands before /sys, for tests.
std::vector<std::uint32_t> virtual_functions(std::uint32_t physical, const std::string &root = "");

// Makes `count` of them, which no driver of this kernel takes; 0 removes all. `inventory`
// tells which ones are lent; nothing without the module. Throws an Error if that cannot be,
// with nothing changed.
void set_virtual_functions(std::uint32_t physical, unsigned count,
			   const std::optional<Inventory> &inventory, const std::string &root = "");

} // namespace rf
