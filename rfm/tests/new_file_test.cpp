// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "host/new_file.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

std::size_t files_in(const fs::path &directory)
{
	return static_cast<std::size_t>(
		std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

void write_text(NewFile &file, std::uint64_t offset, std::string_view words)
{
	file.write(offset, std::as_bytes(std::span(words)));
}

TEST(NewFile, AppearsWhenItIsWhole)
{
	const test::TemporaryDirectory directory;
	const fs::path path = directory.path() / "image";
	{
		NewFile file(path, false);
		file.set_size(1 << 20);
		write_text(file, 5, "word");
		EXPECT_FALSE(fs::exists(path));
		file.finish();
	}
	EXPECT_EQ(fs::file_size(path), 1u << 20);
	EXPECT_EQ(std::string(reinterpret_cast<const char *>(test::read_file(path).data()) + 5),
		  "word");
	EXPECT_EQ(files_in(directory.path()), 1u);
	struct stat facts {};
	ASSERT_EQ(::stat(path.c_str(), &facts), 0);
	EXPECT_EQ(facts.st_mode & 0777, 0600u);
	EXPECT_LT(facts.st_blocks, 64);
}

TEST(NewFile, LeavesNothingBehindWhenItIsGivenUp)
{
	const test::TemporaryDirectory directory;
	{
		NewFile file(directory.path() / "image", false);
		write_text(file, 0, "half");
	}
	EXPECT_EQ(files_in(directory.path()), 0u);
}

TEST(NewFile, LeavesNothingBehindWhenItBecomesTooLarge)
{
	const test::TemporaryDirectory directory;
	rlimit found{};

	ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &found), 0);
	const rlimit small{1 << 16, found.rlim_max};
	// As main() does: the signal is only an error.
	const auto before = std::signal(SIGXFSZ, [](int) {});
	try {
		NewFile file(directory.path() / "image", false);
		ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
		write_text(file, (1 << 16) - 2, "word");
		ADD_FAILURE();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		EXPECT_NE(std::string(error.what()).find("File too large"), std::string::npos);
	}
	::setrlimit(RLIMIT_FSIZE, &found);
	std::signal(SIGXFSZ, before);
	EXPECT_EQ(files_in(directory.path()), 0u);
}

TEST(NewFile, ReplacesOnlyRegularFilesAndOnlyIfAsked)
{
	const test::TemporaryDirectory directory;
	const fs::path path = directory.path() / "image";
	const std::string old = "old";

	test::write_file(path, boot::as_view(old));
	EXPECT_THROW(NewFile(path, false), Error);
	EXPECT_THROW(NewFile(directory.path(), true), Error);
	{
		NewFile file(path, true);
		write_text(file, 0, "new file");
		EXPECT_EQ(fs::file_size(path), 3u);
		file.finish();
	}
	EXPECT_EQ(fs::file_size(path), 8u);
	EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(NewFile, DoesNotReplaceWhatCameMeanwhile)
{
	const test::TemporaryDirectory directory;
	const fs::path path = directory.path() / "image";
	const std::string theirs = "theirs";
	{
		NewFile file(path, false);
		test::write_file(path, boot::as_view(theirs));
		EXPECT_THROW(file.finish(), Error);
	}
	EXPECT_EQ(fs::file_size(path), theirs.size());
	EXPECT_EQ(files_in(directory.path()), 1u);
}

TEST(NewFile, SaysWhyItCannotBeMade)
{
	const test::TemporaryDirectory directory;
	try {
		NewFile file(directory.path() / "no/such/image", false);
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos);
	}
}

// As on file systems that lack the one, the other, or both.
void without(const std::vector<int> &calls)
{
	std::vector<sock_filter> program = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};

	for (const int call : calls) {
		program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<__u32>(call), 0, 1));
		program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	}
	program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
	if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		throw std::runtime_error("seccomp");
}

void check_new_file()
{
	const test::TemporaryDirectory directory;
	const fs::path path = directory.path() / "image", other = directory.path() / "other";
	const std::string theirs = "theirs";
	{
		NewFile file(path, false), late(other, false);
		write_text(file, 0, "ours");
		EXPECT_EQ(files_in(directory.path()), 2u);
		test::write_file(other, boot::as_view(theirs));
		file.finish();
		EXPECT_THROW(late.finish(), Error);
	}
	EXPECT_EQ(fs::file_size(path), 4u);
	EXPECT_EQ(fs::file_size(other), theirs.size());
	EXPECT_EQ(files_in(directory.path()), 2u);
}

TEST(NewFileDeathTest, NeedsNoSpecialFileSystem)
{
	const std::vector<std::vector<int>> lacks = {
		{SYS_link, SYS_linkat}, {SYS_renameat2}, {SYS_link, SYS_linkat, SYS_renameat2}};

	for (const std::vector<int> &calls : lacks)
		EXPECT_EXIT((without(calls), check_new_file(), std::exit(::testing::Test::HasFailure())),
			    testing::ExitedWithCode(0), "");
}

} // namespace
