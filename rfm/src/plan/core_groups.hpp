// SPDX-License-Identifier: GPL-2.0
// A number of cores, made up of whole groups of SMT siblings.
#pragma once

#include "uapi/rainforest.h"

#include <bitset>
#include <functional>
#include <vector>

namespace rf {

// Cores that change hands together, the groups that are to be picked first in front.
using Groups = std::vector<std::vector<unsigned>>;

// Bit n: n cores can be made up.
using Counts = std::bitset<RF_CPUS_MAX + 1>;

// Would something be lost with these cores?
using Loses = std::function<bool(const std::vector<unsigned> &cores)>;

// The numbers that those groups make up which have no core in common with `picked`. Exact if they
// have none in common with each other.
Counts possible_counts(const Groups &groups, const std::vector<unsigned> &picked = {});

// As many groups as fit into `count`, on top of what is picked already, and with which nothing
// is lost. `exactly`: only those after which the others can make up the rest.
void pick_groups(const Groups &groups, std::size_t count, const Loses &loses, bool exactly,
		 std::vector<unsigned> &picked);

} // namespace rf
