// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "host/open_inside.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <linux/openat2.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

TEST(OpenInside, StaysInside)
{
	const test::TemporaryDirectory top;
	fs::create_directories(top.path() / "in/folder");
	fs::create_symlink("/folder", top.path() / "in/link");
	const Descriptor root(::open((top.path() / "in").c_str(), O_PATH | O_DIRECTORY));

	EXPECT_TRUE(open_inside(root.get(), "../../folder", O_PATH, RESOLVE_IN_ROOT).valid());
	EXPECT_TRUE(open_inside(root.get(), "link", O_PATH, RESOLVE_IN_ROOT).valid());
	EXPECT_FALSE(open_inside(root.get(), "none", O_PATH, RESOLVE_IN_ROOT).valid());
	EXPECT_EQ(errno, ENOENT);
	EXPECT_FALSE(open_inside(root.get(), "..", O_PATH, RESOLVE_BENEATH).valid());
	EXPECT_EQ(errno, EXDEV);
}

// Whatever is renamed elsewhere.
TEST(OpenInside, RenamesDoNotDisturb)
{
	const test::TemporaryDirectory top;
	fs::create_directories(top.path() / "in/folder");
	const Descriptor root(::open((top.path() / "in").c_str(), O_PATH | O_DIRECTORY));
	const std::string one = top.path() / "one", two = top.path() / "two";
	std::atomic<bool> over = false;
	fs::create_directory(one);
	std::thread renames([&] {
		while (!over) {
			std::rename(one.c_str(), two.c_str());
			std::rename(two.c_str(), one.c_str());
		}
	});

	for (int i = 0; i < 1000; i++)
		EXPECT_TRUE(open_inside(root.get(), "folder/../folder/..", O_PATH, RESOLVE_IN_ROOT)
				    .valid())
			<< std::strerror(errno);
	over = true;
	renames.join();
}

} // namespace
