// SPDX-License-Identifier: GPL-2.0
#include "base/error.hpp"
#include "fake_subos.hpp"
#include "view/log_choice.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;
using End = inspect::KernelLog::End;

// Ten records: of level 3 those whose number can be divided by 3, of level 6 the others.
inspect::KernelLog ten_records(test::FakeSubos &subos)
{
	for (int i = 0; i < 10; i++)
		subos.print("record " + std::to_string(i), test::finalized, i % 3 ? 6 : 3);
	return *subos.log();
}

std::string numbers_of(const inspect::KernelLog &log, const LogChoice &choice)
{
	std::string numbers;

	EXPECT_EQ(walk_chosen(log, choice,
			      [&](const inspect::Record &record) {
				      numbers += text(record.seq);
				      return true;
			      }),
		  End::all);
	return numbers;
}

TEST(LogChoice, LevelsAreThoseOfDmesg)
{
	EXPECT_EQ(parse_levels("err"), 1u << 3);
	EXPECT_EQ(parse_levels("3"), 1u << 3);
	EXPECT_EQ(parse_levels("emerg,debug"), 1u << 0 | 1u << 7);
	EXPECT_EQ(parse_levels("err+"), 0x0fu);
	EXPECT_EQ(parse_levels("0+"), 0x01u);
	EXPECT_EQ(parse_levels("+info"), 0xc0u);
	EXPECT_EQ(parse_levels("debug+"), all_levels);
	EXPECT_EQ(parse_levels("+emerg"), all_levels);
}

TEST(LogChoice, UnknownLevelsAreRefusedInOneLine)
{
	for (const char *list : {"", "loud", "8", "-1", "err,", "+", "+err+", "ERR", "warning"}) {
		try {
			parse_levels(list);
			ADD_FAILURE() << list;
		} catch (const Error &error) {
			EXPECT_EQ(error.code(), Code::bad_value);
			EXPECT_NE(std::string(error.what()).find("give emerg, alert, crit, err, warn, "),
				  std::string::npos)
				<< error.what();
		}
	}
}

TEST(LogChoice, TakesTheLastOfTheLevels)
{
	test::FakeSubos subos;
	const inspect::KernelLog log = ten_records(subos);

	EXPECT_EQ(numbers_of(log, {}), "0123456789");
	EXPECT_EQ(numbers_of(log, {.levels = parse_levels("err")}), "0369");
	EXPECT_EQ(numbers_of(log, {.last = 3}), "789");
	EXPECT_EQ(numbers_of(log, {.levels = parse_levels("err"), .last = 2}), "69");
	EXPECT_EQ(numbers_of(log, {.levels = parse_levels("err"), .last = 100}), "0369");
	EXPECT_EQ(numbers_of(log, {.levels = parse_levels("crit")}), "");
	EXPECT_EQ(numbers_of(log, {.last = 0}), "");
}

TEST(LogChoice, FollowsFromTheLastOfTheLevels)
{
	test::FakeSubos subos;
	const inspect::KernelLog log = ten_records(subos);

	EXPECT_EQ(first_chosen(log, {}), 0u);
	EXPECT_EQ(first_chosen(log, {.last = 3}), 7u);
	EXPECT_EQ(first_chosen(log, {.levels = parse_levels("err"), .last = 2}), 6u);
	EXPECT_EQ(first_chosen(log, {.levels = parse_levels("err"), .last = 100}), 0u);
	EXPECT_EQ(first_chosen(log, {.levels = parse_levels("crit"), .last = 2}), 10u);
	EXPECT_EQ(first_chosen(log, {.last = 0}), 10u);
}

TEST(LogChoice, IsToldOfAVisitorThatHasEnough)
{
	test::FakeSubos subos;
	const inspect::KernelLog log = ten_records(subos);
	const auto none = [](const inspect::Record &) { return false; };

	EXPECT_EQ(walk_chosen(log, {}, none), End::visitor);
	EXPECT_EQ(walk_chosen(log, {.last = 2}, none), End::visitor);
	EXPECT_EQ(walk_chosen(log, {.last = 0}, none), End::all);
}

} // namespace
