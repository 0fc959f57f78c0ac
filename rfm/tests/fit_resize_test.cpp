// SPDX-License-Identifier: GPL-2.0
// Resizes as an apply wants them, in front of a module that is none.
#include "operations/fit_resize.hpp"

#include "fake_module.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace rf {
namespace {

constexpr std::uint64_t M = 1 << 20;
constexpr std::uint32_t bdf = 0xfffff8;	// of no machine

// Every step back is tried, and with what made the step there possible.
TEST(FitResize, RestoresWhateverFails)
{
	test::FakeModule module(RF_ABI_VERSION);
	module.names = {"web"};
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos("web");
	std::vector<std::uint32_t> tried;
	std::uint32_t flags = 0;
	int node = -1;
	CreateOptions wanted;
	wanted.node = 1;
	wanted.function_flags = RF_PCI_REQUIRE_IOMMU;
	module.on_resize = [&](const rf_resize &step) {
		tried.push_back(step.op);
		if (step.op == RF_RESIZE_MEMORY_ADD)
			node = step.node;
		if (step.op == RF_RESIZE_PCI_ADD)
			flags = step.function_flags;
		return step.op == RF_RESIZE_MEMORY_ADD ? -ETIMEDOUT : 0;
	};

	try {
		restore(supervisor, subos, {"web", {0, 2}, 128 * M, {bdf}}, wanted);
		ADD_FAILURE();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::incomplete) << error.what();
	}
	EXPECT_EQ(tried, (std::vector<std::uint32_t>{RF_RESIZE_CORES_ADD, RF_RESIZE_MEMORY_ADD,
						     RF_RESIZE_PCI_ADD}));
	EXPECT_EQ(node, 1);
	EXPECT_EQ(flags, std::uint32_t{RF_PCI_FORCE | RF_PCI_REQUIRE_IOMMU});
	module.on_resize = {};
	EXPECT_NO_THROW(restore(supervisor, subos, {"web", {0}, 64 * M, {}}, wanted));
}

} // namespace
} // namespace rf
