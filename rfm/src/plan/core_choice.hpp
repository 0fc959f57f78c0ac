// SPDX-License-Identifier: GPL-2.0
// Which cores a subOS may be given. Pure: the machine comes in as a struct.
#pragma once

#include "client/supervisor.hpp"
#include "host/machine.hpp"

#include <functional>
#include <string>
#include <vector>

namespace rf {

// Throws Error(bad_value) for core 0, unknown, offline or lent cores, and for a
// set that splits SMT siblings; Error(busy) for cores that change hands.
void check_cores(const Machine &machine, const Lent &lent, const std::vector<unsigned> &cores);

// Would something be lost with these cores?
using Loses = std::function<bool(const std::vector<unsigned> &cores)>;

// Picks `count` of the highest-numbered online cores, in whole groups of SMT
// siblings, on `node` unless -1, never core 0 or a sibling of it. Ascending.
// Throws Error(not_enough), or Error(bad_value) if whole groups cannot make up
// this count. Cores with which something is lost are picked only if there are no others.
std::vector<unsigned> pick_cores(const Machine &machine, unsigned count, int node,
				 const Loses &loses = {});

} // namespace rf
