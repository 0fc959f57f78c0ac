// SPDX-License-Identifier: GPL-2.0
#include "plan/reasons.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

using namespace rf;

Plan make_plan()
{
	Plan plan;

	plan.wanted.ncores = 2;
	plan.wanted.kernel = "/boot/vmlinuz";
	plan.wanted.policies.on_crash = RF_POLICY_KEEP;
	plan.wanted.policies.on_reboot = RF_POLICY_RESTART;
	plan.wanted.policies.hang_timeout_ms = 1500;
	plan.request.cpus = {2, 3};
	plan.request.memory = 512u << 20;
	plan.files.kernel.version = "6.1.0-test";
	plan.cmdline = "quiet";
	return plan;
}

bool has_line(const Plan &plan, const std::string &part)
{
	const std::vector<std::string> lines = reasons(plan);

	return std::any_of(lines.begin(), lines.end(), [&](const std::string &line) {
		return line.find(part) != line.npos;
	});
}

TEST(Reasons, SayWhoChoseTheCores)
{
	Plan plan = make_plan();
	EXPECT_TRUE(has_line(plan, "cores 2-3: 2 of the highest-numbered online ones in whole groups"));
	plan.wanted.node = 1;
	EXPECT_TRUE(has_line(plan, " of node 1, first those"));
	plan.wanted.cores = {2, 3};
	EXPECT_TRUE(has_line(plan, "cores 2-3: as --cores says"));
}

TEST(Reasons, SayHowTheKernelIsEntered)
{
	Plan plan = make_plan();
	EXPECT_TRUE(has_line(plan, "version 6.1.0-test: entered through the bzImage"));
	plan.files.vmlinux = Vmlinux(boot::Bytes(16));
	EXPECT_TRUE(has_line(plan, "entered directly"));
}

TEST(Reasons, SayWhatIsDefault)
{
	Plan plan = make_plan();
	EXPECT_TRUE(has_line(plan, "the one installed for kernel 6.1.0-test"));
	EXPECT_TRUE(has_line(plan, "after a crash keep, after a reboot restart; a hang is 1500ms"));
	EXPECT_TRUE(has_line(plan, "memory 512M from any node"));
	EXPECT_TRUE(has_line(plan, "command line: quiet"));
	plan.wanted.agent = false;
	EXPECT_FALSE(has_line(plan, "agent"));
}

} // namespace
