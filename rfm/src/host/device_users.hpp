// SPDX-License-Identifier: GPL-2.0
// Who uses a PCI function on this machine: what taking it away would break.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rf {

// Each use in words: "nvme0n1p1 is mounted on /", "the network interface eth0 is up".
// `root` stands before /sys, /proc and /dev, for tests.
std::vector<std::string> uses_of(std::uint32_t bdf, const std::string &root = "");

// Throws Error(busy) that names the first of these functions that is in use, and all
// that uses it.
void check_unused(const std::vector<std::uint32_t> &bdfs, const std::string &root = "");

} // namespace rf
