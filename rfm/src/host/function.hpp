// SPDX-License-Identifier: GPL-2.0
// PCI functions: their addresses as people write them, and what libpci and sysfs say of
// them, without the module.
#pragma once

#include "base/error.hpp"

#include "uapi/rainforest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

// "0000:00:04.0" or "00:04.0": RF_BDF(). Throws Error(bad_value) that names the word.
std::uint32_t parse_bdf(std::string_view word);

// "0000:00:04.0"
std::string format_bdf(std::uint32_t bdf);

// "0000:00:04.0,01:00.0": each function once, at most RF_FUNCTIONS_MAX.
std::vector<std::uint32_t> parse_bdfs(std::string_view list);

// Separated by commas; a blank follows each in text for people.
std::string format_bdfs(const std::vector<std::uint32_t> &bdfs, const char *separator = ",");

// ["0000:00:04.0", ...]
Json bdfs_json(const std::vector<std::uint32_t> &bdfs);

struct Function {
	std::uint32_t bdf = 0;
	std::uint32_t class_code = 0;		// class, subclass, programming interface
	std::uint16_t vendor = 0, device = 0;
	std::string class_name, vendor_name, device_name;	// numbers without pci.ids
	std::string driver;			// "" if none
	int node = -1;				// NUMA node, -1 if the firmware tells none
	bool bridge = false;
	std::optional<unsigned> msi, msix;	// vectors; not known to other users than root
	rf_reset_way reset = RF_RESET_NONE;	// as the PCI core would do it
	unsigned dma_bits = 0;			// that its driver asked for, 0 without a driver
	std::optional<unsigned> iommu_group;
	unsigned vfs = 0, vfs_most = 0;		// its virtual functions; 0 of 0: no SR-IOV
	std::optional<std::uint32_t> physical;	// it is a virtual function of this one
};

// All functions, by address. `root` stands before /sys, for tests.
std::vector<Function> read_functions(const std::string &root = "");

// Its directory in sysfs.
std::string function_dir(std::uint32_t bdf, const std::string &root = "");

const Function *find_function(const std::vector<Function> &functions, std::uint32_t bdf);

} // namespace rf
