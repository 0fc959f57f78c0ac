// SPDX-License-Identifier: GPL-2.0
// Verbs that take several subOSes, and what becomes of each.
#include "base/clock.hpp"
#include "base/error.hpp"
#include "client/supervisor.hpp"
#include "fake_module.hpp"
#include "operations/stop_operation.hpp"
#include "verbs/verbs.hpp"

#include <gtest/gtest.h>

namespace {

using namespace rf;
using test::FakeModule;

std::unique_ptr<Output> text_output()
{
	return Output::make(Format::table);
}

Stopped stop(FakeModule &, StopOptions wanted)
{
	const Supervisor supervisor = Supervisor::open();

	return StopOperation(supervisor.subos("web"), wanted, stop_deadline(wanted))
		.await(*text_output());
}

TEST(Stop, SeesAnEnd)
{
	FakeModule module(RF_ABI_VERSION);
	module.names = {"web"};
	module.on_stop = [&](std::uint32_t) { module.state = RF_STATE_STOPPED; };
	const Stopped stopped = stop(module, {});

	EXPECT_FALSE(stopped.started_again);
	EXPECT_EQ(stopped.state, RF_STATE_STOPPED);
	EXPECT_TRUE(Json(stopped)["seconds"].is_number());
}

// It runs when it is looked at, but that is another kernel.
TEST(Stop, SeesAnEndThatSomebodyElseFollowedByAStart)
{
	FakeModule module(RF_ABI_VERSION);
	std::vector<std::uint32_t> asked;

	module.names = {"web"};
	module.on_stop = [&](std::uint32_t flags) {
		asked.push_back(flags);
		module.starts++;
	};
	for (const bool force : {false, true}) {
		asked.clear();
		const Stopped stopped = stop(module, {.timeout = std::chrono::seconds(0), .force = force});
		EXPECT_TRUE(stopped.started_again);
		EXPECT_TRUE(Json(stopped)["seconds"].is_null());
		EXPECT_EQ(to_text(stopped),
			  "subOS 'web' ended, and somebody else has started it again\n");
		EXPECT_EQ(asked, std::vector<std::uint32_t>{0}) << "the next kernel is left alone";
	}
}

TEST(Stop, IsOverWhenNothingRunsOrTheNextKernelDoes)
{
	rf_status status{};

	status.state = RF_STATE_RUNNING;
	status.starts = 2;
	EXPECT_FALSE(is_over(status, 2));
	EXPECT_TRUE(is_over(status, 1));
	status.state = RF_STATE_CRASHED;
	EXPECT_TRUE(is_over(status, 2));
}

// One that cannot be given back does not keep the others, and each has its line.
TEST(Destroy, HasALineForEach)
{
	FakeModule module(RF_ABI_VERSION);
	Request request;

	module.names = {"a", "b", "c"};
	module.stuck = {"a", "c"};
	request.operands = module.names;
	testing::internal::CaptureStdout();
	try {
		destroy_verb.run(request, *text_output());
		ADD_FAILURE();
	} catch (const Error &error) {
		const Json &failed = error.details()["failed"];
		ASSERT_EQ(failed.size(), 2u);
		EXPECT_EQ(failed[0]["name"], "a");
		EXPECT_EQ(failed[0]["message"], error.what());
		EXPECT_EQ(failed[1]["name"], "c");
		EXPECT_NE(failed[1]["message"].get<std::string>().find("'c'"), std::string::npos);
		EXPECT_EQ(error.details()["destroyed"][0]["name"], "b");
	}
	const std::string out = testing::internal::GetCapturedStdout();
	EXPECT_TRUE(out.starts_with("subOS 'b' is gone: ")) << out;
	EXPECT_EQ(out.find('\n'), out.size() - 1);
	EXPECT_EQ(module.names, (std::vector<std::string>{"a", "c"}));
}

TEST(Destroy, QuietlyPrintsTheNames)
{
	FakeModule module(RF_ABI_VERSION);
	Request request;

	module.names = {"a", "b"};
	request.operands = module.names;
	request.names_only = true;
	testing::internal::CaptureStdout();
	EXPECT_EQ(destroy_verb.run(request, *text_output()), Code::ok);
	EXPECT_EQ(testing::internal::GetCapturedStdout(), "a\nb\n");
}

} // namespace
