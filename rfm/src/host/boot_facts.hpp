// SPDX-License-Identifier: GPL-2.0
// What only `rfm setup` wants to know: where memory is, and how the machine boots.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rf {

struct MemoryRange {
	std::uint64_t start = 0, size = 0;

	std::uint64_t end() const { return start + size; }
	bool operator==(const MemoryRange &) const = default;
};

struct BootFacts {
	std::vector<MemoryRange> ram;	// ascending; none: only root sees where it is
	bool has_dmar = false;		// the firmware tells of Intel's IOMMU
	bool secure_boot = false;
	std::string drop_in;		// what `rfm setup` wrote for GRUB, "" if there is nothing
};

// What `rfm setup` writes.
inline constexpr const char drop_in_folder[] = "/etc/default/grub.d";
inline constexpr const char drop_in_name[] = "rainforest.cfg";

BootFacts read_boot_facts();

// RAM as /proc/iomem has it, with what rf_supervisor took of it; neighbours joined. None of
// it if the addresses are hidden.
std::vector<MemoryRange> parse_ram(const std::string &iomem);

// The same, with ranges in ascending order that may touch.
std::vector<MemoryRange> join_ranges(std::vector<MemoryRange> ranges);

} // namespace rf
