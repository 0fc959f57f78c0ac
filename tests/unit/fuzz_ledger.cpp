// SPDX-License-Identifier: GPL-2.0
/*
 * The ledger, driven by libFuzzer. The first byte says how: by what a supervisor does, with
 * failures wherever they hurt; by any changes at all; or from a copy that somebody has
 * tampered with. All invariants hold after each step, ledger and model agree, everything
 * goes home in the end, and what is adopted makes sense.
 */
#include "tests/unit/ledger_machine.hpp"

#include <cstdio>
#include <cstdlib>

namespace {

using namespace ledger_test;

constexpr int actions_max = 100;	/* an action takes several bytes, but some take none */

class Input : public Choice {
public:
	Input(const std::uint8_t *data, std::size_t size) : data_(data), left_(size) {}

	uint32_t below(uint32_t limit) override
	{
		return limit > 0x100 ? (byte() | byte() << 8) % limit : byte() % limit;
	}

	bool over() const override
	{
		return !left_;
	}

	uint32_t word()
	{
		return byte() | byte() << 8 | byte() << 16 | byte() << 24;
	}

private:
	uint32_t byte()
	{
		return left_ ? left_--, *data_++ : 0;
	}

	const std::uint8_t *data_;
	std::size_t left_;
};

void supervise(Input &input)
{
	Machine machine(input);

	for (int i = 0; !input.over() && i < actions_max; i++)
		machine.act();
	machine.end();
}

void change(Input &input)
{
	World world;

	for (int i = 0; !input.over() && i < actions_max; i++)
		any_change(world, input);
}

/* What somebody owns afterwards stands in the copy, and the other way round. */
void compare(const rf_books &books, const rf_ledger &copy)
{
	const auto again = std::make_unique<rf_ledger>();
	const char *wrong = rf_ledger_check(&books);

	require(!wrong, wrong);
	require(rf_ledger_copy(&books, copy.generation, again.get()), "too much was adopted");
	require(!std::memcmp(again->low_owner, copy.low_owner, sizeof(copy.low_owner)) &&
		!std::memcmp(again->core_owner, copy.core_owner, sizeof(copy.core_owner)),
		"other owners were adopted");
	for (uint32_t i = 0; i < copy.nr_ranges; i++)
		for (uint64_t at = 0; at < copy.ranges[i].size; at += step_size) {
			const rf_extent *extent = rf_ledger_memory_next(
				&books.memory, copy.ranges[i].subos_id, copy.ranges[i].start + at);

			require(extent && extent->start <= copy.ranges[i].start + at,
				"memory of another owner was adopted");
		}
}

void adopt(Input &input)
{
	const auto copy = std::make_unique<rf_ledger>();
	const auto later = std::make_unique<Later>();

	copy->size = sizeof(*copy);
	copy->nr_ranges = input.below(RF_LEDGER_RANGES + 2);
	uint32_t step = 0;
	for (uint32_t i = 0; i < copy->nr_ranges && i < RF_LEDGER_RANGES && !input.over(); i++) {
		step += input.below(8);
		copy->ranges[i].start = World::address(step);
		copy->ranges[i].size = step_size * (1 + input.below(4));
		copy->ranges[i].subos_id = input.below(32) ? 1 + input.below(3) : RF_OWNER_ARENA;
		step += copy->ranges[i].size / step_size;
	}
	while (!input.over()) {
		const uint32_t where = input.below(8);

		if (where < 3)
			copy->core_owner[input.below(cpus * 2 + 2)] = input.below(4);
		else if (where < 6)
			copy->low_owner[input.below(slices + 1)] = input.below(6);
		else if (where < 7)
			std::memset(reinterpret_cast<char *>(copy.get()) +
				    input.below(sizeof(*copy)), input.below(0x100), 1);
		else
			copy->ranges[input.below(RF_LEDGER_RANGES)].size += input.word();
	}
	seal(*copy);
	if (!rf_ledger_adopt(&later->books, copy.get()))
		return compare(later->books, *copy);
	/* Refused: nothing has changed. */
	require(later->books.memory.count == 2, "memory changed");
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		require(!rf_ledger_core_owner(&later->books.cores, cpu), "a core changed");
	for (uint32_t slice = 0; slice < slices; slice++)
		require(!later->books.slices.owner[slice] || slice == 3, "a slice changed");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
	static void (*const modes[])(Input &) = {supervise, change, adopt};
	Input input(data, size);

	try {
		modes[input.below(std::size(modes))](input);
	} catch (const Wrong &wrong) {
		std::fprintf(stderr, "%s\n", wrong.what());
		std::abort();
	}
	return 0;
}
