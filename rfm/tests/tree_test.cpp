// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "host/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

class TreeTest : public testing::Test {
protected:
	TreeTest() : root_(top_.path() / "tree"), tree_(make(root_)) {}

	static std::string make(const fs::path &root)
	{
		fs::create_directory(root);
		return root;
	}
	static std::string content(const fs::path &path)
	{
		const auto bytes = test::read_file(path);

		return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
	}

	const test::TemporaryDirectory top_;
	const fs::path root_;
	const Tree tree_;
};

TEST_F(TreeTest, WritesFilesAndTheirFolders)
{
	tree_.write("etc/a/hostname", "web\n", 0640);
	tree_.write("/etc/a/hostname", "db\n", 0644);
	tree_.link("etc/wants/unit", "/lib/unit");
	tree_.make_folder("root/.ssh", 0700);

	struct stat facts {};
	EXPECT_EQ(content(root_ / "etc/a/hostname"), "db\n");
	ASSERT_EQ(::stat((root_ / "etc/a/hostname").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 0644u);
	ASSERT_EQ(::stat((root_ / "root/.ssh").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 0700u);
	EXPECT_EQ(fs::read_symlink(root_ / "etc/wants/unit"), "/lib/unit");
	EXPECT_TRUE(tree_.is_link("etc/wants/unit"));
	EXPECT_FALSE(tree_.is_link("etc/a/hostname"));
	EXPECT_FALSE(tree_.is_link("etc/none"));
	auto names = tree_.names_in("etc");
	std::ranges::sort(names);
	EXPECT_EQ(names, (std::vector<std::string>{"a", "wants"}));
	tree_.remove("etc/a/hostname");
	tree_.remove("etc/a/hostname");
	EXPECT_TRUE(fs::is_empty(root_ / "etc/a"));
}

TEST_F(TreeTest, FollowsLinksInside)
{
	// As they lead when it is the root.
	fs::create_directories(root_ / "usr/lib");
	fs::create_symlink("usr/lib", root_ / "lib");
	fs::create_symlink("/usr/etc", root_ / "etc");
	fs::create_directory(root_ / "usr/etc");

	tree_.write("lib/file", "1", 0644);
	tree_.write("etc/folder/file", "2", 0644);
	EXPECT_EQ(content(root_ / "usr/lib/file"), "1");
	EXPECT_EQ(content(root_ / "usr/etc/folder/file"), "2");
}

TEST_F(TreeTest, NoLinkLeadsOut)
{
	const fs::path outside = top_.path() / "outside";
	const std::string kept = "kept";

	fs::create_directory(outside);
	test::write_file(outside / "file", boot::as_view(kept));
	fs::create_symlink(outside, root_ / "absolute");
	fs::create_symlink("../outside", root_ / "relative");
	fs::create_symlink(outside / "file", root_ / "file");

	EXPECT_THROW(tree_.write("absolute/file", "x", 0644), Error);
	EXPECT_THROW(tree_.write("relative/file", "x", 0644), Error);
	EXPECT_THROW(tree_.make_folder("absolute", 0700), Error);
	EXPECT_THROW(tree_.remove("relative/file"), Error);
	EXPECT_THROW(tree_.open("file", O_RDONLY), Error);
	EXPECT_THROW(tree_.open("../outside/file", O_RDONLY), Error);
	// What is at the end is replaced itself.
	tree_.write("file", "x", 0644);
	EXPECT_EQ(content(root_ / "file"), "x");
	EXPECT_EQ(content(outside / "file"), kept);
	EXPECT_EQ(std::distance(fs::directory_iterator(outside), {}), 1);
}

TEST_F(TreeTest, IsNoLinkItself)
{
	fs::create_symlink(root_, top_.path() / "link");
	EXPECT_THROW(Tree{top_.path() / "link"}, Error);
}

TEST_F(TreeTest, NamesWhatFails)
{
	try {
		tree_.open("etc/none", O_RDONLY);
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		EXPECT_EQ(std::string(error.what()),
			  "'" + (root_ / "etc/none").string() + "': No such file or directory");
	}
}

} // namespace
