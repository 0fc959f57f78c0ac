// SPDX-License-Identifier: GPL-2.0
/*
 * What the supervisor does with its ledger: subOSes are created, started, resized, lend cores
 * to each other, end in all possible ways and are destroyed, and every step that can fail
 * fails now and then. Whatever happens, everything can go home in the end.
 */
#ifndef RF_TESTS_LEDGER_MACHINE_HPP
#define RF_TESTS_LEDGER_MACHINE_HPP

#include "tests/unit/ledger_world.hpp"

#include <list>
#include <memory>

namespace ledger_test {

struct Function {
	rf_function_entry entry = {};
};

struct SubOs {
	uint32_t id = 0;
	uint32_t kernel_id = 0;
	int slice = -1;
	rf_life life = {};
};

class Machine {
public:
	explicit Machine(Choice &choice) : choice_(choice)
	{
		world.reserve();
		world.add(0, 96, 0, true, RF_CONTENT_BOOT);
		world.reserve();
		world.add(100, 64, 1, false, RF_CONTENT_CLEAN);
		world.reserve();
		world.add(164, 28, 0, false, RF_CONTENT_LEFT);
	}

	/* One thing that an operator, a kernel or fate does. */
	void act()
	{
		SubOs *subos = pick();

		if (!subos || (live_.size() < 3 && choice_.one_in(6)))
			return create();
		switch (choice_.below(16)) {
		case 0:
			return destroy(*subos);
		case 1:
			return add_cores(*subos);
		case 2:
			return remove_cores(*subos);
		case 3:
		case 4:
			return move_cores(*subos, *pick());
		case 5:
		case 6:
			return add_memory(*subos);
		case 7:
		case 8:
			return remove_memory(*subos);
		case 9:
			return add_functions(*subos);
		case 10:
			return remove_function(*subos);
		case 11:
			return settle(*subos);
		case 12:
			return clear_some();
		case 13:
			return unplug(*subos);
		case 14:
			return world.replug_core(choice_.below(cpus));
		default:
			return live(*subos);
		}
	}

	/* Nothing fails any more. */
	void end()
	{
		faults_ = false;
		while (!live_.empty())
			destroy(live_.front());
		world.verify_home();
	}

	World world;

private:
	/* ---- helpers ---- */

	bool fails()
	{
		return faults_ && choice_.one_in(8);
	}

	SubOs *pick()
	{
		if (live_.empty())
			return nullptr;
		return &*std::next(live_.begin(), choice_.below(live_.size()));
	}

	void done(int rc, const char *what)
	{
		require(!rc, what);
	}

	void enter(SubOs &subos, rf_phase phase, rf_cause cause)
	{
		done(rf_life_enter(&subos.life, phase, cause), "a phase was refused");
	}

	static uint32_t step_of(uint64_t address)
	{
		return (address - base) / step_size;
	}

	void move(const rf_range &range, uint32_t owner, rf_memory_state from, rf_memory_state to)
	{
		world.reserve();
		done(world.move(step_of(range.start), range.size / step_size, owner, from, to),
		     "memory did not move");
	}

	/* ---- cores ---- */

	void detach(SubOs &subos, uint32_t cpu)
	{
		done(world.move_core(cpu, subos.id, subos.id, RF_CORE_LEAVING), "detach");
	}

	/* A held core goes to the supervisor, or stays with its owner. */
	bool return_core(SubOs &subos, uint32_t cpu)
	{
		done(world.move_core(cpu, subos.id, subos.id, RF_CORE_RETURNING), "return");
		if (fails()) {
			done(world.move_core(cpu, subos.id, subos.id, RF_CORE_LEAVING), "refused");
			done(world.move_core(cpu, subos.id, subos.id, RF_CORE_LENT), "stranded");
			return false;
		}
		done(world.move_core(cpu, subos.id, 0, RF_CORE_HOME), "home");
		return true;
	}

	bool take_core(SubOs &subos, uint32_t cpu)
	{
		if (world.move_core(cpu, 0, subos.id, RF_CORE_COMING))
			return false;
		if (!fails())
			return true;
		done(world.move_core(cpu, subos.id, 0, RF_CORE_HOME), "not taken");
		return false;
	}

	void add_cores(SubOs &subos)
	{
		std::vector<uint32_t> taken;
		const uint32_t count = 1 + choice_.below(3);
		bool failed = false;

		if (!rf_phase_adjustable(subos.life.phase))
			return;
		for (uint32_t i = 0; !failed && i < count; i++) {
			const uint32_t cpu = choice_.below(cpus);

			failed = !take_core(subos, cpu);
			if (!failed)
				taken.push_back(cpu);
		}
		for (uint32_t cpu : taken) {
			if (failed)
				return_core(subos, cpu);
			else
				done(world.move_core(cpu, subos.id, subos.id, RF_CORE_LENT), "attach");
		}
		for (uint32_t cpu : taken)
			if (!failed && fails()) {	/* the agent cannot start it */
				detach(subos, cpu);
				return_core(subos, cpu);
			}
	}

	/* Any core but the boot core; 0: it has no other. */
	uint32_t spare_core(SubOs &subos)
	{
		const auto list = world.list(subos.id);

		return list.size() < 2 ? 0 : list[1 + choice_.below(list.size() - 1)];
	}

	void remove_cores(SubOs &subos)
	{
		const uint32_t cpu = spare_core(subos);

		if (!cpu || !rf_phase_adjustable(subos.life.phase))
			return;
		detach(subos, cpu);
		return_core(subos, cpu);
	}

	void move_cores(SubOs &from, SubOs &to)
	{
		const uint32_t cpu = spare_core(from);
		const bool borrow = choice_.one_in(2);

		if (!cpu || from.id == to.id || !rf_phase_adjustable(from.life.phase) ||
		    !rf_phase_adjustable(to.life.phase))
			return;
		const uint32_t lender = rf_ledger_core_lender(&world.books.cores, cpu);
		if (lender && lender != to.id)
			return;
		detach(from, cpu);
		done(world.move_core(cpu, from.id, to.id, RF_CORE_LENT), "pass");
		if (borrow && !lender)
			done(world.lend(cpu, from.id), "loan");
		if (!fails())
			return;
		/* It was not started there: back, and if that fails as well, home. */
		detach(to, cpu);
		done(world.move_core(cpu, to.id, from.id, RF_CORE_LENT), "back");
		done(world.lend(cpu, lender), "loan as before");
		if (fails()) {
			detach(from, cpu);
			return_core(from, cpu);
		}
	}

	void settle_loans(SubOs &subos)
	{
		world.forget_lender(subos.id);
		for (uint32_t cpu : world.list(subos.id)) {
			const uint32_t lender = rf_ledger_core_lender(&world.books.cores, cpu);
			bool runs = false;

			for (const SubOs &other : live_)
				runs = runs || (other.id == lender &&
						rf_phase_adjustable(other.life.phase));
			done(world.lend(cpu, 0), "end of a loan");
			if (!runs)
				continue;
			detach(subos, cpu);
			done(world.move_core(cpu, subos.id, lender, RF_CORE_LENT), "to its lender");
		}
	}

	/* ---- memory ---- */

	/* Clear what is not clean, then it is on its way. */
	bool take_memory(uint32_t owner, const rf_range &range)
	{
		rf_range part;

		while (rf_ledger_memory_next_unclean(&world.books.memory, range.start, range.size,
						     &part)) {
			if (fails())
				return false;
			world.reserve();
			done(world.set_content(step_of(part.start), part.size / step_size,
					       RF_CONTENT_CLEAN), "clear");
		}
		move(range, owner, RF_MEMORY_FREE, RF_MEMORY_COMING);
		return true;
	}

	void free_memory(uint32_t owner, const rf_range &range, rf_memory_state from)
	{
		const bool cleared = choice_.one_in(2);

		move(range, owner, from, RF_MEMORY_FREE);
		if (cleared)	/* without more room than the change had */
			done(world.set_content(step_of(range.start), range.size / step_size,
					       RF_CONTENT_CLEAN), "cleared before");
	}

	bool create_memory(SubOs &subos, uint32_t count)
	{
		uint64_t left = count * step_size;
		bool first = true;
		rf_range range;

		while (left) {
			if (!rf_ledger_memory_room(&world.books.memory, subos.id) ||
			    !rf_ledger_memory_pick(&world.books.memory, left, -1,
						   choice_.below(2) * step_size, &range) ||
			    !take_memory(subos.id, range))
				return false;
			world.reserve();
			if (first)
				done(world.set_boot(step_of(range.start), subos.id), "boot area");
			move(range, subos.id, RF_MEMORY_COMING, RF_MEMORY_OWNED);
			left -= range.size;
			first = false;
		}
		return true;
	}

	void add_memory(SubOs &subos)
	{
		const uint64_t block = step_size << choice_.below(3);
		uint64_t left = block * (1 + choice_.below(4));
		std::vector<rf_range> taken;
		rf_range range;
		bool failed = false;

		if (!rf_phase_adjustable(subos.life.phase))
			return;
		while (!failed && left) {
			failed = !rf_ledger_memory_room(&world.books.memory, subos.id) ||
				 !rf_ledger_memory_pick_blocks(&world.books.memory, left, block, -1,
							       &range) ||
				 !take_memory(subos.id, range);
			if (failed)
				break;
			require(!(range.start % block) && !(range.size % block), "half a block");
			taken.push_back(range);
			left -= range.size;
		}
		failed = failed || fails();		/* the IOMMU maps no more */
		for (const rf_range &each : taken) {
			if (failed) {
				free_memory(subos.id, each, RF_MEMORY_COMING);
				continue;
			}
			move(each, subos.id, RF_MEMORY_COMING, RF_MEMORY_OWNED);
			if (!fails())
				continue;
			move(each, subos.id, RF_MEMORY_OWNED, RF_MEMORY_LEAVING);
			free_memory(subos.id, each, RF_MEMORY_LEAVING);
		}
	}

	void remove_memory(SubOs &subos)
	{
		rf_range ranges[RF_RANGES_MAX], part;
		const uint32_t count = rf_ledger_memory_ranges(&world.books.memory, subos.id, ranges,
							       RF_RANGES_MAX);

		if (!count || !rf_phase_adjustable(subos.life.phase))
			return;
		const uint32_t chosen = choice_.below(count);
		/* All but the boot area. */
		part = ranges[chosen];
		if (!chosen) {
			part.start += step_size;
			part.size -= step_size;
		}
		if (!part.size)
			return;
		const uint32_t room = part.size / step_size, first = choice_.below(room);
		part.size = (1 + choice_.below(room - first)) * step_size;
		part.start += first * step_size;
		if (!rf_ledger_memory_would_fit(&world.books.memory, subos.id, part.start,
						part.size, false))
			return;
		move(part, subos.id, RF_MEMORY_OWNED, RF_MEMORY_LEAVING);
		if (fails())
			move(part, subos.id, RF_MEMORY_LEAVING, RF_MEMORY_OWNED);
		else
			free_memory(subos.id, part, RF_MEMORY_LEAVING);
	}

	void clear_some()
	{
		rf_range range;

		if (!rf_ledger_memory_next_left(&world.books.memory, 4 * step_size, &range))
			return;
		world.reserve();
		done(world.set_content(step_of(range.start), range.size / step_size,
				       RF_CONTENT_CLEAN), "cleared in the background");
	}

	bool release_memory(SubOs &subos)
	{
		rf_range ranges[RF_RANGES_MAX];
		const uint32_t count = rf_ledger_memory_ranges(&world.books.memory, subos.id, ranges,
							       RF_RANGES_MAX);
		bool all = true;

		for (uint32_t i = 0; i < count; i++) {
			if (fails()) {
				all = false;
				continue;
			}
			move(ranges[i], subos.id, RF_MEMORY_OWNED, RF_MEMORY_LEAVING);
			free_memory(subos.id, ranges[i], RF_MEMORY_LEAVING);
		}
		return all;
	}

	/* ---- functions ---- */
	/* ledger_machine_functions.hpp */
	rf_function_table *functions();
	void forget(rf_function_entry *entry);
	bool take_functions(SubOs &subos, uint32_t count);
	bool alive(const SubOs &subos) const;
	void add_functions(SubOs &subos);
	void settle(SubOs &subos);
	void remove_function(SubOs &subos);
	void unplug(SubOs &subos);
	bool quiesce(SubOs &subos);
	bool return_functions(SubOs &subos);
	bool return_taken(SubOs &subos);

	/* ---- life ---- */

	void create()
	{
		if (live_.size() == 3)
			return;
		live_.emplace_back();
		SubOs &subos = live_.back();
		bool failed = true;

		/* Three ids, used again: the model looks at these. */
		for (uint32_t id = 1; !subos.id; id++)
			if (std::none_of(live_.begin(), live_.end(),
					 [&](const SubOs &other) { return other.id == id; }))
				subos.id = id;
		subos.slice = world.take_slice(subos.id);
		if (subos.slice >= 0 && !fails()) {
			const uint32_t count = 1 + choice_.below(3);

			failed = false;
			for (uint32_t i = 0; !failed && i < count; i++) {
				const uint32_t cpu = choice_.below(cpus);

				failed = !take_core(subos, cpu);
				if (!failed)
					done(world.move_core(cpu, subos.id, subos.id, RF_CORE_LENT),
					     "attach");
			}
			failed = failed || !create_memory(subos, 2 + choice_.below(40)) ||
				 !take_functions(subos, choice_.below(3));
		}
		if (failed)
			destroy(subos);
	}

	/* A life goes on, or ends. */
	void live(SubOs &subos)
	{
		switch (subos.life.phase) {
		case RF_PHASE_DEFINED:
			return enter(subos, RF_PHASE_LOADED, RF_CAUSE_NONE);
		case RF_PHASE_LOADED:
			rf_ledger_function_restart(functions(), subos.id);
			subos.kernel_id = ++last_kernel_;
			world.verify_functions();
			return fails() ? enter(subos, RF_PHASE_ENDED, RF_CAUSE_NO_ENTRY)
				       : enter(subos, RF_PHASE_BOOTING, RF_CAUSE_NONE);
		case RF_PHASE_BOOTING:
			return enter(subos, choice_.one_in(8) ? RF_PHASE_LOST : RF_PHASE_RUNNING,
				     RF_CAUSE_NONE);
		case RF_PHASE_RUNNING:
			if (choice_.below(8))
				return;
			switch (choice_.below(4)) {
			case 0:
				return enter(subos, RF_PHASE_LOST, RF_CAUSE_NONE);
			case 1:
				return enter(subos, RF_PHASE_STOPPING, RF_CAUSE_OPERATOR);
			case 2:
				return enter(subos, RF_PHASE_DYING, RF_CAUSE_PANIC);
			default:
				return enter(subos, RF_PHASE_ENDED, RF_CAUSE_REBOOT);
			}
		case RF_PHASE_LOST:
			if (choice_.one_in(2))
				return enter(subos, RF_PHASE_ENDED, RF_CAUSE_HANG);
			return enter(subos, choice_.one_in(4) ? RF_PHASE_BOOTING : RF_PHASE_RUNNING,
				     RF_CAUSE_NONE);
		case RF_PHASE_STOPPING:
			return enter(subos, RF_PHASE_ENDED, RF_CAUSE_POWEROFF);
		case RF_PHASE_DYING:
			return enter(subos, RF_PHASE_ENDED, RF_CAUSE_PANIC);
		case RF_PHASE_ENDED:
			return reset(subos);
		default:
			return;
		}
	}

	void reset(SubOs &subos)
	{
		const rf_cause cause = subos.life.cause;

		enter(subos, RF_PHASE_RESETTING, cause);
		if (!fails() && return_taken(subos))
			enter(subos, RF_PHASE_DEFINED, RF_CAUSE_NONE);
		else
			enter(subos, RF_PHASE_ENDED, cause);
	}

	void destroy(SubOs &subos)
	{
		if (subos.life.phase != RF_PHASE_DESTROYING)
			enter(subos, RF_PHASE_DESTROYING, RF_CAUSE_OPERATOR);
		if (fails() || !quiesce(subos))
			return;
		settle_loans(subos);
		bool all = release_memory(subos);
		if (all && subos.slice >= 0) {
			done(world.free_slice(subos.slice, subos.id), "slice");
			subos.slice = -1;
		}
		for (uint32_t cpu : world.list(subos.id)) {
			detach(subos, cpu);
			all = return_core(subos, cpu) && all;
		}
		all = return_functions(subos) && all;
		require(rf_ledger_owns(&world.books, subos.id) == !all, "owns something, or nothing");
		if (!all)
			return;
		enter(subos, RF_PHASE_GONE, RF_CAUSE_OPERATOR);
		const uint32_t id = subos.id;
		live_.remove_if([&](const SubOs &other) { return other.id == id; });
	}

	Choice &choice_;
	bool faults_ = true;
	uint32_t last_kernel_ = 0;
	std::list<SubOs> live_;
	std::list<Function> pci_;
};

/* Any change of anything, allowed or not; more often one that is not refused for its owner. */
inline void any_change(World &world, Choice &choice)
{
	const uint32_t other = choice.below(4);
	const uint32_t cpu = choice.below(cpus + 2);
	const uint32_t first = choice.below(steps);
	const uint32_t count = choice.below(std::min(steps - first + 1, 1 + (4u << choice.below(5))));
	const auto to = static_cast<rf_memory_state>(choice.below(RF_MEMORY_STATES));
	const bool known = choice.below(4);
	const auto from = known ? world.map[first].state
				: static_cast<rf_memory_state>(choice.below(RF_MEMORY_STATES));
	const uint32_t holder = known && cpu < cpus ? world.cores[cpu].owner : choice.below(4);
	uint32_t owner = known ? world.map[first].owner : 0;

	if (!owner)
		owner = 1 + choice.below(4);
	if (owner == 4)
		owner = RF_OWNER_ARENA;
	if (choice.below(8))		/* else it may be refused for lack of room */
		world.reserve();
	switch (choice.below(16)) {
	case 0:
		world.add(first, count, choice.below(2), choice.below(2),
			  static_cast<rf_content>(choice.below(3)));
		return;
	case 1:
		world.remove(first, count / 8);
		return;
	case 2:
	case 3:
		world.set_content(first, count, static_cast<rf_content>(choice.below(4) ? 2 : 0));
		return;
	case 4:
		world.set_boot(first, owner);
		return;
	case 5:
		world.lend(cpu, other);
		return;
	case 6:
		if (choice.one_in(8))
			world.forget_lender(other);
		return;
	case 7:
		if (other)
			world.take_slice(other);
		return;
	case 8:
		world.free_slice(choice.below(slices), other);
		return;
	case 9:
	case 10:
	case 11:
		world.move_core(cpu, holder, choice.below(2) ? holder : other,
				static_cast<rf_core_state>(choice.below(RF_CORE_STATES)));
		return;
	default:
		world.move(first, count, owner, from, to);
	}
}

} // namespace ledger_test

#include "tests/unit/ledger_machine_functions.hpp"

#endif
