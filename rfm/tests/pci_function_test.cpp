// SPDX-License-Identifier: GPL-2.0
#include "host/pci_function.hpp"

#include "fixture.hpp"
#include "sysfs.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

TEST(PciFunction, WhatSysfsSays)
{
	test::Sysfs sysfs;
	sysfs.add_function("0000:01:00.0", {.vendor = 0x1b36, .device = 0x10, .class_code = 0x010802,
					    .msi = 8, .msix = 65});
	sysfs.link("bus/pci/devices/0000:01:00.0/driver", "bus/pci/drivers/nvme");
	sysfs.link("bus/pci/devices/0000:01:00.0/iommu_group", "kernel/iommu_groups/7");
	sysfs.write("bus/pci/devices/0000:01:00.0/reset_method", "flr pm bus");
	sysfs.write("bus/pci/devices/0000:01:00.0/dma_mask_bits", "64");
	sysfs.write("bus/pci/devices/0000:01:00.0/sriov_totalvfs", "4");
	sysfs.write("bus/pci/devices/0000:01:00.0/sriov_numvfs", "2");
	sysfs.add_function("0000:00:04.0", {.vendor = 0x1af4, .device = 0x1041,
					    .class_code = 0x020000});
	sysfs.write("bus/pci/devices/0000:00:04.0/reset_method", "pm");
	sysfs.add_function("0000:00:02.0", {.vendor = 0x1b36, .device = 0xc, .class_code = 0x060400});

	const std::vector<PciFunction> functions = read_functions(sysfs.root());
	ASSERT_EQ(functions.size(), 3u);
	const PciFunction &bridge = functions[0], &net = functions[1], &nvme = functions[2];

	EXPECT_TRUE(bridge.bridge);
	EXPECT_EQ(bridge.reset, RF_RESET_NONE);
	EXPECT_EQ(net.bdf, RF_BDF(0, 0, 0x20));
	EXPECT_FALSE(net.bridge);
	EXPECT_EQ(net.msi, 0u);
	EXPECT_EQ(net.msix, 0u);
	// Power management stops no DMA for certain; virtio has a reset of its own.
	EXPECT_EQ(net.reset, RF_RESET_VIRTIO);
	EXPECT_EQ(net.driver, "");
	EXPECT_EQ(net.iommu_group, std::nullopt);
	EXPECT_EQ(nvme.class_code, 0x010802u);
	EXPECT_EQ(nvme.vendor, 0x1b36);
	EXPECT_EQ(nvme.driver, "nvme");
	EXPECT_EQ(nvme.iommu_group, 7u);
	EXPECT_EQ(nvme.msi, 8u);
	EXPECT_EQ(nvme.msix, 65u);
	EXPECT_EQ(nvme.reset, RF_RESET_FUNCTION);
	EXPECT_EQ(nvme.dma_bits, 64u);
	EXPECT_EQ(nvme.vfs, 2u);
	EXPECT_EQ(nvme.vfs_most, 4u);
	EXPECT_EQ(find_function(functions, nvme.bdf), &nvme);
	EXPECT_EQ(find_function(functions, RF_BDF(0, 9, 0)), nullptr);
}

TEST(PciFunction, NoPciBusAtAll)
{
	EXPECT_TRUE(read_functions("/nonexistent").empty());
}

} // namespace
} // namespace rf
