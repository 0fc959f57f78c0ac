// SPDX-License-Identifier: GPL-2.0
#include "operations/subos_modules.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

TEST(SubosModules, AreThoseOfUseAndWhatTheyNeed)
{
	const auto found = modules_for_subos(
		"kernel/drivers/net/ethernet/igb.ko: kernel/drivers/i2c/algos/i2c-algo-bit.ko "
		"kernel/drivers/dca/dca.ko\n"
		"kernel/drivers/i2c/algos/i2c-algo-bit.ko:\n"
		"kernel/drivers/dca/dca.ko:\n"
		"kernel/drivers/nvme/host/nvme.ko.xz: kernel/drivers/nvme/host/nvme-core.ko.xz\n"
		"kernel/drivers/nvme/host/nvme-core.ko.xz:\n"
		"kernel/drivers/gpu/drm/drm.ko: kernel/drivers/i2c/i2c-core.ko\n"
		"kernel/sound/soundcore.ko:\n"
		"kernel/drivers/net/wireless/iwl.ko: kernel/net/wireless/cfg80211.ko\n"
		"kernel/fs/ext4/ext4.ko: kernel/fs/jbd2/jbd2.ko\n"
		"kernel/fs/jbd2/jbd2.ko:\n"
		"updates/rf_subos.ko: updates/rf_ficm.ko\n");

	EXPECT_EQ(found, (std::vector<std::string>{
				 "kernel/drivers/dca/dca.ko",
				 "kernel/drivers/i2c/algos/i2c-algo-bit.ko",
				 "kernel/drivers/net/ethernet/igb.ko",
				 "kernel/drivers/nvme/host/nvme-core.ko.xz",
				 "kernel/drivers/nvme/host/nvme.ko.xz",
				 "kernel/fs/ext4/ext4.ko",
				 "kernel/fs/jbd2/jbd2.ko",
			 }));
}

TEST(SubosModules, ListsThatMakeNoSenseEnd)
{
	EXPECT_TRUE(modules_for_subos("").empty());
	EXPECT_TRUE(modules_for_subos("nonsense\n:\n\n").empty());
	// In a circle.
	EXPECT_EQ(modules_for_subos("kernel/fs/a.ko: kernel/fs/b.ko\n"
				    "kernel/fs/b.ko: kernel/fs/a.ko").size(),
		  2u);
}

} // namespace
