// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/ledger_world.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace {

using namespace ledger_test;

constexpr uint32_t web = 1, batch = 2;

class LedgerCopy : public testing::Test {
protected:
	void SetUp() override
	{
		for (uint32_t first : {0u, +Later::node_at}) {
			world.reserve();
			world.add(first, first ? steps - first : Later::node_at, first ? 1 : 0, !first,
				  RF_CONTENT_CLEAN);
		}
		for (uint32_t cpu : {7, 2, 3})
			lend(cpu, web);
		lend(9, batch);
		give(0, 4, web);
		give(8, 100, batch);	/* of two nodes */
		give(4, 2, RF_OWNER_ARENA);
		give(120, 2, web);
		world.take_slice(web);
		world.take_slice(batch);
		ASSERT_TRUE(rf_ledger_copy(&world.books, 17, copy.get()));
	}

	void lend(uint32_t cpu, uint32_t owner)
	{
		world.move_core(cpu, 0, owner, RF_CORE_COMING);
		world.move_core(cpu, owner, owner, RF_CORE_LENT);
	}

	void give(uint32_t first, uint32_t count, uint32_t owner)
	{
		world.reserve();
		ASSERT_EQ(world.move(first, count, owner, RF_MEMORY_FREE, RF_MEMORY_COMING), 0);
		world.reserve();
		ASSERT_EQ(world.move(first, count, owner, RF_MEMORY_COMING, RF_MEMORY_OWNED), 0);
	}

	void refuse(int error, void (*change)(rf_ledger &copy))
	{
		auto wrong = std::make_unique<rf_ledger>(*copy);

		change(*wrong);
		seal(*wrong);
		EXPECT_EQ(rf_ledger_adopt(&later->books, wrong.get()), error);
		for (uint32_t owner : {web, batch, RF_OWNER_ARENA})
			EXPECT_FALSE(rf_ledger_owns(&later->books, owner));
	}

	World world;
	std::unique_ptr<rf_ledger> copy = std::make_unique<rf_ledger>();
	std::unique_ptr<Later> later = std::make_unique<Later>();
};

TEST_F(LedgerCopy, IsWhatALaterSupervisorNeeds)
{
	EXPECT_EQ(copy->size, sizeof(*copy));
	EXPECT_EQ(copy->generation, 17u);
	EXPECT_EQ(copy->nr_ranges, 4u);
	EXPECT_EQ(copy->core_owner[World::apic_id(9)], batch);
	EXPECT_EQ(copy->low_owner[0], web);
	EXPECT_EQ(copy->low_owner[3], 0u);
	rf_ledger sealed = *copy;
	seal(sealed);
	EXPECT_EQ(copy->checksum, sealed.checksum);
}

TEST_F(LedgerCopy, ComesBackAsItWas)
{
	const rf_books &books = later->books;

	ASSERT_EQ(rf_ledger_adopt(&later->books, copy.get()), 0);
	EXPECT_STREQ(rf_ledger_check(&books), nullptr);
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		EXPECT_EQ(rf_ledger_core_owner(&books.cores, cpu),
			  rf_ledger_core_owner(&world.books.cores, cpu));
		EXPECT_EQ(books.cores.entries[cpu].state, world.books.cores.entries[cpu].state);
	}
	for (uint32_t slice = 0; slice < slices; slice++)
		EXPECT_EQ(books.slices.owner[slice], world.books.slices.owner[slice]);
	for (uint32_t owner : {web, batch, RF_OWNER_ARENA}) {
		rf_range there[RF_RANGES_MAX], here[RF_RANGES_MAX];
		const uint32_t count = rf_ledger_memory_ranges(&world.books.memory, owner, there,
							       RF_RANGES_MAX);

		ASSERT_EQ(rf_ledger_memory_ranges(&books.memory, owner, here, RF_RANGES_MAX), count);
		for (uint32_t i = 0; i < count; i++) {
			EXPECT_EQ(here[i].start, there[i].start);
			EXPECT_EQ(here[i].size, there[i].size);
		}
	}
	/* And a copy of it is the same one. */
	auto again = std::make_unique<rf_ledger>();
	ASSERT_TRUE(rf_ledger_copy(&books, 17, again.get()));
	EXPECT_EQ(std::memcmp(again.get(), copy.get(), sizeof(*again)), 0);
}

TEST_F(LedgerCopy, HandOffsTellTheRest)
{
	ASSERT_EQ(rf_ledger_adopt(&later->books, copy.get()), 0);
	ASSERT_EQ(rf_ledger_core_set_boot(&later->books.cores, 7, web), 0);
	ASSERT_EQ(rf_ledger_memory_set_boot(&later->books.memory, World::address(120), web), 0);
	EXPECT_EQ(rf_ledger_core_boot(&later->books.cores, web), 7);
	EXPECT_EQ(rf_ledger_memory_boot(&later->books.memory, web), World::address(120));
	EXPECT_STREQ(rf_ledger_check(&later->books), nullptr);
}

TEST_F(LedgerCopy, WhatIsOnItsWayIsItsOwners)
{
	world.move_core(3, web, web, RF_CORE_LEAVING);
	world.move_core(4, 0, batch, RF_CORE_COMING);
	world.reserve();
	ASSERT_EQ(world.move(120, 1, web, RF_MEMORY_OWNED, RF_MEMORY_LEAVING), 0);
	ASSERT_TRUE(rf_ledger_copy(&world.books, 18, copy.get()));
	ASSERT_EQ(rf_ledger_adopt(&later->books, copy.get()), 0);
	EXPECT_EQ(rf_ledger_core_owner(&later->books.cores, 3), web);
	EXPECT_EQ(rf_ledger_core_owner(&later->books.cores, 4), batch);
	EXPECT_TRUE(rf_ledger_memory_holds(&later->books.memory, web, World::address(120),
					   2 * step_size));
}

TEST_F(LedgerCopy, IsIncompleteIfThereAreTooManyRanges)
{
	std::vector<rf_extent> extents(2 * RF_LEDGER_RANGES + 4);
	rf_memory_table &memory = world.books.memory;

	rf_ledger_memory_init(&memory, extents.data(), extents.size());
	ASSERT_EQ(rf_ledger_memory_add(&memory, base, 1000 * step_size, 0, false,
				       RF_CONTENT_CLEAN), 0);
	for (uint32_t i = 0; i <= RF_LEDGER_RANGES; i++) {
		EXPECT_TRUE(rf_ledger_copy(&world.books, i, copy.get()));
		ASSERT_EQ(rf_ledger_memory_move(&memory, base + 2 * i * step_size, step_size,
						RF_OWNER_ARENA, RF_MEMORY_FREE, RF_MEMORY_COMING), 0);
	}
	EXPECT_FALSE(rf_ledger_copy(&world.books, 0, copy.get()));
	/* What is not listed must not pass for nobody's. */
	EXPECT_EQ(rf_ledger_adopt(&later->books, copy.get()), -EPROTO);
}

TEST_F(LedgerCopy, IsNotBelievedIfItIsNone)
{
	auto wrong = std::make_unique<rf_ledger>(*copy);

	wrong->core_owner[4]++;
	EXPECT_EQ(rf_ledger_adopt(&later->books, wrong.get()), -EPROTO);
	refuse(-EPROTO, [](rf_ledger &copy) { copy.size--; });
	refuse(-EPROTO, [](rf_ledger &copy) { copy.nr_ranges = RF_LEDGER_RANGES + 1; });
}

TEST_F(LedgerCopy, IsNotBelievedIfItMakesNoSense)
{
	refuse(-ERANGE, [](rf_ledger &copy) { copy.core_owner[0] = web; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.core_owner[World::apic_id(absent_cpu)] = web; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.core_owner[World::apic_id(7)] = RF_OWNER_ARENA; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.low_owner[3] = 9; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.low_owner[slices] = 9; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.low_owner[1] = web; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.low_owner[4] = RF_OWNER_TRAMPOLINE; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[0].start += 4096; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[0].size = 0; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[0].size = -step_size; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[0].size += step_size; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[3].size = 200 * step_size; });
	refuse(-ERANGE, [](rf_ledger &copy) { copy.ranges[0].subos_id = 0; });
	refuse(-ERANGE, [](rf_ledger &copy) { std::swap(copy.ranges[0], copy.ranges[1]); });
	refuse(-ERANGE, [](rf_ledger &copy) {
		for (uint32_t i = 0; i <= RF_RANGES_MAX; i++) {
			copy.ranges[i].start = World::address(i);
			copy.ranges[i].size = step_size;
			copy.ranges[i].subos_id = web;
		}
		copy.nr_ranges = RF_RANGES_MAX + 1;
	});
}

TEST_F(LedgerCopy, IsAdoptedOnlyByWhoOwnsNothing)
{
	ASSERT_EQ(rf_ledger_adopt(&later->books, copy.get()), 0);
	EXPECT_EQ(rf_ledger_adopt(&later->books, copy.get()), -EBUSY);
	later = std::make_unique<Later>();
	later->books.memory.capacity = 2 + copy->nr_ranges * RF_MEMORY_SPARE - 1;
	EXPECT_EQ(rf_ledger_adopt(&later->books, copy.get()), -ENOMEM);
	later->books.memory.capacity++;
	EXPECT_EQ(rf_ledger_adopt(&later->books, copy.get()), 0);
}

} // namespace
