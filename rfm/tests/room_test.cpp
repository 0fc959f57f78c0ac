// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "host/room.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

TEST(Room, IsAskedForInOneLine)
{
	const test::TemporaryDirectory top;

	need_room(top.path(), 0);
	try {
		need_room(top.path(), std::uint64_t{1} << 60);
		FAIL();
	} catch (const Error &error) {
		const std::string said = error.what();
		EXPECT_EQ(error.code(), Code::not_enough);
		EXPECT_EQ(said.find("temporary files of 1099511627777M do not fit into '" +
				    top.path().string() + "', where there is room for "), 0u)
			<< said;
		EXPECT_NE(said.find("set TMPDIR to"), said.npos);
	}
}

// Who writes says so.
TEST(Room, OfWhatIsNotThereIsNotKnown)
{
	need_room("/nowhere/at/all", std::uint64_t{1} << 60);
}

} // namespace
