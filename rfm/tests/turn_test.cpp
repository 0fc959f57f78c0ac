// SPDX-License-Identifier: GPL-2.0
#include "host/turn.hpp"

#include "base/error.hpp"
#include "fixture.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace rf {
namespace {

using namespace std::chrono_literals;

class TurnTest : public ::testing::Test {
protected:
	TurnTest() { ::setenv("RF_RUN_FOLDER", path().c_str(), 1); }
	~TurnTest() override { ::unsetenv("RF_RUN_FOLDER"); }
	std::filesystem::path path() const { return top_.path() / "run"; }

	const test::TemporaryDirectory top_;
};

TEST_F(TurnTest, IsOfOneAtATime)
{
	{
		const Turn mine = Turn::take();
		EXPECT_FALSE(Turn::take_if_possible(30ms));
		const std::string why = test::refusal([] { Turn::take(30ms); }, Code::busy);
		EXPECT_NE(why.find(text("another rfm (process ", ::getpid(), ") has been changing "
					"options of a subOS for more than 30ms")),
			  std::string::npos)
			<< why;
	}
	EXPECT_TRUE(Turn::take_if_possible(0ms));
}

TEST_F(TurnTest, EndsWithItsProcess)
{
	int ends[2];
	ASSERT_EQ(::pipe(ends), 0);
	const pid_t child = ::fork();
	if (!child) {
		const Turn turn = Turn::take();
		[[maybe_unused]] const ssize_t told = ::write(ends[1], "x", 1);
		for (;;)
			::pause();
	}
	char taken = 0;
	ASSERT_EQ(::read(ends[0], &taken, 1), 1);
	EXPECT_FALSE(Turn::take_if_possible(0ms));
	::kill(child, SIGKILL);
	ASSERT_EQ(::waitpid(child, nullptr, 0), child);
	EXPECT_TRUE(Turn::take_if_possible(0ms));
	::close(ends[0]);
	::close(ends[1]);
}

TEST_F(TurnTest, IsNotInAFolderOfOthers)
{
	std::filesystem::create_directory(path());
	ASSERT_EQ(::chmod(path().c_str(), 0777), 0);
	EXPECT_NE(test::refusal([] { Turn::take(0ms); }, Code::bad_file).find("others than root"),
		  std::string::npos);
	EXPECT_FALSE(std::filesystem::exists(path() / "lock"));
	EXPECT_FALSE(Turn::take_if_possible(0ms));
}

} // namespace
} // namespace rf
