// SPDX-License-Identifier: GPL-2.0
#include "operations/await_running.hpp"
#include "wire/control.h"

#include <gtest/gtest.h>

namespace {

using namespace rf;

rf_status status_of(std::uint32_t state, std::uint32_t stage, std::uint32_t capabilities = 0)
{
	rf_status status{};

	status.state = state;
	status.stage = stage;
	status.capabilities = capabilities;
	return status;
}

TEST(HasArrived, WithoutAnAgentAtItsKernel)
{
	const CreateOptions wanted{.agent = false};

	EXPECT_FALSE(has_arrived(status_of(RF_STATE_BOOTING, RF_STAGE_PAGE_TABLES), wanted));
	EXPECT_TRUE(has_arrived(status_of(RF_STATE_BOOTING, RF_STAGE_KERNEL), wanted));
}

// An agent that has done all its work is not an init that runs.
TEST(HasArrived, AtItsInitWhenThatRuns)
{
	for (const Until until : {Until::init, Until::login}) {
		const CreateOptions wanted{.until = until};
		EXPECT_FALSE(has_arrived(
			status_of(RF_STATE_BOOTING, RF_STAGE_CPUS, RF_CAN_CORES), wanted));
		EXPECT_TRUE(has_arrived(
			status_of(RF_STATE_RUNNING, RF_STAGE_RUNNING, RF_CAN_CORES), wanted));
	}
}

TEST(HasArrived, AtItsAgentWhenThatHasSpoken)
{
	const CreateOptions wanted{.until = Until::agent};

	EXPECT_FALSE(has_arrived(status_of(RF_STATE_BOOTING, RF_STAGE_AGENT), wanted));
	EXPECT_FALSE(has_arrived(status_of(RF_STATE_BOOTING, RF_STAGE_CPUS), wanted));
	EXPECT_TRUE(has_arrived(status_of(RF_STATE_BOOTING, RF_STAGE_CPUS, RF_CAN_CORES), wanted));
	// The supervisor did not answer it, and it went on.
	EXPECT_TRUE(has_arrived(status_of(RF_STATE_RUNNING, RF_STAGE_RUNNING), wanted));
}

} // namespace
