// SPDX-License-Identifier: GPL-2.0
// What Linux forgets when it is without certain cores or memory for a time: known before
// they are taken. Pure: the settings come in as a struct.
#pragma once

#include "host/settings.hpp"

#include "uapi/rainforest.h"

namespace rf {

struct Loss {
	std::string name;	// "tasks", "interrupts" ...
	std::string what;	// with some examples, in one line
	std::string consequence;
	std::string remedy;
};

// What is taken out of the running kernel.
struct Taking {
	std::vector<unsigned> cores;
	std::uint64_t memory = 0;	// bytes, not of the pool
	int node = -1;			// of the memory; -1: any
};

// How much of `bytes` is not in the pool.
std::uint64_t beyond_pool(const rf_memory &memory, std::uint64_t bytes);

std::vector<Loss> losses(const Settings &settings, const Taking &taking);

// Each in one line, for the operator.
std::vector<std::string> loss_notes(const Settings &settings, const Taking &taking);

// Would anything be lost with these cores?
bool loses_by_cores(const Settings &settings, const std::vector<unsigned> &cores);

} // namespace rf
