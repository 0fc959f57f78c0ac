// SPDX-License-Identifier: GPL-2.0
// What several plans have done before it is the turn of the next one. Pure.
#pragma once

#include "client/problem.hpp"
#include "plan/core_choice.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rf {

struct Outlook {
	Lent claimed;			// cores that are for this one alone, by its name
	std::vector<rf_core> freed;	// that are the supervisor's by then
	std::vector<std::uint32_t> functions;	// RF_BDF(), the same
	std::uint64_t given_up = 0;	// memory, wherever
	std::map<int, std::uint64_t> taken;	// memory, by node; -1: wherever

	// As they will look to `name`.
	void foresee(const std::string &name, Machine &machine, Lent &lent) const;
	void foresee(Inventory &inventory) const;
	// What will be left at least of what is `available` on the node (-1: any) now.
	std::uint64_t left(int node, std::uint64_t available) const;
};

} // namespace rf
