// SPDX-License-Identifier: GPL-2.0
#include "fixture.hpp"
#include "view/usage_table.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

KernelRow row_of(const std::string &name)
{
	return {.name = name, .id = 1, .state = "running", .cores = 2, .memory = 512u << 20};
}

// web can be looked at; what `code` says happens with the two others.
std::vector<KernelRow> rows_with(Code code)
{
	return usage_rows({"lame", "web", "lost"}, [code](const std::string &name) {
		if (name != "web")
			throw Error(code, "nothing can\nbe said of " + name);
		return row_of(name);
	});
}

TEST(UsageTable, HasARowForWhatCannotBeLookedAt)
{
	for (const Code code : {Code::internal, Code::not_enough, Code::no_answer, Code::not_up}) {
		const std::vector<KernelRow> rows = rows_with(code);

		ASSERT_EQ(rows.size(), 3u);
		EXPECT_EQ(Json(rows[1]), Json(row_of("web")));
		EXPECT_EQ(rows[0].error, "nothing can?be said of lame");
		const Json lost = rows[2];
		EXPECT_TRUE(lost["cores"].is_null() && lost["usage"].is_null());
	}
}

TEST(UsageTable, LeavesOutWhatIsGone)
{
	const std::vector<KernelRow> rows = rows_with(Code::no_such_subos);

	ASSERT_EQ(rows.size(), 1u);
	EXPECT_EQ(rows[0].name, "web");
}

TEST(UsageTable, EndsWhenInterrupted)
{
	EXPECT_THROW(rows_with(Code::interrupted), Error);
}

TEST(UsageTable, TellsWhyBelowTheRows)
{
	const std::vector<std::string> lines = usage_lines(rows_with(Code::no_answer), 80);

	ASSERT_EQ(lines.size(), 1u + 3 + 2);
	EXPECT_EQ(lines[1].substr(0, 26), "lame        -            -");
	EXPECT_EQ(lines[2].substr(0, 26), "web         running      2");
	EXPECT_EQ(lines[4], "lame: nothing can?be said of lame");
	EXPECT_EQ(lines[5], "lost: nothing can?be said of lost");
}

} // namespace
