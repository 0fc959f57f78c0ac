// SPDX-License-Identifier: GPL-2.0
#include "operations/state_watch.hpp"

#include "fixture.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

constexpr std::uint64_t begin = 1'000'000'000, later = begin + StateWatch::settle_ns;

rf_status status_of(rf_state state, rf_cause cause = RF_CAUSE_NONE)
{
	rf_status status{};

	status.state = state;
	status.cause = cause;
	return status;
}

rf_event event_of(rf_event_type type, std::int32_t result = 0)
{
	rf_event event{};

	event.type = type;
	event.result = result;
	return event;
}

rf_event entered(rf_state state)
{
	rf_event event = event_of(RF_EVENT_STATE);

	event.args[1] = state;
	return event;
}

StateWatch watch(const std::string &states)
{
	return StateWatch("web", parse_states(states));
}

TEST(States, AreThoseOfTheList)
{
	using States = std::set<std::string>;
	EXPECT_EQ(parse_states("running"), States{"running"});
	EXPECT_EQ(parse_states("stopped,crashed,gone"), (States{"stopped", "crashed", "gone"}));
	for (const char *list : {"", ",", "running,", "up", "Running", "?"}) {
		const std::string why = test::refusal([&] { parse_states(list); });
		EXPECT_NE(why.find("give some of defined, loaded, booting, running, stopping, stopped, "
				   "crashed, lost, gone"),
			  std::string::npos)
			<< list << ": " << why;
	}
}

TEST(StateWatch, FindsTheStateThatThereIs)
{
	StateWatch running = watch("running");
	running.see(status_of(RF_STATE_BOOTING), begin);
	EXPECT_FALSE(running.arrived());
	EXPECT_EQ(running.state(), "booting");
	EXPECT_FALSE(running.failure(later));
	running.see(status_of(RF_STATE_RUNNING), later);
	EXPECT_EQ(running.arrived(), "running");

	StateWatch gone = watch("crashed,gone");
	gone.see_absent();
	EXPECT_EQ(gone.arrived(), "gone");
}

// It was started again before anybody looked.
TEST(StateWatch, CountsWhatItPassedThrough)
{
	StateWatch crashed = watch("crashed");
	crashed.see(status_of(RF_STATE_RUNNING), begin);
	crashed.see(entered(RF_STATE_CRASHED));
	crashed.see(entered(RF_STATE_DEFINED));
	crashed.see(status_of(RF_STATE_BOOTING), later);
	EXPECT_EQ(crashed.arrived(), "crashed");
	EXPECT_FALSE(crashed.failure(later));
}

// But not before the wait.
TEST(StateWatch, DoesNotCountWhatWasBefore)
{
	StateWatch crashed = watch("crashed");
	crashed.remember(entered(RF_STATE_CRASHED));
	crashed.see(status_of(RF_STATE_RUNNING), begin);
	EXPECT_FALSE(crashed.arrived());
}

TEST(StateWatch, AnEndThatLastsIsOne)
{
	StateWatch running = watch("running");
	running.see(status_of(RF_STATE_RUNNING), begin);
	running = watch("booting");
	running.see(status_of(RF_STATE_CRASHED, RF_CAUSE_PANIC), begin);
	EXPECT_FALSE(running.failure(begin + 1));
	EXPECT_EQ(running.doubtful_until(), later);
	const auto failure = running.failure(later);
	ASSERT_TRUE(failure);
	EXPECT_EQ(failure->code(), Code::not_up);
	EXPECT_STREQ(failure->what(), "subOS 'web' is crashed (panic), and nothing starts it again: "
				      "'rfm start web' does");
	// 'rfm restart' goes on meanwhile.
	running.see(status_of(RF_STATE_DEFINED), begin + 1);
	EXPECT_FALSE(running.failure(later));
	EXPECT_EQ(running.doubtful_until(), 0u);
}

// Its memory is cleared meanwhile, and its functions are reset.
TEST(StateWatch, AnEndOfALargeOneMayLastLonger)
{
	StateWatch running = watch("running");
	rf_status status = status_of(RF_STATE_STOPPED, RF_CAUSE_POWEROFF);
	status.memory = 64ull << 30;
	status.nr_functions = 2;
	running.see(status, begin);
	EXPECT_FALSE(running.failure(later + 65 * StateWatch::settle_per_gib_ns));
	EXPECT_EQ(running.doubtful_until(), later + 66 * StateWatch::settle_per_gib_ns);
	EXPECT_TRUE(running.failure(running.doubtful_until()));
}

TEST(StateWatch, APolicyIsWaitedForUntilItGivesUp)
{
	StateWatch running = watch("running");
	running.see(entered(RF_STATE_CRASHED));
	running.see(event_of(RF_EVENT_POLICY));
	running.see(status_of(RF_STATE_CRASHED, RF_CAUSE_PANIC), begin);
	EXPECT_FALSE(running.failure(later + later));
	EXPECT_EQ(running.doubtful_until(), 0u);
	running.see(event_of(RF_EVENT_POLICY, -5));
	EXPECT_TRUE(running.failure(begin + 1)) << "at once";

	// Of another end before.
	StateWatch again = watch("running");
	again.remember(event_of(RF_EVENT_POLICY));
	again.remember(entered(RF_STATE_RUNNING));
	again.see(status_of(RF_STATE_STOPPED, RF_CAUSE_POWEROFF), begin);
	EXPECT_TRUE(again.failure(later));
}

TEST(StateWatch, OneThatIsToBeCreatedIsNotMissed)
{
	StateWatch running = watch("running");
	running.see_absent();
	EXPECT_FALSE(running.failure(later));
	EXPECT_EQ(running.state(), gone_state);
	running.see(event_of(RF_EVENT_CREATED));
	running.see(entered(RF_STATE_RUNNING));
	EXPECT_EQ(running.arrived(), "running");
}

TEST(StateWatch, OneThatIsDestroyedComesNoMore)
{
	StateWatch running = watch("running");
	running.see(status_of(RF_STATE_BOOTING), begin);
	running.see(event_of(RF_EVENT_DESTROYED));
	ASSERT_TRUE(running.failure(begin));
	EXPECT_EQ(running.failure(begin)->code(), Code::not_up);

	StateWatch stopped = watch("stopped");
	stopped.see(status_of(RF_STATE_RUNNING), begin);
	stopped.see_absent();
	EXPECT_TRUE(stopped.failure(begin));
}

TEST(StateWatch, WhateverEndedCanBeDestroyed)
{
	StateWatch gone = watch("gone");
	gone.see(status_of(RF_STATE_CRASHED), begin);
	EXPECT_FALSE(gone.failure(later));
	gone.see(event_of(RF_EVENT_DESTROYED));
	EXPECT_EQ(gone.arrived(), "gone");
}

} // namespace
} // namespace rf
