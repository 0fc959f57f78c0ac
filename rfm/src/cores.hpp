// SPDX-License-Identifier: GPL-2.0
// Which cores a subOS may be given. Pure: the machine comes in as a struct.
#pragma once

#include "machine.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rf {

// Owner of each core that is lent: logical number to name of the subOS.
using Lent = std::map<unsigned, std::string>;	// name of the owner; empty: it changes hands

// Throws Error(bad_value) for core 0, unknown, offline or lent cores, and for a
// set that splits SMT siblings.
void check_cores(const Machine &machine, const Lent &lent, const std::vector<unsigned> &cores);

// Picks `count` of the highest-numbered online cores, in whole groups of SMT
// siblings, on `node` unless -1, never core 0 or a sibling of it. Ascending.
// Throws Error(not_enough), or Error(bad_value) if whole groups cannot make up
// this count. `loses` says of cores whether something would be lost with them: they are
// picked only if there are no others.
using Loses = std::function<bool(const std::vector<unsigned> &cores)>;
std::vector<unsigned> pick_cores(const Machine &machine, unsigned count, int node,
				 const Loses &loses = {});

} // namespace rf
