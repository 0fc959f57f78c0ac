// SPDX-License-Identifier: GPL-2.0
// What a monitoring system wants to know of this machine's kernels: one snapshot, for programs
// as JSON, and for Prometheus.
#pragma once

#include "client/supervisor.hpp"
#include "view/exposition.hpp"

#include <chrono>

namespace rf {

struct SubosMetrics {
	std::string name;
	std::uint32_t id = 0;
	std::uint32_t state = 0;			// enum rf_state
	double uptime_seconds = 0;
	std::uint32_t cores = 0, cores_online = 0, cores_borrowed = 0;
	std::uint64_t memory = 0;
	std::uint32_t starts = 0;
	std::optional<std::uint32_t> crashes;		// nothing: the module is too old to count
	std::optional<double> heartbeat_age_seconds;	// nothing: none is expected
	std::uint32_t functions = 0;
	std::uint64_t dma_faults = 0;
	std::optional<rf_statistics> inside;		// nothing: it did not answer, or does not run
};

struct Metrics {
	std::string version;		// of rf_supervisor
	std::uint32_t abi = 0;
	std::uint64_t pool_total = 0, pool_free = 0, pool_reserved = 0, shared = 0;
	std::uint32_t low_slices = 0, low_slices_free = 0;
	// By name and id of the owner, the supervisor (id 0) first; cores on their way to or from
	// a subOS that is not in the list: "".
	struct Owned {
		std::string owner;
		std::uint32_t id = 0;
		std::uint32_t cores = 0;
	};
	std::vector<Owned> cores;
	std::uint64_t events = 0, events_lost = 0;
	std::vector<SubosMetrics> suboses;
};

// Asks the agents of those that run, one after the other, for `patience` in all: one that does not
// answer takes some seconds, and those after it that are not asked any more are as if they had
// not answered.
Metrics read_metrics(const Supervisor &supervisor, std::chrono::seconds patience);

void to_json(Json &json, const Metrics &metrics);
std::string to_text(const Metrics &metrics);
Exposition to_exposition(const Metrics &metrics);
// When there is nobody to ask.
Exposition exposition_without_module();

} // namespace rf
