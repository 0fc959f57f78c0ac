// SPDX-License-Identifier: GPL-2.0
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "uapi/rainforest.h"
#include "wire/layout_check.h"
#pragma GCC diagnostic pop

#include <gtest/gtest.h>

#include "fixture.hpp"

namespace rf::test {
namespace {

TEST(Handoff, SumsUpToZero)
{
	for (std::uint32_t id : {0u, 1u, 0xffffffffu}) {
		boot::Grant grant = make_grant();
		grant.id = id;
		const Bytes bytes = boot::bytes_of(boot::handoff(grant, {}));
		std::uint32_t sum = 0;
		for (std::size_t pos = 0; pos < bytes.size(); pos += 4)
			sum += boot::load<std::uint32_t>(bytes, pos);
		EXPECT_EQ(sum, 0u);
	}
}

TEST(Handoff, TellsWhatIsOwned)
{
	const boot::Grant grant = make_grant();
	const rf_handoff handoff = boot::handoff(grant, {});

	EXPECT_EQ(handoff.size, sizeof(handoff));
	EXPECT_EQ(handoff.magic, RF_HANDOFF_MAGIC);
	EXPECT_EQ(handoff.major, RF_HANDOFF_MAJOR);
	EXPECT_EQ(handoff.minor, RF_HANDOFF_MINOR);
	EXPECT_EQ(handoff.id, 7u);
	EXPECT_STREQ(handoff.name, "web");
	EXPECT_EQ(handoff.mailbox, 0x140002000u);
	EXPECT_EQ(handoff.low_slice, 0x28000u);
	EXPECT_EQ(handoff.low_slice_size, std::uint32_t{RF_LOW_SLICE_SIZE});
	EXPECT_EQ(handoff.nr_cpus, 3u);
	EXPECT_EQ(handoff.apic_ids[0], 2u);
	EXPECT_EQ(handoff.apic_ids[2], 300u);
	EXPECT_EQ(handoff.nr_ranges, 2u);
	EXPECT_EQ(handoff.ranges[1].start, 0x1c0000000u);
	EXPECT_EQ(handoff.grant, 0x140006000u);
	EXPECT_EQ(handoff.flags, std::uint32_t{RF_HANDOFF_CONSOLE});
}

TEST(Handoff, ConsoleOnlyWithTheAgent)
{
	EXPECT_EQ(boot::handoff(make_grant(), {.console = false}).flags, 0u);
	EXPECT_EQ(boot::handoff(make_grant(), {.agent = false}).flags, 0u);
}

TEST(Handoff, GrantsThatDoNotFitAreRefused)
{
	boot::Grant grant = make_grant();
	grant.name = std::string(RF_NAME_MAX, 'n');
	EXPECT_THROW(boot::handoff(grant, {}), boot::Error);

	grant = make_grant();
	grant.ranges.clear();
	EXPECT_THROW(boot::handoff(grant, {}), boot::Error);
	grant.ranges.resize(RF_RANGES_MAX + 1);
	EXPECT_THROW(boot::handoff(grant, {}), boot::Error);

	grant = make_grant();
	grant.apic_ids.clear();
	EXPECT_THROW(boot::handoff(grant, {}), boot::Error);
	grant.apic_ids.resize(RF_CPUS_MAX + 1);
	EXPECT_THROW(boot::handoff(grant, {}), boot::Error);
}

} // namespace
} // namespace rf::test
