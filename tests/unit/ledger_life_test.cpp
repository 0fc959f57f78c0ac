// SPDX-License-Identifier: GPL-2.0
#include "supervisor/ledger/ledger.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <utility>

namespace {

rf_phase phase(int number)
{
	return static_cast<rf_phase>(number);
}

/* A cause for which a subOS can be in this phase. */
rf_cause cause_of(rf_phase phase)
{
	for (int cause = RF_CAUSE_NONE; cause < RF_CAUSE_NR; cause++)
		if (rf_phase_explains(phase, static_cast<rf_cause>(cause)))
			return static_cast<rf_cause>(cause);
	ADD_FAILURE() << "no cause explains phase " << phase;
	return RF_CAUSE_NONE;
}

TEST(LedgerLife, FollowsTheTableAndNothingElse)
{
	std::set<std::pair<int, int>> allowed = {
		{RF_PHASE_DEFINED, RF_PHASE_LOADED},	{RF_PHASE_DEFINED, RF_PHASE_ENDED},
		{RF_PHASE_LOADED, RF_PHASE_BOOTING},	{RF_PHASE_LOADED, RF_PHASE_ENDED},
		{RF_PHASE_BOOTING, RF_PHASE_RUNNING},	{RF_PHASE_RUNNING, RF_PHASE_LOST},
		{RF_PHASE_RUNNING, RF_PHASE_STOPPING},	{RF_PHASE_LOST, RF_PHASE_RUNNING},
		{RF_PHASE_LOST, RF_PHASE_STOPPING},	{RF_PHASE_DYING, RF_PHASE_ENDED},
		{RF_PHASE_BOOTING, RF_PHASE_LOST},	{RF_PHASE_LOST, RF_PHASE_BOOTING},
		{RF_PHASE_ENDED, RF_PHASE_RESETTING},	{RF_PHASE_RESETTING, RF_PHASE_DEFINED},
		{RF_PHASE_RESETTING, RF_PHASE_ENDED},	{RF_PHASE_DESTROYING, RF_PHASE_GONE},
	};

	for (int live : {RF_PHASE_BOOTING, RF_PHASE_RUNNING, RF_PHASE_LOST, RF_PHASE_STOPPING}) {
		allowed.insert({live, RF_PHASE_DYING});
		allowed.insert({live, RF_PHASE_ENDED});
	}
	for (int any = 0; any < RF_PHASE_DESTROYING; any++)
		allowed.insert({any, RF_PHASE_DESTROYING});
	for (int from = 0; from < RF_PHASE_NR; from++)
		for (int to = 0; to <= RF_PHASE_NR; to++) {
			const bool may = allowed.count({from, to});
			rf_life life = {phase(from), cause_of(phase(from))};
			/* A cause that cannot be what it is refused for. */
			const rf_cause cause = from == RF_PHASE_DYING && to == RF_PHASE_ENDED
						       ? life.cause
					       : to < RF_PHASE_NR ? cause_of(phase(to))
								  : RF_CAUSE_NONE;

			EXPECT_EQ(rf_phase_transition(phase(from), phase(to)), may);
			EXPECT_EQ(rf_life_enter(&life, phase(to), cause), may ? 0 : -EINVAL)
				<< from << " to " << to;
			EXPECT_EQ(life.phase, phase(may ? to : from));
		}
}

TEST(LedgerLife, LeadsToItsEndFromEverywhere)
{
	for (int from = 0; from < RF_PHASE_NR; from++) {
		std::set<int> reached = {from};

		for (bool more = true; more;) {
			more = false;
			for (int at : std::set<int>(reached))
				for (int to = 0; to < RF_PHASE_NR; to++)
					if (rf_phase_transition(phase(at), phase(to)))
						more |= reached.insert(to).second;
		}
		EXPECT_TRUE(reached.count(RF_PHASE_GONE)) << from;
		/* And nothing follows that. */
		EXPECT_EQ(reached.size() == 1, from == RF_PHASE_GONE);
	}
}

TEST(LedgerLife, CanAlwaysBeDestroyed)
{
	for (int from = 0; from < RF_PHASE_NR; from++)
		EXPECT_EQ(rf_phase_destroyable(phase(from)),
			  from == RF_PHASE_DESTROYING ||
				  rf_phase_transition(phase(from), RF_PHASE_DESTROYING));
}

/* A kernel comes to work by BOOTING only, and whatever works can be ended at once. */
TEST(LedgerLife, NothingWorksThatWasNotStarted)
{
	for (int from = 0; from < RF_PHASE_NR; from++)
		for (int to = 0; to < RF_PHASE_NR; to++)
			if (rf_phase_transition(phase(from), phase(to)) &&
			    rf_phase_held(phase(from)) && !rf_phase_held(phase(to))) {
				EXPECT_TRUE(from == RF_PHASE_LOADED && to == RF_PHASE_BOOTING);
			}
	for (int from = 0; from < RF_PHASE_NR; from++)
		if (!rf_phase_held(phase(from))) {
			EXPECT_TRUE(rf_phase_transition(phase(from), RF_PHASE_ENDED)) << from;
		}
}

TEST(LedgerLife, KeepsTheCauseOfItsEnd)
{
	rf_life life = {RF_PHASE_DYING, RF_CAUSE_PANIC};

	EXPECT_EQ(rf_life_enter(&life, RF_PHASE_ENDED, RF_CAUSE_OPERATOR), -EINVAL);
	ASSERT_EQ(rf_life_enter(&life, RF_PHASE_ENDED, RF_CAUSE_PANIC), 0);
	EXPECT_EQ(rf_life_enter(&life, RF_PHASE_RESETTING, RF_CAUSE_HANG), -EINVAL);
	ASSERT_EQ(rf_life_enter(&life, RF_PHASE_RESETTING, RF_CAUSE_PANIC), 0);
	EXPECT_EQ(rf_life_enter(&life, RF_PHASE_ENDED, RF_CAUSE_OPERATOR), -EINVAL);
	ASSERT_EQ(rf_life_enter(&life, RF_PHASE_DEFINED, RF_CAUSE_NONE), 0);
	EXPECT_EQ(life.cause, RF_CAUSE_NONE);
}

TEST(LedgerLife, HasACauseWhereSomethingEnded)
{
	for (int cause = RF_CAUSE_NONE; cause <= RF_CAUSE_NR; cause++) {
		const auto why = static_cast<rf_cause>(cause);
		const bool real = cause > RF_CAUSE_NONE && cause < RF_CAUSE_NR;

		EXPECT_EQ(rf_phase_explains(RF_PHASE_ENDED, why), real);
		EXPECT_EQ(rf_phase_explains(RF_PHASE_RESETTING, why), real);
		EXPECT_EQ(rf_phase_explains(RF_PHASE_DYING, why), why == RF_CAUSE_PANIC);
		for (auto asked : {RF_PHASE_STOPPING, RF_PHASE_DESTROYING, RF_PHASE_GONE})
			EXPECT_EQ(rf_phase_explains(asked, why), why == RF_CAUSE_OPERATOR);
		for (auto other : {RF_PHASE_DEFINED, RF_PHASE_LOADED, RF_PHASE_BOOTING,
				   RF_PHASE_RUNNING, RF_PHASE_LOST})
			EXPECT_EQ(rf_phase_explains(other, why), why == RF_CAUSE_NONE);
	}
	EXPECT_FALSE(rf_phase_explains(RF_PHASE_NR, RF_CAUSE_NONE));
}

TEST(LedgerLife, IsReportedAsAState)
{
	EXPECT_EQ(rf_phase_state(RF_PHASE_DEFINED, RF_CAUSE_NONE), RF_STATE_DEFINED);
	EXPECT_EQ(rf_phase_state(RF_PHASE_LOADED, RF_CAUSE_NONE), RF_STATE_LOADED);
	EXPECT_EQ(rf_phase_state(RF_PHASE_BOOTING, RF_CAUSE_NONE), RF_STATE_BOOTING);
	EXPECT_EQ(rf_phase_state(RF_PHASE_RUNNING, RF_CAUSE_NONE), RF_STATE_RUNNING);
	EXPECT_EQ(rf_phase_state(RF_PHASE_LOST, RF_CAUSE_NONE), RF_STATE_LOST);
	EXPECT_EQ(rf_phase_state(RF_PHASE_STOPPING, RF_CAUSE_OPERATOR), RF_STATE_STOPPING);
	EXPECT_EQ(rf_phase_state(RF_PHASE_DYING, RF_CAUSE_PANIC), RF_STATE_CRASHED);
	EXPECT_EQ(rf_phase_state(RF_PHASE_DESTROYING, RF_CAUSE_OPERATOR), RF_STATE_STOPPING);
	EXPECT_EQ(rf_phase_state(RF_PHASE_GONE, RF_CAUSE_OPERATOR), RF_STATE_STOPPING);
	for (auto phase : {RF_PHASE_ENDED, RF_PHASE_RESETTING}) {
		for (auto cause : {RF_CAUSE_OPERATOR, RF_CAUSE_POWEROFF, RF_CAUSE_HALT,
				   RF_CAUSE_REBOOT, RF_CAUSE_ACPI_SLEEP, RF_CAUSE_SUPERVISOR})
			EXPECT_EQ(rf_phase_state(phase, cause), RF_STATE_STOPPED) << cause;
		for (auto cause : {RF_CAUSE_PANIC, RF_CAUSE_EMERGENCY, RF_CAUSE_ACPI_RESET,
				   RF_CAUSE_AGENT, RF_CAUSE_NO_ENTRY, RF_CAUSE_HANG})
			EXPECT_EQ(rf_phase_state(phase, cause), RF_STATE_CRASHED) << cause;
	}
}

TEST(LedgerLife, WhatEachPhaseMeans)
{
	struct {
		rf_phase phase;
		bool live, held, kernel, adjustable, stoppable, resettable, when_lost;
	} const expected[] = {
		{RF_PHASE_DEFINED, false, true, false, false, false, false, false},
		{RF_PHASE_LOADED, false, true, true, false, false, false, false},
		{RF_PHASE_BOOTING, true, false, true, false, false, false, false},
		{RF_PHASE_RUNNING, true, false, true, true, true, false, false},
		{RF_PHASE_LOST, true, false, true, false, true, false, true},
		{RF_PHASE_STOPPING, true, false, true, false, false, false, false},
		{RF_PHASE_DYING, false, false, false, false, false, true, true},
		{RF_PHASE_ENDED, false, true, false, false, false, true, true},
		{RF_PHASE_RESETTING, false, true, false, false, false, false, false},
		{RF_PHASE_DESTROYING, false, true, false, false, false, false, false},
		{RF_PHASE_GONE, false, true, false, false, false, false, false},
	};

	for (const auto &row : expected) {
		EXPECT_EQ(rf_phase_live(row.phase), row.live) << row.phase;
		EXPECT_EQ(rf_phase_held(row.phase), row.held) << row.phase;
		EXPECT_EQ(rf_phase_has_kernel(row.phase), row.kernel) << row.phase;
		EXPECT_EQ(rf_phase_adjustable(row.phase), row.adjustable) << row.phase;
		EXPECT_EQ(rf_phase_stoppable(row.phase), row.stoppable) << row.phase;
		EXPECT_EQ(rf_phase_resettable(row.phase, false), row.resettable) << row.phase;
		EXPECT_EQ(rf_phase_resettable(row.phase, true), row.when_lost) << row.phase;
	}
}

} // namespace
