// SPDX-License-Identifier: GPL-2.0
#include "view/metrics.hpp"

#include "base/clock.hpp"
#include "client/fit.hpp"
#include "client/words.hpp"
#include "host/proc_statistics.hpp"
#include "inspect/kernel_log.hpp"
#include "view/subos.hpp"

#include <algorithm>
#include <limits>

namespace rf {

namespace {

void count_cores(const Supervisor &supervisor, Metrics &metrics)
{
	std::map<std::uint32_t, std::uint32_t> owned;

	metrics.cores.push_back({"supervisor", 0, 0});
	for (const SubosMetrics &subos : metrics.suboses)
		metrics.cores.push_back({subos.name, subos.id, 0});
	for (const rf_core &core : supervisor.cores()) {
		auto owner = std::ranges::find(metrics.cores, core.owner, &Metrics::Owned::id);
		if (owner == metrics.cores.end())
			owner = metrics.cores.insert(owner, {"", core.owner, 0});
		owner->cores++;
		const auto subos = std::ranges::find(metrics.suboses, core.owner, &SubosMetrics::id);
		if (core.lender && subos != metrics.suboses.end())
			subos->cores_borrowed++;
	}
}

// Nothing if it does not answer: all else is known from outside.
std::optional<rf_statistics> ask(const Partition &subos)
{
	try {
		return subos.statistics();
	} catch (const Error &error) {
		if (error.code() == Code::interrupted)
			throw;
		return std::nullopt;
	}
}

SubosMetrics outside(const rf_status &status, std::uint32_t abi)
{
	SubosMetrics subos;

	subos.name = status.name;
	subos.id = status.id;
	subos.state = status.state;
	subos.uptime_seconds = static_cast<double>(uptime_ns(status)) / 1e9;
	subos.cores = status.nr_cpus;
	subos.cores_online = status.cpus_online;
	subos.memory = status.memory;
	subos.starts = status.starts;
	if (abi >= crashes_abi)
		subos.crashes = status.crashes;
	if (status.beat_age_ns)
		subos.heartbeat_age_seconds = static_cast<double>(status.beat_age_ns) / 1e9;
	subos.functions = status.nr_functions;
	subos.dma_faults = status.dma_faults;
	return subos;
}

Json inside_json(const rf_statistics &inside)
{
	Json json = {{"release", inspect::printable(inside.release)},
		     {"cpu_seconds", static_cast<double>(inside.busy_ns) / 1e9},
		     {"memory_total", inside.memory_total},
		     {"memory_free", inside.memory_free},
		     {"memory_available", inside.memory_available},
		     {"load", Json::array()},
		     {"processes", inside.processes},
		     {"messages_in", inside.messages_in},
		     {"messages_out", inside.messages_out},
		     {"interrupts", inside.interrupts},
		     {"pressure_ratio", Json::object()}};

	for (int i = 0; i < 3; i++) {
		json["load"].push_back(inside.load[i] / 100.0);
		json["pressure_ratio"][pressure_names[i]] =
			inside.pressure[i] == unknown_pressure ? Json()
							       : Json(inside.pressure[i] / 10000.0);
	}
	return json;
}

Json subos_json(const SubosMetrics &subos)
{
	return {{"name", subos.name},
		{"id", subos.id},
		{"state", state_name(subos.state)},
		{"uptime_seconds", subos.uptime_seconds},
		{"cores", subos.cores},
		{"cores_online", subos.cores_online},
		{"cores_borrowed", subos.cores_borrowed},
		{"memory", subos.memory},
		{"starts", subos.starts},
		{"crashes", subos.crashes ? Json(*subos.crashes) : Json()},
		{"heartbeat_age_seconds",
		 subos.heartbeat_age_seconds ? Json(*subos.heartbeat_age_seconds) : Json()},
		{"functions", subos.functions},
		{"dma_faults", subos.dma_faults},
		{"inside", subos.inside ? inside_json(*subos.inside) : Json()}};
}

// ---- families for Prometheus ----

using Type = Exposition::Type;

constexpr const char *up_name = "rainforest_up";
constexpr const char *up_help = "Whether rf_supervisor is loaded.";

void add_machine(Exposition &out, const Metrics &metrics)
{
	const auto one = [&out](const char *name, Type type, const char *help, std::uint64_t value) {
		out.family(name, type, help);
		out.add({}, value);
	};

	one(up_name, Type::gauge, up_help, 1);
	out.family("rainforest_info", Type::gauge, "The loaded rf_supervisor; always 1.");
	out.add({{"version", metrics.version}, {"abi", std::to_string(metrics.abi)}},
		std::uint64_t{1});
	one("rainforest_pool_size_bytes", Type::gauge,
	    "Memory that is not the supervisor's, owned by subOSes or free.", metrics.pool_total);
	one("rainforest_pool_free_bytes", Type::gauge, "Memory of the pool that nobody owns.",
	    metrics.pool_free);
	one("rainforest_pool_reserved_bytes", Type::gauge,
	    "Memory of the pool that was reserved at boot.", metrics.pool_reserved);
	one("rainforest_shared_memory_bytes", Type::gauge,
	    "Memory of the pool that all kernels share.", metrics.shared);
	one("rainforest_low_slices", Type::gauge,
	    "Slices of low memory for subOSes, one for each.", metrics.low_slices);
	one("rainforest_low_slices_free", Type::gauge, "Slices of low memory that nobody owns.",
	    metrics.low_slices_free);
	out.family("rainforest_cores", Type::gauge,
		   "Cores by owner; id 0 is the supervisor, without a name they change hands.");
	for (const Metrics::Owned &owned : metrics.cores)
		out.add({{"owner", owned.owner}, {"id", std::to_string(owned.id)}},
			std::uint64_t{owned.cores});
	one("rainforest_suboses", Type::gauge, "SubOSes that there are.",
	    metrics.suboses.size());
	one("rainforest_events_total", Type::counter, "Events that happened (rfm events).",
	    metrics.events);
	one("rainforest_events_lost_total", Type::counter, "Events that are not kept any more.",
	    metrics.events_lost);
}

// A family with one sample for each subOS that `value` has a number of.
template <typename Value>
void add_each(Exposition &out, const Metrics &metrics, const char *name, Type type,
	      const char *help, Value value)
{
	out.family(name, type, help);
	for (const SubosMetrics &subos : metrics.suboses)
		if (const auto number = value(subos))
			out.add({{"subos", subos.name}}, *number);
}

template <typename Number> auto always(Number SubosMetrics::*field)
{
	return [field](const SubosMetrics &subos) {
		return std::optional(std::uint64_t{subos.*field});
	};
}

// Of those that answered; divided by `unit`.
template <typename Number> auto asked(Number rf_statistics::*field, double unit = 1)
{
	return [field, unit](const SubosMetrics &subos) -> std::optional<double> {
		if (!subos.inside)
			return std::nullopt;
		return static_cast<double>((*subos.inside).*field) / unit;
	};
}

void add_states(Exposition &out, const Metrics &metrics)
{
	out.family("rainforest_subos_info", Type::gauge,
		   "The kernel in a subOS, if its agent says it; always 1.");
	for (const SubosMetrics &subos : metrics.suboses)
		out.add({{"subos", subos.name},
			 {"id", std::to_string(subos.id)},
			 {"release", subos.inside ? subos.inside->release : ""}},
			std::uint64_t{1});
	out.family("rainforest_subos_state", Type::gauge, "1 for the state that a subOS is in.");
	for (const SubosMetrics &subos : metrics.suboses)
		for (std::uint32_t state = RF_STATE_DEFINED; state <= RF_STATE_LOST; state++)
			out.add({{"subos", subos.name}, {"state", state_name(state)}},
				std::uint64_t{subos.state == state});
}

void add_outside(Exposition &out, const Metrics &metrics)
{
	const auto add = [&](const char *name, Type type, const char *help, auto value) {
		add_each(out, metrics, name, type, help, value);
	};

	add("rainforest_subos_uptime_seconds", Type::gauge,
	    "Time for which its kernel runs, or ran.",
	    [](const SubosMetrics &subos) { return std::optional(subos.uptime_seconds); });
	add("rainforest_subos_cores", Type::gauge, "Cores that it owns.",
	    always(&SubosMetrics::cores));
	add("rainforest_subos_cores_online", Type::gauge, "Cores that are up in it.",
	    always(&SubosMetrics::cores_online));
	add("rainforest_subos_cores_borrowed", Type::gauge, "Cores that it has from other subOSes.",
	    always(&SubosMetrics::cores_borrowed));
	add("rainforest_subos_memory_bytes", Type::gauge, "Memory that it owns.",
	    always(&SubosMetrics::memory));
	add("rainforest_subos_starts_total", Type::counter, "Times that it was started.",
	    always(&SubosMetrics::starts));
	add("rainforest_subos_crashes_total", Type::counter, "Times that it crashed or hung.",
	    [](const SubosMetrics &subos) {
		    return subos.crashes ? std::optional(std::uint64_t{*subos.crashes})
					 : std::nullopt;
	    });
	add("rainforest_subos_heartbeat_age_seconds", Type::gauge,
	    "Time since its last heartbeat, if one is expected.",
	    [](const SubosMetrics &subos) { return subos.heartbeat_age_seconds; });
	add("rainforest_subos_pci_functions", Type::gauge, "PCI functions that it owns.",
	    always(&SubosMetrics::functions));
	add("rainforest_subos_dma_faults_total", Type::counter,
	    "DMA of its PCI functions that an IOMMU blocked.", always(&SubosMetrics::dma_faults));
	add("rainforest_subos_agent_up", Type::gauge,
	    "1 if its agent answered; if not, what only the agent knows is missing.",
	    [](const SubosMetrics &subos) {
		    return std::optional(std::uint64_t{subos.inside.has_value()});
	    });
}

void add_pressure(Exposition &out, const Metrics &metrics)
{
	out.family("rainforest_subos_pressure_ratio", Type::gauge,
		   "Share of the last 10 seconds in which something in it waited for the resource.");
	for (const SubosMetrics &subos : metrics.suboses)
		for (int i = 0; subos.inside && i < 3; i++)
			if (subos.inside->pressure[i] != unknown_pressure)
				out.add({{"subos", subos.name}, {"resource", pressure_names[i]}},
					subos.inside->pressure[i] / 10000.0);
}

void add_inside(Exposition &out, const Metrics &metrics)
{
	const auto add = [&](const char *name, Type type, const char *help, auto value) {
		add_each(out, metrics, name, type, help, value);
	};

	add("rainforest_subos_cpu_seconds_total", Type::counter,
	    "Processor time in use, all its cores together.", asked(&rf_statistics::busy_ns, 1e9));
	add("rainforest_subos_memory_usable_bytes", Type::gauge, "MemTotal of its kernel.",
	    asked(&rf_statistics::memory_total));
	add("rainforest_subos_memory_free_bytes", Type::gauge, "MemFree of its kernel.",
	    asked(&rf_statistics::memory_free));
	add("rainforest_subos_memory_available_bytes", Type::gauge, "MemAvailable of its kernel.",
	    asked(&rf_statistics::memory_available));
	add("rainforest_subos_load1", Type::gauge, "Load average of the last minute.",
	    [](const SubosMetrics &subos) {
		    return subos.inside ? std::optional(subos.inside->load[0] / 100.0)
					: std::nullopt;
	    });
	add("rainforest_subos_processes", Type::gauge, "Processes in it.",
	    asked(&rf_statistics::processes));
	add_pressure(out, metrics);
	add("rainforest_subos_ficm_messages_received_total", Type::counter,
	    "FICM messages that it received.", asked(&rf_statistics::messages_in));
	add("rainforest_subos_ficm_messages_sent_total", Type::counter,
	    "FICM messages that it sent.", asked(&rf_statistics::messages_out));
	add("rainforest_subos_ficm_interrupts_total", Type::counter,
	    "Doorbell interrupts that it took.", asked(&rf_statistics::interrupts));
}

} // namespace

Metrics read_metrics(const Supervisor &supervisor, std::chrono::seconds patience)
{
	const std::uint64_t end =
		monotonic_ns() + static_cast<std::uint64_t>(patience.count()) * 1'000'000'000u;
	const rf_info info = supervisor.info();
	Metrics metrics;

	metrics.version = info.version;
	metrics.abi = info.abi;
	metrics.pool_total = info.pool_total;
	metrics.pool_free = info.pool_free;
	metrics.pool_reserved = info.pool_reserved;
	metrics.shared = info.arena;
	metrics.low_slices = info.low_slices;
	metrics.low_slices_free = info.low_slices_free;
	metrics.events = info.last_event;
	metrics.events_lost = info.last_event - std::min<std::uint64_t>(info.last_event,
									RF_EVENTS_KEPT);
	for (const std::string &name : supervisor.names()) {
		try {
			const Partition partition = supervisor.subos(name);
			metrics.suboses.push_back(outside(partition.status(), info.abi));
			if (metrics.suboses.back().state == RF_STATE_RUNNING && monotonic_ns() < end)
				metrics.suboses.back().inside = ask(partition);
		} catch (const Error &error) {
			// Destroyed between the list and the look.
			if (error.code() != Code::no_such_subos)
				throw;
		}
	}
	count_cores(supervisor, metrics);
	return metrics;
}

void to_json(Json &json, const Metrics &metrics)
{
	json = {{"version", metrics.version},
		     {"abi", metrics.abi},
		     {"pool_total", metrics.pool_total},
		     {"pool_free", metrics.pool_free},
		     {"pool_reserved", metrics.pool_reserved},
		     {"shared", metrics.shared},
		     {"low_slices", metrics.low_slices},
		     {"low_slices_free", metrics.low_slices_free},
		     {"events", metrics.events},
		     {"events_lost", metrics.events_lost},
		     {"cores", Json::array()},
		     {"subos", Json::array()}};

	for (const Metrics::Owned &owned : metrics.cores)
		json["cores"].push_back(
			{{"owner", owned.owner}, {"id", owned.id}, {"cores", owned.cores}});
	for (const SubosMetrics &subos : metrics.suboses)
		json["subos"].push_back(subos_json(subos));
}

std::string to_text(const Metrics &metrics)
{
	return to_exposition(metrics).text();
}

Exposition to_exposition(const Metrics &metrics)
{
	Exposition out;

	add_machine(out, metrics);
	add_states(out, metrics);
	add_outside(out, metrics);
	add_inside(out, metrics);
	return out;
}

Exposition exposition_without_module()
{
	Exposition out;

	out.family(up_name, Type::gauge, up_help);
	out.add({}, std::uint64_t{0});
	return out;
}

} // namespace rf
