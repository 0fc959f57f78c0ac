// SPDX-License-Identifier: GPL-2.0
// The part of the settings that is about tasks: their affinities and their cpusets.
#pragma once

#include "host/settings.hpp"

#include <string>
#include <vector>

namespace rf {

// Where the cpusets are mounted, and how their files begin.
struct Hierarchy {
	std::string folder;
	std::string prefix = "cpuset.";
	bool v1 = false;
	bool forgets = false;	// a core that goes, for good
	std::vector<unsigned> rest;	// with v2: cores that partitions leave to the root cpuset
};

Hierarchy find_hierarchy(const std::string &root);

// settings.keeps_affinity is known already.
void read_cpusets(const Hierarchy &hierarchy, Settings &settings);

// settings.online is known already.
void read_tasks(const std::string &root, const Hierarchy &hierarchy, Settings &settings);

} // namespace rf
