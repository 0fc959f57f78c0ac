// SPDX-License-Identifier: GPL-2.0
/*
 * A small machine's ledger beside a naive model of it: memory step by step, cores as lists.
 * Every change goes to both; they must agree about whether it is allowed, and afterwards about
 * everything. Throws Wrong if they do not. For random tests and for the fuzzer.
 */
#ifndef RF_TESTS_LEDGER_WORLD_HPP
#define RF_TESTS_LEDGER_WORLD_HPP

#include "supervisor/ledger/ledger.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace ledger_test {

using std::uint32_t;
using std::uint64_t;

struct Wrong : std::logic_error {
	using std::logic_error::logic_error;
};

inline void require(bool condition, const char *what)
{
	if (!condition)
		throw Wrong(what);
}

/* Where all decisions come from: a generator, or the fuzzer's input. */
class Choice {
public:
	virtual ~Choice() = default;
	virtual uint32_t below(uint32_t limit) = 0;	/* 0 .. limit - 1 */
	virtual bool over() const = 0;

	bool one_in(uint32_t n)
	{
		return !below(n);
	}
};

constexpr uint64_t step_size = RF_EXTENT_SIZE;
constexpr uint64_t base = 0x100000000;
constexpr uint32_t cpus = 14;
constexpr uint32_t absent_cpu = 5;
constexpr uint32_t steps = 192;
constexpr uint32_t slices = 6;

/* 2 MiB of memory. */
struct Step {
	uint32_t owner = 0;
	rf_memory_state state = RF_MEMORY_FREE;
	rf_content content = RF_CONTENT_LEFT;
	std::int32_t nid = 0;
	bool present = false, reserved = false, boot = false;

	bool equals(const Step &other) const
	{
		return present == other.present && owner == other.owner && state == other.state &&
		       content == other.content && nid == other.nid && reserved == other.reserved;
	}
};

struct Core {
	rf_core_state state = RF_CORE_HOME;
	uint32_t owner = 0, lender = 0;
};

class World {
public:
	World()
	{
		rf_ledger_core_init(&books.cores, entries_, cpus);
		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			if (cpu != absent_cpu)
				require(!rf_ledger_core_add(&books.cores, cpu, apic_id(cpu)), "add");
		extents_.resize(8);
		rf_ledger_memory_init(&books.memory, extents_.data(), extents_.size());
		rf_ledger_slice_init(&books.slices, slices);
		for (uint32_t slice = 0; slice < slices; slice++)
			rf_ledger_slice_set_usable(&books.slices, slice, slice != 3);
		rf_ledger_function_init(&books.functions);
	}
	World(const World &) = delete;

	static uint32_t apic_id(uint32_t cpu)
	{
		return cpu * 2 + (cpu > 7);
	}

	static uint64_t address(uint32_t step)
	{
		return base + step * step_size;
	}

	/* ---- memory ---- */

	/* As the kernel does: outside of the locks, before a change. */
	void reserve()
	{
		if (rf_ledger_memory_spare(&books.memory) >= RF_MEMORY_SPARE)
			return;
		std::vector<rf_extent> larger(extents_.size() + 8);
		rf_extent *before = rf_ledger_memory_grow(&books.memory, larger.data(), larger.size());

		require(before == extents_.data(), "storage");
		extents_.swap(larger);
	}

	int add(uint32_t first, uint32_t count, std::int32_t nid, bool reserved, rf_content content)
	{
		const bool room = rf_ledger_memory_spare(&books.memory);
		const bool allowed = count && free_of(first, count, false);
		const int rc = rf_ledger_memory_add(&books.memory, address(first), count * step_size,
						    nid, reserved, content);

		agree(rc, allowed, !room);
		for (uint32_t i = first; !rc && i < first + count; i++)
			map[i] = Step{0, RF_MEMORY_FREE, content, nid, true, reserved, false};
		verify_memory();
		return rc;
	}

	int remove(uint32_t first, uint32_t count)
	{
		bool allowed = count;
		for (uint32_t i = first; i < first + count; i++)
			allowed = allowed && map[i].state == RF_MEMORY_FREE;
		const bool room = rf_ledger_memory_spare(&books.memory) >= RF_MEMORY_SPARE;
		const int rc =
			rf_ledger_memory_remove(&books.memory, address(first), count * step_size);

		agree(rc, allowed, !room);
		for (uint32_t i = first; !rc && i < first + count; i++)
			map[i] = Step{};
		verify_memory();
		return rc;
	}

	int move(uint32_t first, uint32_t count, uint32_t owner, rf_memory_state from,
		 rf_memory_state to)
	{
		const bool room = rf_ledger_memory_spare(&books.memory) >= RF_MEMORY_SPARE;
		const bool allowed = may_move(first, count, owner, from, to);
		const int rc = rf_ledger_memory_move(&books.memory, address(first), count * step_size,
						     owner, from, to);

		agree(rc, allowed, !room);
		if (!rc)
			apply(map, first, count, owner, to);
		verify_memory();
		return rc;
	}

	int set_content(uint32_t first, uint32_t count, rf_content content)
	{
		const bool room = rf_ledger_memory_spare(&books.memory) >= RF_MEMORY_SPARE;
		bool allowed = count;
		for (uint32_t i = first; i < first + count; i++)
			allowed = allowed && map[i].present && map[i].state == RF_MEMORY_FREE;
		const int rc = rf_ledger_memory_set_content(&books.memory, address(first),
							    count * step_size, content);

		agree(rc, allowed, !room);
		for (uint32_t i = first; !rc && i < first + count; i++)
			map[i].content = content;
		verify_memory();
		return rc;
	}

	int set_boot(uint32_t first, uint32_t owner)
	{
		const bool room = rf_ledger_memory_spare(&books.memory);
		bool allowed = map[first].present && rf_owner_is_subos(owner) &&
			       map[first].owner == owner &&
			       map[first].state != RF_MEMORY_LEAVING;
		for (const Step &step : map)
			allowed = allowed && !(step.boot && step.owner == owner);
		if (allowed) {
			map[first].boot = true;
			allowed = ranges(map, owner).size() <= RF_RANGES_MAX;
			map[first].boot = false;
		}
		const int rc = rf_ledger_memory_set_boot(&books.memory, address(first), owner);

		agree(rc, allowed, !room);
		if (!rc)
			map[first].boot = true;
		verify_memory();
		return rc;
	}

	/* What a subOS is granted, derived step by step: boot range first, the others by address. */
	static std::vector<rf_range> ranges(const std::vector<Step> &map, uint32_t owner)
	{
		std::vector<rf_range> found;
		std::size_t boot = 0;

		for (uint32_t i = 0; i < map.size(); i++) {
			if (map[i].owner != owner || map[i].state != RF_MEMORY_OWNED)
				continue;
			if (map[i].boot)
				boot = found.size();
			if (found.empty() || map[i].boot ||
			    found.back().start + found.back().size != address(i))
				found.push_back({address(i), 0});
			found.back().size += step_size;
		}
		if (!found.empty())
			std::rotate(found.begin(), found.begin() + boot, found.begin() + boot + 1);
		return found;
	}

	/* ---- cores ---- */

	/* Unplugged, unless somebody has it, and plugged in again. */
	void replug_core(uint32_t cpu)
	{
		const bool goes = cpu && cpu != absent_cpu && cores[cpu].state == RF_CORE_HOME;

		rf_ledger_core_forget(&books.cores, cpu);
		require((rf_ledger_core_apic_id(&books.cores, cpu) == RF_APIC_NONE) ==
				(goes || cpu == absent_cpu),
			"a core was forgotten, or was not");
		if (cpu != absent_cpu)
			require(!rf_ledger_core_add(&books.cores, cpu, apic_id(cpu)),
				"a core cannot be plugged in again");
		verify_cores();
	}

	int move_core(uint32_t cpu, uint32_t from, uint32_t to, rf_core_state state)
	{
		const bool allowed = may_move_core(cpu, from, to, state);
		const int rc = rf_ledger_core_move(&books.cores, cpu, from, to, state);

		agree(rc, allowed, false);
		if (!rc) {
			order_.erase(std::remove(order_.begin(), order_.end(), cpu), order_.end());
			if (state == RF_CORE_LENT)
				order_.push_back(cpu);
			if (cores[cpu].owner != to)
				cores[cpu].lender = 0;
			cores[cpu].owner = to;
			cores[cpu].state = state;
		}
		verify_cores();
		return rc;
	}

	int lend(uint32_t cpu, uint32_t lender)
	{
		const bool allowed = cpu < cpus && cpu != absent_cpu &&
				     (!lender || (cores[cpu].state == RF_CORE_LENT &&
						  cores[cpu].owner != lender));
		const int rc = rf_ledger_core_lend(&books.cores, cpu, lender);

		agree(rc, allowed, false);
		if (!rc)
			cores[cpu].lender = lender;
		verify_cores();
		return rc;
	}

	void forget_lender(uint32_t lender)
	{
		rf_ledger_core_forget_lender(&books.cores, lender);
		for (Core &core : cores)
			if (core.lender == lender)
				core.lender = 0;
		verify_cores();
	}

	std::vector<uint32_t> list(uint32_t owner) const
	{
		std::vector<uint32_t> found;

		for (uint32_t cpu : order_)
			if (cores[cpu].owner == owner)
				found.push_back(cpu);
		return found;
	}

	/* ---- slices ---- */

	int take_slice(uint32_t owner)
	{
		int expected = -ENOSPC;

		for (int slice = slices - 1; slice >= 0; slice--)
			if (!slice_owner[slice] && slice != 3)
				expected = slice;
		for (uint32_t other : slice_owner)
			if (other == owner)
				expected = -EEXIST;
		const int slice = rf_ledger_slice_take(&books.slices, owner);

		require(slice == expected, "another slice than the model's");
		if (slice >= 0)
			slice_owner[slice] = owner;
		verify_slices();
		return slice;
	}

	int free_slice(uint32_t slice, uint32_t owner)
	{
		const int rc = rf_ledger_slice_free(&books.slices, slice, owner);

		agree(rc, slice < slices && owner && slice_owner[slice] == owner, false);
		if (!rc)
			slice_owner[slice] = 0;
		verify_slices();
		return rc;
	}

	/* Do both say the same? */
	void verify() const
	{
		right(rf_ledger_check(&books));
		verify_memory();
		verify_cores();
		verify_slices();
	}

	/* The model knows nothing of functions. */
	void verify_functions() const
	{
		right(rf_ledger_function_check(&books.functions));
	}

	/* Nobody owns anything. */
	void verify_home() const
	{
		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			require(cores[cpu].state == RF_CORE_HOME && !cores[cpu].lender,
				"a core did not come home");
		for (const Step &step : map)
			require(step.state == RF_MEMORY_FREE, "memory did not come home");
		for (uint32_t owner : slice_owner)
			require(!owner, "a slice did not come home");
		require(!books.functions.count && !books.functions.first, "a function stayed");
		verify();
	}

	rf_books books = {};
	std::vector<Step> map = std::vector<Step>(steps);
	Core cores[cpus];
	uint32_t slice_owner[slices] = {};

private:
	static void right(const char *wrong)
	{
		require(!wrong, wrong);
	}

	static void agree(int rc, bool allowed, bool full)
	{
		if (rc == -ENOMEM)
			return require(full, "refused for lack of room that there is");
		require(!rc || !allowed, "refused what is allowed");
		require(rc || allowed, "done what is not allowed");
	}

	bool free_of(uint32_t first, uint32_t count, bool present) const
	{
		for (uint32_t i = first; i < first + count; i++)
			if (map[i].present != present)
				return false;
		return true;
	}

	static void apply(std::vector<Step> &map, uint32_t first, uint32_t count, uint32_t owner,
			  rf_memory_state to)
	{
		for (uint32_t i = first; i < first + count; i++) {
			map[i].owner = to == RF_MEMORY_FREE ? 0 : owner;
			map[i].state = to;
			map[i].content = RF_CONTENT_LEFT;
			if (to == RF_MEMORY_FREE)
				map[i].boot = false;
		}
	}

	bool may_move(uint32_t first, uint32_t count, uint32_t owner, rf_memory_state from,
		      rf_memory_state to) const
	{
		const bool way = (from == RF_MEMORY_FREE && to == RF_MEMORY_COMING) ||
				 (from == RF_MEMORY_COMING && to == RF_MEMORY_OWNED) ||
				 (from == RF_MEMORY_COMING && to == RF_MEMORY_FREE) ||
				 (from == RF_MEMORY_OWNED && to == RF_MEMORY_LEAVING) ||
				 (from == RF_MEMORY_LEAVING && to == RF_MEMORY_OWNED) ||
				 (from == RF_MEMORY_LEAVING && to == RF_MEMORY_FREE);

		if (!way || !count || !owner)
			return false;
		for (uint32_t i = first; i < first + count; i++) {
			if (!map[i].present || map[i].state != from)
				return false;
			if (from == RF_MEMORY_FREE ? map[i].content != RF_CONTENT_CLEAN
						   : map[i].owner != owner)
				return false;
		}
		if (owner == RF_OWNER_ARENA || (from != RF_MEMORY_OWNED && to != RF_MEMORY_OWNED))
			return true;
		std::vector<Step> after = map;
		apply(after, first, count, owner, to);
		return ranges(after, owner).size() <= RF_RANGES_MAX;
	}

	bool may_move_core(uint32_t cpu, uint32_t from, uint32_t to, rf_core_state state) const
	{
		if (!cpu || cpu >= cpus || cpu == absent_cpu || cores[cpu].owner != from)
			return false;
		switch (cores[cpu].state) {
		case RF_CORE_HOME:
			return state == RF_CORE_COMING && to;
		case RF_CORE_COMING:
			return (state == RF_CORE_HOME && !to) ||
			       ((state == RF_CORE_LENT || state == RF_CORE_RETURNING) && to == from);
		case RF_CORE_LENT:
			return state == RF_CORE_LEAVING && to == from;
		case RF_CORE_LEAVING:
			return (state == RF_CORE_LENT && to) ||
			       (state == RF_CORE_RETURNING && to == from);
		case RF_CORE_RETURNING:
			return (state == RF_CORE_HOME && !to) ||
			       (state == RF_CORE_LEAVING && to == from);
		default:
			return false;
		}
	}

	void verify_memory() const
	{
		const rf_memory_table &table = books.memory;
		uint32_t at = 0;

		right(rf_ledger_memory_check(&table));
		for (uint32_t i = 0; i < steps; i++) {
			const Step &step = map[i];

			if (at < table.count && table.extents[at].start == address(i)) {
				require(step.present && (!i || step.boot || !step.equals(map[i - 1])),
					"an extent begins where none should");
				require(table.extents[at].boot == step.boot, "a boot area moved");
			} else {
				require(!step.present || (i && !step.boot && step.equals(map[i - 1])),
					"no extent begins where one should");
			}
			if (!step.present)
				continue;
			require(at < table.count && at < table.capacity, "memory without an extent");
			const rf_extent &extent = table.extents[at];

			require(extent.owner == step.owner && extent.state == step.state &&
				extent.content == step.content && extent.nid == step.nid &&
				extent.reserved == step.reserved,
				"an extent is not what its memory is");
			if (extent.start + extent.size == address(i + 1))
				at++;
		}
		require(at == table.count, "extents without memory");
		for (uint32_t owner = 1; owner <= 3; owner++)
			verify_ranges(owner);
	}

	void verify_ranges(uint32_t owner) const
	{
		const std::vector<rf_range> expected = ranges(map, owner);
		rf_range found[RF_RANGES_MAX];
		const uint32_t count =
			rf_ledger_memory_ranges(&books.memory, owner, found, RF_RANGES_MAX);

		require(count == expected.size(), "another number of ranges");
		verify_walk(owner, expected);
		for (uint32_t i = 0; i < count; i++) {
			require(found[i].start == expected[i].start &&
				found[i].size == expected[i].size, "another range");
			require(rf_ledger_memory_holds(&books.memory, owner, found[i].start + 1,
						       found[i].size - 1) &&
				!rf_ledger_memory_holds(&books.memory, owner, found[i].start,
							found[i].size + 1) &&
				!rf_ledger_memory_holds(&books.memory, owner, found[i].start - 1,
							found[i].size),
				"a range is held, and no more");
		}
	}

	void verify_walk(uint32_t owner, std::vector<rf_range> expected) const
	{
		rf_range range = {};

		std::sort(expected.begin(), expected.end(),
			  [](const rf_range &a, const rf_range &b) { return a.start < b.start; });
		for (const rf_range &each : expected)
			require(rf_ledger_memory_next_range(&books.memory, owner,
							    range.start + range.size, &range) &&
				range.start == each.start && range.size == each.size,
				"another walk over the ranges");
		require(!rf_ledger_memory_next_range(&books.memory, owner, range.start + range.size,
						     &range), "a walk without an end");
	}

	void verify_slices() const
	{
		right(rf_ledger_slice_check(&books.slices));
		for (uint32_t slice = 0; slice < slices; slice++)
			require(slice == 3 || books.slices.owner[slice] == slice_owner[slice],
				"a slice has another owner");
	}

	void verify_cores() const
	{
		right(rf_ledger_core_check(&books.cores));
		for (uint32_t cpu = 0; cpu < cpus; cpu++) {
			const Core &core = cores[cpu];

			require(rf_ledger_core_owner(&books.cores, cpu) == core.owner &&
				rf_ledger_core_lender(&books.cores, cpu) == core.lender &&
				books.cores.entries[cpu].state == core.state,
				"a core is not what it should be");
			require(rf_ledger_core_may_start(&books.cores, cpu) ==
				(core.state == RF_CORE_HOME || core.state == RF_CORE_RETURNING),
				"a core may be started by the wrong kernel");
		}
		for (uint32_t owner = 1; owner <= 3; owner++) {
			const std::vector<uint32_t> expected = list(owner);
			uint32_t found[RF_CPUS_MAX];
			const uint32_t count =
				rf_ledger_core_list(&books.cores, owner, found, RF_CPUS_MAX);

			require(count == expected.size() &&
				std::equal(expected.begin(), expected.end(), found) &&
				rf_ledger_core_count(&books.cores, owner) == count,
				"another list of cores");
			require(rf_ledger_core_boot(&books.cores, owner) ==
				(count ? static_cast<int>(found[0]) : -ENODEV), "another boot core");
			__u64 rank = 0;
			for (uint32_t cpu : expected)
				require(rf_ledger_core_next(&books.cores, owner, &rank) ==
					static_cast<int>(cpu), "another walk over the list");
			require(rf_ledger_core_next(&books.cores, owner, &rank) == -ENODEV,
				"a walk without an end");
		}
	}

	rf_core_entry entries_[cpus] = {};
	std::vector<rf_extent> extents_;
	std::vector<uint32_t> order_;	/* of all LENT cores, as they were attached */
};

/* The same machine as a later supervisor finds it: all there is, and nobody owns any of it. */
struct Later {
	static constexpr uint32_t node_at = 96;

	Later()
	{
		rf_ledger_core_init(&books.cores, entries, cpus);
		for (uint32_t cpu = 0; cpu < cpus; cpu++)
			if (cpu != absent_cpu)
				rf_ledger_core_add(&books.cores, cpu, World::apic_id(cpu));
		rf_ledger_memory_init(&books.memory, extents, std::size(extents));
		rf_ledger_memory_add(&books.memory, World::address(0), node_at * step_size, 0, true,
				     RF_CONTENT_BOOT);
		rf_ledger_memory_add(&books.memory, World::address(node_at),
				     (steps - node_at) * step_size, 1, false, RF_CONTENT_BOOT);
		rf_ledger_slice_init(&books.slices, slices);
		for (uint32_t slice = 0; slice < slices; slice++)
			rf_ledger_slice_set_usable(&books.slices, slice, slice != 3);
		rf_ledger_function_init(&books.functions);
	}

	rf_core_entry entries[cpus] = {};
	rf_extent extents[2 * RF_LEDGER_RANGES + 8] = {};
	rf_books books = {};
};

/* A right checksum for a wrong copy. */
inline void seal(rf_ledger &copy)
{
	uint32_t word, sum = 0;

	copy.checksum = 0;
	for (std::size_t at = 0; at < sizeof(copy); at += sizeof(word)) {
		std::memcpy(&word, reinterpret_cast<const char *>(&copy) + at, sizeof(word));
		sum += word;
	}
	copy.checksum = -sum;
}

} // namespace ledger_test

#endif
