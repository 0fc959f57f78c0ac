// SPDX-License-Identifier: GPL-2.0
#include "operations/login_prompt.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace rf;

// In one piece, and byte by byte.
bool seen(std::string_view bytes)
{
	LoginPrompt whole, slow;

	whole.take(bytes);
	for (const char &byte : bytes)
		slow.take({&byte, 1});
	EXPECT_EQ(whole.seen(), slow.seen()) << bytes;
	return whole.seen();
}

TEST(LoginPrompt, IsTheEndOfALineThatGoesOn)
{
	EXPECT_TRUE(seen("Debian GNU/Linux 12 web hvc0\r\n\r\nweb login: "));
	EXPECT_TRUE(seen("web login: [   12.345678] random: crng init done\n"));
	EXPECT_TRUE(seen("web login: root (automatic login)\r\n"));
	EXPECT_TRUE(seen("login: "));
}

TEST(LoginPrompt, IsNoLineOfTheKernelLogAndNoWordInAnother)
{
	EXPECT_FALSE(seen(""));
	EXPECT_FALSE(seen("[    1.234567] somebody's login: failed\n"));
	EXPECT_FALSE(seen("login:\n"));
	EXPECT_FALSE(seen("Login incorrect\r\n"));
	EXPECT_FALSE(seen(std::string(100'000, 'x') + "login: "));
	EXPECT_TRUE(seen(std::string(100'000, 'x') + "\nweb login: "));
}

TEST(LoginPrompt, IsReadFromAConsoleThatSaysNothingMore)
{
	int ends[2];

	ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
	const Descriptor writer(ends[1]);
	LoginWatch watch{Descriptor(ends[0])};
	EXPECT_FALSE(watch.seen());
	ASSERT_EQ(::write(writer.get(), "web log", 7), 7);
	EXPECT_FALSE(watch.seen());
	ASSERT_EQ(::write(writer.get(), "in: ", 4), 4);
	EXPECT_TRUE(watch.seen());
	EXPECT_TRUE(watch.seen());
}

} // namespace
