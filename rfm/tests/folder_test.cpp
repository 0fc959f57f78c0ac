// SPDX-License-Identifier: GPL-2.0
// What others do to folders in which root works. Needs root, to be others.
#include "fixture.hpp"
#include "host/folder.hpp"
#include "host/new_file.hpp"
#include "host/work_folder.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

constexpr uid_t alice = 12345;

class FolderTest : public testing::Test {
protected:
	void SetUp() override
	{
		if (::geteuid() != 0)
			GTEST_SKIP() << "not root";
		::unsetenv("TMPDIR");
		::chmod(top_.path().c_str(), 0755);
		for (const char *name : {"roots", "hers", "all", "sticky"})
			fs::create_directory(top_.path() / name);
		give("hers");
		::chmod(at("all").c_str(), 0777);
		::chmod(at("sticky").c_str(), 01777);
	}

	std::string at(const std::string &name) const { return top_.path() / name; }
	void give(const std::string &name) const
	{
		ASSERT_EQ(::lchown(at(name).c_str(), alice, alice), 0);
	}
	void link(const std::string &name, const std::string &target) const
	{
		fs::create_symlink(target, at(name));
	}
	std::string refusal(const std::string &name) const
	{
		try {
			Folder::open(at(name));
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_file);
			return error.what();
		}
		return "";
	}
	bool is_same(const Folder &folder, const std::string &name) const
	{
		struct stat a {}, b {};

		return ::fstat(folder.fd(), &a) == 0 && ::stat(at(name).c_str(), &b) == 0 &&
		       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
	}

	test::TemporaryDirectory top_;
};

TEST_F(FolderTest, FollowsLinksOfRoot)
{
	fs::create_directory(at("roots/inner"));
	link("roots/relative", "../roots/./inner");
	link("roots/absolute", at("roots/relative"));
	link("sticky/link", at("roots"));

	EXPECT_TRUE(is_same(Folder::open(at("roots/inner")), "roots/inner"));
	EXPECT_TRUE(is_same(Folder::open(at("roots/relative")), "roots/inner"));
	EXPECT_TRUE(is_same(Folder::open(at("roots/absolute/../inner//.")), "roots/inner"));
	EXPECT_TRUE(is_same(Folder::open(at("sticky/link")), "roots"));
	EXPECT_TRUE(is_same(Folder::open(at("hers")), "hers"));
}

TEST_F(FolderTest, FollowsNoLinkThatOthersCanReplace)
{
	for (const char *name : {"hers", "all", "sticky"}) {
		const std::string mine = std::string(name) + "/mine";
		link(mine, at("roots"));
		const bool refused = refusal(mine).find("others than root can replace") !=
				     std::string::npos;
		EXPECT_EQ(refused, std::string_view(name) != "sticky") << name;
	}
	link("sticky/hers", at("roots"));
	give("sticky/hers");
	EXPECT_NE(refusal("sticky/hers").find("'" + at("sticky/hers") + "': a link"),
		  std::string::npos);
	// Also in the middle, and behind a link of root.
	link("roots/link", at("hers/mine"));
	fs::create_directory(at("roots/inner"));
	EXPECT_NE(refusal("hers/mine/inner"), "");
	EXPECT_NE(refusal("roots/link/inner"), "");
}

TEST_F(FolderTest, SaysWhatIsWrong)
{
	const std::string nothing;

	test::write_file(at("file"), boot::as_view(nothing));
	link("roots/round", "round");
	EXPECT_NE(refusal("none").find("'" + at("none") + "': No such file"), std::string::npos);
	EXPECT_NE(refusal("file").find("Not a directory"), std::string::npos);
	EXPECT_NE(refusal("file/more").find("Not a directory"), std::string::npos);
	EXPECT_NE(refusal("roots/round").find("Too many levels"), std::string::npos);
}

TEST_F(FolderTest, KnowsWhatOthersCanReplace)
{
	fs::create_directory(at("sticky/roots"));
	fs::create_directory(at("sticky/hers"));
	fs::create_directory(at("hers/roots"));
	give("sticky/hers");

	EXPECT_EQ(Folder::open(at("roots")).exposed(), "");
	EXPECT_EQ(Folder::open(at("sticky")).exposed(), "");
	EXPECT_EQ(Folder::open(at("sticky/roots")).exposed(), "");
	EXPECT_EQ(Folder::open(at("all")).exposed(), at("all/*"));
	EXPECT_EQ(Folder::open(at("hers")).exposed(), at("hers/*"));
	EXPECT_EQ(Folder::open(at("hers/roots")).exposed(), at("hers/roots"));
	EXPECT_EQ(Folder::open(at("sticky/hers")).exposed(), at("sticky/hers"));
}

TEST_F(FolderTest, MakesWhatIsMissing)
{
	EXPECT_TRUE(is_same(Folder::make(at("roots/a/b/")), "roots/a/b"));
	EXPECT_TRUE(is_same(Folder::make(at("roots/a/b")), "roots/a/b"));
	link("hers/link", at("roots"));
	EXPECT_THROW(Folder::make(at("hers/link/c")), Error);
	EXPECT_FALSE(fs::exists(at("roots/c")));
	link("hers/dangling", at("roots/d"));
	EXPECT_THROW(Folder::make(at("hers/dangling")), Error);
	EXPECT_FALSE(fs::exists(at("roots/d")));
}

TEST_F(FolderTest, FindsWhatIsNoFolder)
{
	struct stat facts {};

	link("roots/null", "/dev/null");
	const Descriptor found = Folder::find(at("roots/null"));
	ASSERT_EQ(::fstat(found.get(), &facts), 0);
	EXPECT_TRUE(S_ISCHR(facts.st_mode));
	EXPECT_FALSE(Folder::find(at("roots/none")).valid());
	EXPECT_FALSE(Folder::find(at("none/none")).valid());
	link("hers/null", "/dev/null");
	EXPECT_THROW(Folder::find(at("hers/null")), Error);
}

TEST_F(FolderTest, NewFileStaysInItsFolder)
{
	const std::string secret = "root's";

	test::write_file(at("roots/image"), boot::as_view(secret));
	for (const bool replace : {false, true}) {
		fs::create_directory(at("hers/x"));
		NewFile file(at("hers/x/image"), replace);
		file.set_size(4096);
		// She has another folder there when it is finished, in which it would be replaced.
		fs::rename(at("hers/x"), at("hers/y"));
		link("hers/x", at("roots"));
		file.finish();
		EXPECT_EQ(fs::file_size(at("hers/y/image")), 4096u);
		EXPECT_EQ(fs::file_size(at("roots/image")), secret.size());
		EXPECT_EQ(std::distance(fs::directory_iterator(at("roots")), {}), 1);
		fs::remove(at("hers/x"));
		fs::remove_all(at("hers/y"));
	}
	link("hers/x", at("roots"));
	EXPECT_THROW(NewFile(at("hers/x/other"), false), Error);
	EXPECT_EQ(std::distance(fs::directory_iterator(at("roots")), {}), 1);
}

TEST_F(FolderTest, NewFileIsWrittenThroughItsDescriptor)
{
	const std::string secret = "root's";
	fs::path partial;

	test::write_file(at("roots/shadow"), boot::as_view(secret));
	NewFile file(at("hers/image"), false);
	for (const auto &entry : fs::directory_iterator(at("hers")))
		partial = entry.path();
	fs::remove(partial);
	fs::create_symlink(at("roots/shadow"), partial);
	file.set_size(4096);
	struct stat facts {};
	ASSERT_EQ(::fstat(file.fd(), &facts), 0);
	EXPECT_EQ(facts.st_size, 4096);
	EXPECT_THROW(file.finish(), Error);
	EXPECT_FALSE(fs::is_symlink(at("hers/image")));
	EXPECT_EQ(fs::file_size(at("roots/shadow")), secret.size());
}

TEST_F(FolderTest, WorkFoldersAreRoots)
{
	for (const char *name : {"roots", "sticky"}) {
		const WorkFolder work(at(name));
		struct stat facts {};

		ASSERT_EQ(::stat(work.fence().c_str(), &facts), 0);
		EXPECT_EQ(facts.st_mode & 07777, 0700u);
		EXPECT_EQ(facts.st_uid, 0u);
		EXPECT_EQ(work.fence().parent_path(), at(name));
	}
	for (const char *name : {"hers", "all"}) {
		EXPECT_THROW(WorkFolder{at(name)}, Error);
		EXPECT_TRUE(fs::is_empty(at(name)));
	}
	::setenv("TMPDIR", at("hers").c_str(), 1);
	try {
		const WorkFolder work(at("roots"));
		FAIL();
	} catch (const Error &error) {
		EXPECT_NE(std::string(error.what()).find("folder '" + at("hers") + "' is not"),
			  std::string::npos);
		EXPECT_NE(std::string(error.what()).find("set TMPDIR"), std::string::npos);
	}
	::unsetenv("TMPDIR");
}

TEST(WorkFolderMount, HasToTakeProgramsAndDevices)
{
	EXPECT_EQ(unfit_options(0), "");
	EXPECT_EQ(unfit_options(ST_NOSUID | ST_RELATIME), "");
	EXPECT_EQ(unfit_options(ST_NODEV), "nodev");
	EXPECT_EQ(unfit_options(ST_RDONLY | ST_NODEV | ST_NOEXEC | ST_NOSUID), "ro, nodev, noexec");
}

TEST(WorkFolderMount, IsLookedAtBeforeAnythingIsMade)
{
	struct statvfs mount {};
	std::string folder;

	for (const char *each : {"/proc", "/sys", "/dev/shm", "/dev/mqueue", "/run"})
		if (folder.empty() && ::statvfs(each, &mount) == 0 &&
		    !unfit_options(mount.f_flag).empty())
			folder = each;
	if (folder.empty())
		GTEST_SKIP() << "all file systems here are mounted so that they can take programs";
	ASSERT_EQ(::statvfs(folder.c_str(), &mount), 0);
	try {
		const WorkFolder work(folder);
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		EXPECT_NE(std::string(error.what())
				  .find("mounted " + unfit_options(mount.f_flag) + ", and"),
			  std::string::npos)
			<< error.what();
		EXPECT_NE(std::string(error.what()).find("set TMPDIR"), std::string::npos);
	}
}

} // namespace
