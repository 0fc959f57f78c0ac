// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "base/name.hpp"

#include <gtest/gtest.h>

namespace {

TEST(Names, AcceptsWhatTheAbiAccepts)
{
	for (const char *name :
	     {"a", "0", "web", "web-1", "a_b", "0123456789012345678901234567890"})
		EXPECT_NO_THROW(rf::check_name(name)) << name;
}

TEST(Names, RefusesEmptyLongAndOdd)
{
	for (const std::string &name :
	     {std::string(), std::string(32, 'a'), std::string("Web"), std::string("-a"),
	      std::string("_a"), std::string("a b"), std::string("a/b"), std::string("../x"),
	      std::string("a\n"), std::string("\xc3\xa4"), std::string("a\0b", 3)})
		EXPECT_THROW(rf::check_name(name), rf::Error) << name;
}

} // namespace
