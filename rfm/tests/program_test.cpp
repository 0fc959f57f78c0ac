// SPDX-License-Identifier: GPL-2.0
// Needs root, for the namespaces.
#include "base/descriptor.hpp"
#include "fixture.hpp"
#include "host/program.hpp"
#include "host/work_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace rf;
namespace fs = std::filesystem;

class ProgramTest : public testing::Test {
protected:
	void SetUp() override
	{
		if (::geteuid() != 0)
			GTEST_SKIP() << "not root";
	}

	Outcome shell(const std::string &script, std::vector<std::string> environment = {})
	{
		return run_program({{"sh", "-c", script}, std::move(environment)}, *output_,
				   "test");
	}

	std::unique_ptr<Output> output_ = Output::make(Format::json);
};

TEST_F(ProgramTest, TellsStatusAndOutput)
{
	const Outcome outcome = shell("echo one; echo two $WORD >&2; exit 7", {"WORD=word"});

	EXPECT_EQ(outcome.status, 7);
	EXPECT_EQ(outcome.said, "one\ntwo word\n");
	EXPECT_EQ(shell("exit 0").status, 0);
}

TEST_F(ProgramTest, KeepsTheEndOfMuchOutput)
{
	const Outcome outcome = shell("seq 1 100000; echo last");

	EXPECT_LT(outcome.said.size(), 65536u);
	EXPECT_TRUE(outcome.said.ends_with("100000\nlast\n"));
}

TEST_F(ProgramTest, HasNoInput)
{
	EXPECT_EQ(shell("cat").said, "");
}

TEST_F(ProgramTest, LeavesNoProcessAndNoMount)
{
	const test::TemporaryDirectory directory;
	const std::string folder = directory.path();
	const Outcome outcome = shell("mount -t tmpfs none " + folder + " && touch " + folder +
				      "/inside && { sleep 1000 & } && echo done");
	std::ifstream mounts("/proc/self/mounts");
	const std::string all((std::istreambuf_iterator<char>(mounts)), {});

	// Also: the sleeper, which holds the pipe, did not keep it from ending.
	EXPECT_EQ(outcome.said, "done\n");
	EXPECT_EQ(all.find(folder), std::string::npos);
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

TEST_F(ProgramTest, FindsTheFileThatItIsGiven)
{
	const test::TemporaryDirectory directory;
	const fs::path path = directory.path() / "image";
	const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	// Whatever is there under its name by then.
	fs::rename(path, directory.path() / "moved");
	fs::create_symlink("/dev/full", path);
	Program program{{"sh", "-c", text("echo word >", passed_file)}};
	program.file = file.get();
	do_program(program, *output_, "test");
	EXPECT_EQ(fs::file_size(directory.path() / "moved"), 5u);
	// Others see nothing of it.
	EXPECT_NE(shell(text("test -e ", passed_file)).status, 0);
}

// As apt's: a user who is not root works in the folder, while nobody outside comes into it.
TEST_F(ProgramTest, OpensItsWorkFolderToItsUsersOnly)
{
	const test::TemporaryDirectory directory;
	const WorkFolder work(directory.path());
	const std::string as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups ";

	::chmod(directory.path().c_str(), 0755);
	fs::create_directory(work.path() / "anybodys");
	fs::permissions(work.path() / "anybodys", fs::perms::all);
	const std::string touch =
		as_nobody + "touch " + (work.path() / "anybodys" / "file").string();
	EXPECT_NE(shell(touch).status, 0);
	Program program{{"sh", "-c", touch}};
	program.work = &work;
	do_program(program, *output_, "test");
	EXPECT_TRUE(fs::exists(work.path() / "anybodys/file"));
}

TEST_F(ProgramTest, SaysWhatFailed)
{
	try {
		do_program({{"sh", "-c", "echo 'E: no such suite'; exit 25"}, {}}, *output_,
			   "install");
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::incomplete);
		EXPECT_NE(std::string(error.what()).find("status 25"), std::string::npos);
		EXPECT_EQ(error.details()["log"], Json::array({"E: no such suite"}));
	}
}

TEST_F(ProgramTest, NamesThePackageOfWhatIsMissing)
{
	try {
		need_program("no-such-program", "some-package");
		FAIL();
	} catch (const Error &error) {
		EXPECT_NE(std::string(error.what()).find("apt install some-package"),
			  std::string::npos);
	}
}

TEST(WorkFolder, GoesWithAllThatIsInIt)
{
	const test::TemporaryDirectory directory;
	{
		const WorkFolder work(directory.path());
		fs::create_directories(work.path() / "a/b");
		fs::create_symlink("/", work.path() / "a/link");
		EXPECT_EQ(work.fence().parent_path(), directory.path());
	}
	EXPECT_TRUE(fs::is_empty(directory.path()));
}

} // namespace
