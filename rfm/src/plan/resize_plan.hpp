// SPDX-License-Identifier: GPL-2.0
// What a resize is asked for, as the difference to what a subOS has. Pure: unit
// tests can make up machines.
#pragma once

#include "client/supervisor.hpp"
#include "plan/core_choice.hpp"

namespace rf {

// What a subOS has.
struct Holdings {
	std::string name;
	std::vector<unsigned> cores;	// boot core first
	std::uint64_t memory = 0;
	std::vector<std::uint32_t> functions;	// RF_BDF()
};

struct CoreChange {
	std::vector<unsigned> remove, add;
};

struct MemoryChange {
	std::uint64_t remove = 0, add = 0;	// bytes; at most one of them
};

struct FunctionChange {
	std::vector<std::uint32_t> remove, add;
};

// "4-7": all that it shall have; "+4-5": these too; "-4-5": without these.
CoreChange core_change(const std::string &value, const Holdings &now);

// "4": so many in all; "+2", "-2". Cores that are added come from `machine`, in whole
// groups of SMT siblings, best such ones that `loses` says no to; those that came last go first,
// in whole groups, too. `node`: where those that are added are, -1: anywhere.
CoreChange core_count_change(const std::string &value, const Holdings &now, const Machine &machine,
			     const Loses &loses = {}, CoreRules rules = {}, int node = -1);

// "2G": so much in all; "+512M", "-512M". Throws like parse_memory().
MemoryChange memory_change(const std::string &value, const Holdings &now);

// "+0000:00:04.0,00:05.0": these too; "-00:04.0": without these; also both, for a sign
// counts until the next one. Throws Error(bad_value) for what it has or has not already.
FunctionChange function_change(const std::string &value, const Holdings &now);

// Throws Error(bad_value) unless the subOS has each of these and can live without them.
void check_removable(const std::vector<unsigned> &cores, const Holdings &now);

// Throws Error(bad_value) if one of these has an SMT sibling that stays with the subOS.
void check_none_parted(const std::vector<unsigned> &cores, const Holdings &now,
		       const Machine &machine);

// Those of `cores` that can go together without an SMT sibling staying behind.
std::vector<unsigned> unparted(std::vector<unsigned> cores, const Holdings &now,
			       const Machine &machine);

// Throws Error(bad_value) unless each of these can be given to it by the supervisor.
void check_addable(const std::vector<unsigned> &cores, const Holdings &now, const Machine &machine,
		   const CoreRules &rules);

} // namespace rf
