// SPDX-License-Identifier: GPL-2.0
// Which cores a subOS may be given. The machine comes in as a struct, so that unit tests can
// make up others.
#pragma once

#include "client/supervisor.hpp"
#include "host/machine.hpp"
#include "plan/core_groups.hpp"

#include <string>
#include <vector>

namespace rf {

// What else decides which cores may change hands.
struct CoreRules {
	Lent lent;			// who owns cores that are not the supervisor's
	std::vector<unsigned> own;	// the receiver's own: their SMT siblings may follow
	bool split = false;		// SMT siblings need not stay together
};

// Makes SMT siblings of cores that are offline known, of which sysfs says nothing: their
// APIC ids are equal above `smt_shift` bits (struct rf_info).
void add_offline_siblings(Machine &machine, const std::vector<rf_core> &cores, unsigned smt_shift);

// The running machine, as far as it is known without the module if that is absent.
Machine read_machine(const Supervisor *supervisor);

// Throws Error(bad_value) if an SMT sibling of one of `cores` would have another owner than
// these, for each of which the machine must have an entry.
void check_together(const Machine &machine, const CoreRules &rules,
		    const std::vector<unsigned> &cores);

// Throws Error(bad_value) for core 0, unknown, offline or lent cores, and for a
// set that splits SMT siblings; Error(busy) for cores that change hands.
void check_cores(const Machine &machine, const CoreRules &rules,
		 const std::vector<unsigned> &cores);

// Picks `count` of the highest-numbered online cores, in whole groups of SMT
// siblings, on `node` unless -1, never core 0 or a sibling of it. Ascending.
// Throws Error(not_enough), or Error(bad_value) if whole groups cannot make up
// this count. Cores with which something is lost are picked only if there are no others.
// If siblings may be split, cores alone make up what whole groups do not.
std::vector<unsigned> pick_cores(const Machine &machine, unsigned count, int node,
				 const Loses &loses = {}, const CoreRules &rules = {});

// What the module has to be told: siblings that are off for good are left behind.
std::uint32_t split_flags(const Machine &machine, bool insisted);

} // namespace rf
