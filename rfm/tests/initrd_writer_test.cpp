// SPDX-License-Identifier: GPL-2.0
// What is packed comes out of the program cpio again.
#include "fixture.hpp"
#include "host/initrd_writer.hpp"

#include <gtest/gtest.h>

#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

class InitrdWriterTest : public testing::Test {
protected:
	InitrdWriterTest() { fs::create_directories(tree()); }

	fs::path tree() const { return top_.path() / "tree"; }
	fs::path image() const { return top_.path() / "initrd"; }

	void put(const std::string &name, const std::string &content)
	{
		fs::create_directories((tree() / name).parent_path());
		test::write_file(tree() / name, boot::as_view(content));
	}

	std::uint64_t pack(const std::function<bool(const TreeEntry &)> &keep = {})
	{
		NewFile file(image(), true);
		InitrdWriter writer(file);
		const Descriptor root(::open(tree().c_str(), O_RDONLY | O_DIRECTORY));

		walk_tree(root.get(), "tree", [&](const TreeEntry &entry) {
			writer.add(entry);
			return !keep || keep(entry);
		});
		writer.finish();
		file.finish();
		EXPECT_EQ(writer.size(), fs::file_size(image()));
		return writer.unpacked();
	}

	// As cpio unpacks it, in a folder.
	fs::path unpack()
	{
		const fs::path out = top_.path() / "out";

		fs::create_directories(out);
		const auto done = test::run(text("cd ", out.string(), " && zstd -dc ../initrd | "
						 "cpio -idm --no-absolute-filenames 2>&1"));
		EXPECT_EQ(done.status, 0) << done.text;
		return out;
	}

	static std::string content(const fs::path &path)
	{
		const auto bytes = test::read_file(path);

		return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
	}

	const test::TemporaryDirectory top_;
};

TEST_F(InitrdWriterTest, ComesOutAgain)
{
	const std::string large(3 << 20, 'x');
	struct stat facts {};

	put("etc/hostname", "web\n");
	put("usr/bin/large", large);
	put("empty", "");
	fs::create_symlink("usr/bin", tree() / "bin");
	::chmod((tree() / "usr/bin/large").c_str(), 04755);
	fs::create_directory(tree() / "tmp");
	::chmod((tree() / "tmp").c_str(), 01777);
	::mkfifo((tree() / "pipe").c_str(), 0600);
	const std::uint64_t unpacked = pack();
	const fs::path out = unpack();

	EXPECT_EQ(content(out / "etc/hostname"), "web\n");
	EXPECT_EQ(content(out / "usr/bin/large"), large);
	EXPECT_EQ(content(out / "empty"), "");
	EXPECT_EQ(fs::read_symlink(out / "bin"), "usr/bin");
	ASSERT_EQ(::stat((out / "usr/bin/large").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 04755u);
	ASSERT_EQ(::stat((out / "tmp").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 07777, 01777u);
	EXPECT_TRUE(fs::is_fifo(out / "pipe"));
	EXPECT_GT(unpacked, large.size());
	EXPECT_LT(unpacked, large.size() + (64 << 10));
	EXPECT_LT(fs::file_size(image()), large.size() / 10);
}

TEST_F(InitrdWriterTest, FilesOfSeveralNamesStayOne)
{
	struct stat facts {};

	put("usr/bin/perl", "perl");
	put("usr/bin/other", "other");
	fs::create_hard_link(tree() / "usr/bin/perl", tree() / "usr/bin/perl5");
	fs::create_hard_link(tree() / "usr/bin/other", tree() / "another");
	pack();
	const fs::path out = unpack();

	EXPECT_EQ(content(out / "usr/bin/perl5"), "perl");
	EXPECT_EQ(content(out / "usr/bin/perl"), "perl");
	EXPECT_EQ(content(out / "another"), "other");
	EXPECT_EQ(content(out / "usr/bin/other"), "other");
	ASSERT_EQ(::stat((out / "usr/bin/perl").c_str(), &facts), 0);
	EXPECT_EQ(facts.st_nlink, 2u);
}

// As file systems with numbers of 64 bits have them.
TEST_F(InitrdWriterTest, LargeInodeNumbersDoNotMeet)
{
	const Descriptor root(::open(tree().c_str(), O_RDONLY | O_DIRECTORY));

	put("one", "1");
	put("two", "2");
	fs::create_hard_link(tree() / "one", tree() / "one-again");
	fs::create_hard_link(tree() / "two", tree() / "two-again");
	{
		NewFile file(image(), true);
		InitrdWriter writer(file);
		walk_tree(root.get(), "tree", [&](const TreeEntry &given) {
			TreeEntry entry = given;
			const std::uint64_t is_one = entry.name.starts_with("one");
			entry.facts.st_ino = (is_one << 32) + 7;
			writer.add(entry);
			return true;
		});
		writer.finish();
		file.finish();
	}
	const fs::path out = unpack();
	EXPECT_EQ(content(out / "one-again"), "1");
	EXPECT_EQ(content(out / "two-again"), "2");
	EXPECT_EQ(content(out / "two"), "2");
	EXPECT_EQ(fs::hard_link_count(out / "one"), 2u);
	EXPECT_EQ(fs::hard_link_count(out / "two"), 2u);
}

TEST_F(InitrdWriterTest, FolderIsLeftOut)
{
	put("boot/vmlinuz", "kernel");
	put("init", "init");
	pack([](const TreeEntry &entry) { return entry.path != "boot"; });
	const fs::path out = unpack();

	EXPECT_TRUE(fs::is_directory(out / "boot"));
	EXPECT_TRUE(fs::is_empty(out / "boot"));
	EXPECT_EQ(content(out / "init"), "init");
}

TEST_F(InitrdWriterTest, LinksAreNotFollowed)
{
	const std::string secret = "secret";

	test::write_file(top_.path() / "secret", boot::as_view(secret));
	fs::create_symlink(top_.path() / "secret", tree() / "link");
	fs::create_symlink(top_.path(), tree() / "folder");
	pack();
	EXPECT_EQ(fs::read_symlink(unpack() / "link"), top_.path() / "secret");
}

TEST_F(InitrdWriterTest, RefusesWhatTheFormatCannotHold)
{
	put("large", "");
	fs::resize_file(tree() / "large", std::uint64_t{5} << 30);
	try {
		pack();
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::not_enough);
		EXPECT_NE(std::string(error.what()).find("'large' is 5G"), std::string::npos);
	}
	EXPECT_FALSE(fs::exists(image()));
}

TEST_F(InitrdWriterTest, RefusesFoldersWithoutEnd)
{
	fs::path place = tree();

	for (unsigned i = 0; i < 300; i++)
		place /= "d";
	fs::create_directories(place);
	EXPECT_THROW(pack(), Error);
}

TEST_F(InitrdWriterTest, FileThatCannotBeWrittenIsTold)
{
	struct rlimit limit {}, before {};

	put("file", std::string(1 << 20, 'x'));
	::getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 0;
	std::signal(SIGXFSZ, SIG_IGN);
	::setrlimit(RLIMIT_FSIZE, &limit);
	try {
		pack();
		ADD_FAILURE();
	} catch (const Error &error) {
		EXPECT_NE(std::string(error.what()).find("cannot be written: File too large"),
			  std::string::npos) << error.what();
	}
	::setrlimit(RLIMIT_FSIZE, &before);
	std::signal(SIGXFSZ, SIG_DFL);
	EXPECT_FALSE(fs::exists(image()));
}

} // namespace
