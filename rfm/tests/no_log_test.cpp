// SPDX-License-Identifier: GPL-2.0
#include "view/no_log.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;

constexpr std::uint64_t second = 1'000'000'000;

std::string said(std::uint32_t state, std::uint32_t stage, std::uint64_t entered = 5 * second,
		 std::uint64_t now = 6 * second)
{
	rf_status status{};

	status.state = state;
	status.stage = stage;
	status.moments[RF_MOMENT_KERNEL] = entered;
	return no_log_text("web", status, now);
}

bool has(const std::string &text, const char *part)
{
	return text.find(part) != text.npos;
}

// To wait is a remedy only for a kernel that may still get so far.
TEST(NoLog, AppearsWhileItBootsOnly)
{
	constexpr const char *wait = "try again in some seconds";

	EXPECT_TRUE(has(said(RF_STATE_BOOTING, RF_STAGE_KERNEL), wait));
	EXPECT_FALSE(has(said(RF_STATE_BOOTING, RF_STAGE_KERNEL, 5 * second, 66 * second), wait));
	for (const std::uint32_t state : {RF_STATE_STOPPED, RF_STATE_CRASHED})
		EXPECT_TRUE(has(said(state, RF_STAGE_KERNEL), "there will be none"));
}

TEST(NoLog, OfWhatNeverRan)
{
	EXPECT_TRUE(has(said(RF_STATE_LOADED, RF_STAGE_NONE, 0), "'rfm start web'"));
	EXPECT_TRUE(has(said(RF_STATE_DEFINED, RF_STAGE_NONE, 0), "'rfm start web'"));
	EXPECT_TRUE(has(said(RF_STATE_CRASHED, RF_STAGE_CUSTOM, 0), "'rfm restart --force web'"));
}

} // namespace
