// SPDX-License-Identifier: GPL-2.0
// Who picks cores may not be alone.
#include "operations/creation.hpp"

#include "fake_module.hpp"
#include "fixture.hpp"

#include <gtest/gtest.h>

namespace rf {
namespace {

CreateRequest request_of(std::vector<unsigned> cpus)
{
	CreateRequest request;

	request.name = "web";
	request.cpus = std::move(cpus);
	request.memory = 64 << 20;
	return request;
}

TEST(Creation, OfNamedCoresIsNotTriedAgain)
{
	test::FakeModule module(RF_ABI_VERSION);
	const Supervisor supervisor = Supervisor::open();
	Plan plan;
	plan.wanted.cores = {2};
	plan.request = request_of({2});
	module.taken = {2};

	EXPECT_NE(test::refusal([&] { create_for(plan, supervisor); }, Code::busy)
			  .find("core 2 was given to another subOS in the meantime"),
		  std::string::npos);
	EXPECT_EQ(module.creates, 1u);
	module.taken.clear();
	EXPECT_EQ(create_for(plan, supervisor).name(), "web");
}

// What it picks then depends on this machine: in no case what was taken.
TEST(Creation, OfPickedCoresPicksAgain)
{
	test::FakeModule module(RF_ABI_VERSION);
	const Supervisor supervisor = Supervisor::open();
	Plan plan;
	plan.wanted.ncores = 1;
	plan.request = request_of({4095});
	module.taken = {4095};

	try {
		create_for(plan, supervisor);
		EXPECT_EQ(module.creates, 2u);
	} catch (const Error &error) {
		EXPECT_EQ(std::string(error.what()).find("4095"), std::string::npos)
			<< "the machine has no core to give: " << error.what();
		EXPECT_EQ(module.creates, 1u);
	}
}

} // namespace
} // namespace rf
