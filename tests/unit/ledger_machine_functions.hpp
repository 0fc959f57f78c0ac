// SPDX-License-Identifier: GPL-2.0
/* What the machine of ledger_machine.hpp does with PCI functions. */
#ifndef RF_TESTS_LEDGER_MACHINE_FUNCTIONS_HPP
#define RF_TESTS_LEDGER_MACHINE_FUNCTIONS_HPP

#include "tests/unit/ledger_machine.hpp"

namespace ledger_test {

inline rf_function_table *Machine::functions()
{
	return &world.books.functions;
}

inline void Machine::forget(rf_function_entry *entry)
{
	done(rf_ledger_function_move(functions(), entry, RF_PCI_HOME), "function home");
	pci_.remove_if([&](const Function &function) { return &function.entry == entry; });
	world.verify_functions();
}

inline bool Machine::take_functions(SubOs &subos, uint32_t count)
{
	std::vector<rf_function_entry *> taken;
	bool failed = false;

	for (uint32_t i = 0; !failed && i < count; i++) {
		const uint32_t bdf = 0x100 + choice_.below(6);

		pci_.emplace_back();
		rf_function_entry *entry = &pci_.back().entry;

		if (rf_ledger_function_add(functions(), entry, bdf, subos.id)) {
			pci_.pop_back();
			failed = true;
		} else {
			taken.push_back(entry);
			failed = fails();
		}
	}
	for (rf_function_entry *entry : taken) {
		if (failed)
			forget(entry);
		else
			done(rf_ledger_function_move(functions(), entry, RF_PCI_GRANTED),
			     "grant");
	}
	world.verify_functions();
	return !failed;
}

inline bool Machine::alive(const SubOs &subos) const
{
	return !rf_phase_held(subos.life.phase);
}

inline void Machine::add_functions(SubOs &subos)
{
	if (rf_phase_adjustable(subos.life.phase))
		take_functions(subos, 1 + choice_.below(2));
}

/* The agent is asked about all that leave; what goes, goes; some cannot. */
inline void Machine::settle(SubOs &subos)
{
	rf_function_entry *entry = nullptr, *next;

	while ((entry = rf_ledger_function_next(functions(), entry, subos.id))) {
		if (entry->unplugged && rf_ledger_function_listed(entry) &&
		    entry->state != RF_PCI_QUIET)
			done(rf_ledger_function_leave(functions(), entry), "unplugged");
		if (rf_ledger_function_leaving(entry) && alive(subos) && !fails())
			done(rf_ledger_function_confirm(functions(), entry,
							subos.kernel_id), "confirm");
	}
	for (entry = rf_ledger_function_next(functions(), nullptr, subos.id); entry;
	     entry = next) {
		next = rf_ledger_function_next(functions(), entry, subos.id);
		if (!rf_ledger_function_goes(entry, alive(subos)))
			continue;
		if (fails()) {
			done(rf_ledger_function_keep(functions(), entry), "keep");
			continue;
		}
		done(rf_ledger_function_move(functions(), entry, RF_PCI_QUIET), "quiet");
		if (choice_.one_in(4))
			done(rf_ledger_function_move(functions(), entry, RF_PCI_PARKED), "park");
		else
			forget(entry);
	}
	entry = nullptr;
	while ((entry = rf_ledger_function_next(functions(), entry, subos.id)))
		if (entry->state == RF_PCI_KEPT && !entry->taken &&
		    rf_phase_adjustable(subos.life.phase))
			done(rf_ledger_function_offer(functions(), entry), "offer");
	world.verify_functions();
}

inline void Machine::remove_function(SubOs &subos)
{
	rf_function_entry *entry = rf_ledger_function_next(functions(), nullptr, subos.id);

	if (!entry || entry->state == RF_PCI_QUIET ||
	    subos.life.phase == RF_PHASE_DESTROYING)
		return;
	done(rf_ledger_function_leave(functions(), entry), "leave");
	if (choice_.one_in(3))
		done(rf_ledger_function_cut(functions(), entry), "cut");
	settle(subos);
	entry = rf_ledger_function_next(functions(), nullptr, subos.id);
	if (entry && rf_ledger_function_leaving(entry) && !entry->taken)
		done(rf_ledger_function_keep(functions(), entry), "as before");
	world.verify_functions();
}

inline void Machine::unplug(SubOs &subos)
{
	rf_function_entry *entry = rf_ledger_function_next(functions(), nullptr, subos.id);

	if (!entry || choice_.below(4))
		return;
	rf_ledger_function_mark_unplugged(entry);
	world.verify_functions();
}

inline bool Machine::quiesce(SubOs &subos)
{
	rf_function_entry *entry = nullptr;
	bool all = true;

	while ((entry = rf_ledger_function_next(functions(), entry, subos.id))) {
		if (entry->state == RF_PCI_QUIET)
			continue;
		if (fails())
			all = false;
		else
			done(rf_ledger_function_move(functions(), entry, RF_PCI_QUIET), "quiet");
	}
	return all;
}

inline bool Machine::return_functions(SubOs &subos)
{
	rf_function_entry *entry, *next;

	while ((entry = rf_ledger_function_next(functions(), nullptr, subos.id))) {
		if (fails())
			return false;
		forget(entry);
	}
	/* Those that waited for the last one on their bus. */
	for (entry = functions()->first; entry; entry = next) {
		next = entry->next;
		if (entry->state == RF_PCI_PARKED && entry->owner == subos.id)
			forget(entry);
	}
	return true;
}

inline bool Machine::return_taken(SubOs &subos)
{
	rf_function_entry *entry, *next;

	for (entry = rf_ledger_function_next(functions(), nullptr, subos.id); entry;
	     entry = next) {
		next = rf_ledger_function_next(functions(), entry, subos.id);
		if (!entry->taken)
			continue;
		if (fails())
			return false;
		done(rf_ledger_function_move(functions(), entry, RF_PCI_QUIET), "quiet");
		forget(entry);
	}
	return true;
}

} // namespace ledger_test

#endif // RF_TESTS_LEDGER_MACHINE_FUNCTIONS_HPP
