// SPDX-License-Identifier: GPL-2.0
#include "host/module_build.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace {

namespace fs = std::filesystem;

class ModuleBuild : public testing::Test {
protected:
	void SetUp() override
	{
		std::string name = testing::TempDir() + "rfm-build-XXXXXX";
		ASSERT_NE(::mkdtemp(name.data()), nullptr);
		root = name + "/";
		fs::create_directories(root + "usr/src");
		fs::create_directories(root + "lib/modules/6.1.0-9-amd64");
	}

	void TearDown() override { fs::remove_all(root); }

	void touch(const std::string &path)
	{
		fs::create_directories(fs::path(root + path).parent_path());
		std::ofstream(root + path) << "\n";
	}

	std::string said() const { return rf::how_to_build("6.1.0-9-amd64", root); }

	std::string root;
};

// dkms succeeds, and does nothing, where there is no source for it.
TEST_F(ModuleBuild, IsForDkmsIfThatCan)
{
	EXPECT_EQ(said(), "apt install linux-headers-6.1.0-9-amd64 && make install, in rainforest's "
			  "source tree");
	touch("usr/src/linux-headers-6.1.0-9-amd64/dkms.conf");
	EXPECT_NE(said().find("make install"), std::string::npos);
	touch("usr/src/rainforest-0.1/dkms.conf");
	EXPECT_EQ(said(), "apt install linux-headers-6.1.0-9-amd64 && dkms autoinstall -k "
			  "6.1.0-9-amd64");
	touch("lib/modules/6.1.0-9-amd64/build/Makefile");
	EXPECT_EQ(said(), "dkms autoinstall -k 6.1.0-9-amd64");
	fs::remove_all(root + "usr/src/rainforest-0.1");
	EXPECT_EQ(said(), "make install, in rainforest's source tree");
}

} // namespace
