// SPDX-License-Identifier: GPL-2.0
// Readers of a subOS's memory, here of a file with the same bytes in it.
#include "cli/interrupt.hpp"
#include "client/watched_memory.hpp"
#include "fake_subos.hpp"
#include "fixture.hpp"
#include "view/subos.hpp"

#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace rf;

class Subos : public testing::Test {
protected:
	// A hole up to where the memory is.
	void SetUp() override
	{
		const int fd = ::open((directory_.path() / "memory").c_str(), O_RDWR | O_CREAT, 0600);

		for (int i = 0; i < 10; i++)
			memory_.print("record number " + std::to_string(i));
		ASSERT_EQ(::pwrite(fd, memory_.at(0), test::size, test::base),
			  static_cast<ssize_t>(test::size));
		subos_.emplace(Descriptor(fd), "web");
		status_.nr_ranges = 1;
		status_.ranges[0] = {test::base, test::size};
	}

	test::FakeSubos memory_;
	test::TemporaryDirectory directory_;
	std::optional<Partition> subos_;
	rf_status status_{};
};

Code code_of_a_read(const WatchedMemory &memory)
{
	std::byte byte;

	try {
		memory.read(test::base, std::span(&byte, 1));
	} catch (const Error &error) {
		return error.code();
	}
	return Code::ok;
}

TEST_F(Subos, HasLastLines)
{
	const std::vector<std::string> lines = last_log_lines(*subos_, status_, 2);

	ASSERT_EQ(lines.size(), 2u);
	EXPECT_NE(lines[0].find("record number 8"), std::string::npos);
	EXPECT_NE(lines[1].find("record number 9"), std::string::npos);
}

TEST_F(Subos, IsNotReadForLongerThanAllowed)
{
	EXPECT_EQ(code_of_a_read(WatchedMemory(*subos_)), Code::ok);
	EXPECT_EQ(code_of_a_read(WatchedMemory(*subos_, std::chrono::minutes(1))), Code::ok);
	EXPECT_EQ(code_of_a_read(WatchedMemory(*subos_, std::chrono::milliseconds(0))), Code::busy);
}

// Whoever pages through a log is not hurried.
TEST_F(Subos, CanBeReadAnewAfterEachResult)
{
	WatchedMemory memory(*subos_, std::chrono::milliseconds(100));

	while (code_of_a_read(memory) == Code::ok)
		;
	EXPECT_EQ(code_of_a_read(memory), Code::busy);
	memory.renew();
	EXPECT_EQ(code_of_a_read(memory), Code::ok);
}

using SubosDeathTest = Subos;

TEST_F(SubosDeathTest, IsNotReadAfterASignal)
{
	for (const int signal : {SIGINT, SIGTERM, SIGHUP})
		EXPECT_EXIT(
			{
				catch_interrupts();
				std::raise(signal);
				const bool ended = code_of_a_read(WatchedMemory(*subos_)) ==
							   Code::interrupted &&
						   last_log_lines(*subos_, status_, 2).empty();
				std::exit(ended ? 0 : 1);
			},
			testing::ExitedWithCode(0), "");
}

} // namespace
