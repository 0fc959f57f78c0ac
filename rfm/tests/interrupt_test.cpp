// SPDX-License-Identifier: GPL-2.0
#include "cli/interrupt.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace rf {
namespace {

class Interrupts : public testing::Test {
protected:
	~Interrupts() override
	{
		forget_interrupts();
		for (const int signal : {SIGINT, SIGTERM, SIGHUP})
			std::signal(signal, SIG_DFL);
	}
};

TEST_F(Interrupts, AreAskedFor)
{
	for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
		std::signal(SIGHUP, SIG_DFL);
		catch_interrupts();
		EXPECT_FALSE(interrupted());
		std::raise(signal);
		EXPECT_TRUE(interrupted()) << signal;
		forget_interrupts();
	}
}

// As nohup(1) starts programs.
TEST_F(Interrupts, LeaveAnIgnoredHangUpIgnored)
{
	std::signal(SIGHUP, SIG_IGN);
	catch_interrupts();
	std::raise(SIGHUP);
	EXPECT_FALSE(interrupted());
	std::raise(SIGTERM);
	EXPECT_TRUE(interrupted());
}

TEST_F(Interrupts, TheWayBackIsNotEndedByAHangUp)
{
	catch_interrupts();
	std::raise(SIGHUP);
	forget_interrupts();
	std::raise(SIGHUP);
	EXPECT_FALSE(interrupted());
	std::raise(SIGINT);
	EXPECT_TRUE(interrupted());
}

} // namespace
} // namespace rf
