// SPDX-License-Identifier: GPL-2.0
// PCI functions: what libpci and sysfs say of them, without the module.
#pragma once

#include "uapi/rainforest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rf {

struct PciFunction {
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
std::vector<PciFunction> read_functions(const std::string &root = "");

// Its directory in sysfs.
std::string function_dir(std::uint32_t bdf, const std::string &root = "");

const PciFunction *find_function(const std::vector<PciFunction> &functions, std::uint32_t bdf);

} // namespace rf
