// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "host/new_file.hpp"

#include <gtest/gtest.h>

#include <sys/stat.h>

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

} // namespace
