// SPDX-License-Identifier: GPL-2.0
#include "tests/unit/ledger_machine.hpp"

#include <gtest/gtest.h>

#include <random>

namespace {

using namespace ledger_test;

class Dice : public Choice {
public:
	explicit Dice(uint32_t seed) : generator_(seed) {}

	uint32_t below(uint32_t limit) override
	{
		return generator_() % limit;
	}

	bool over() const override
	{
		return false;
	}

private:
	std::mt19937 generator_;
};

class LedgerRandom : public testing::TestWithParam<uint32_t> {};

/* Whatever is tried, ledger and model agree about whether it is allowed, and about the result. */
TEST_P(LedgerRandom, AgreesWithTheModel)
{
	Dice dice(GetParam());
	World world;

	for (int i = 0; i < 30000; i++)
		ASSERT_NO_THROW(any_change(world, dice)) << "change " << i;
}

/* Whatever a supervisor does, and whatever fails, everything goes home in the end. */
TEST_P(LedgerRandom, GoesHomeInTheEnd)
{
	for (uint32_t round = 0; round < 20; round++) {
		Dice dice(GetParam() * 1000 + round);
		Machine machine(dice);

		for (int i = 0; i < 400; i++)
			ASSERT_NO_THROW(machine.act()) << "round " << round << ", action " << i;
		ASSERT_NO_THROW(machine.end()) << "round " << round;
	}
}

INSTANTIATE_TEST_SUITE_P(Seeds, LedgerRandom, testing::Range(1u, 9u));

} // namespace
