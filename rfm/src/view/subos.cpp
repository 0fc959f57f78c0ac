// SPDX-License-Identifier: GPL-2.0
#include "view/subos.hpp"

#include "base/clock.hpp"
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "cli/output.hpp"
#include "client/watched_memory.hpp"
#include "client/words.hpp"
#include "wire/control.h"

#include <cinttypes>
#include <cstdio>

namespace rf {

namespace {

// A restart that a policy wants has no operator who could end it.
constexpr std::chrono::seconds log_patience{5};

constexpr const char *moment_names[RF_MOMENT_NR] = {
	"create", "cpus", "memory", "loaded", "start", "kernel", "agent", "running", "end",
};

// Those that have all of `flags`.
std::vector<std::uint32_t> functions_with(const rf_status &status, std::uint32_t flags)
{
	std::vector<std::uint32_t> bdfs;

	for (std::uint32_t i = 0; i < status.nr_functions; i++)
		if ((status.function_flags[i] & flags) == flags)
			bdfs.push_back(status.functions[i]);
	return bdfs;
}

} // namespace

std::vector<std::string> capability_names(std::uint32_t capabilities)
{
	constexpr std::pair<std::uint32_t, const char *> table[] = {
		{RF_CAN_CORES, "cores"}, {RF_CAN_MEMORY, "memory"}, {RF_CAN_CONSOLE, "console"},
		{RF_CAN_PCI, "pci"}};
	std::vector<std::string> names;

	for (const auto &[bit, name] : table)
		if (capabilities & bit)
			names.emplace_back(name);
	return names;
}

const char *moment_name(int moment)
{
	return moment_names[moment];
}

std::uint64_t uptime_ns(const rf_status &status)
{
	const std::uint64_t from = status.moments[RF_MOMENT_KERNEL];
	const std::uint64_t end = status.moments[RF_MOMENT_END];
	const std::uint64_t to = end ? end : monotonic_ns();

	return from && to > from ? to - from : 0;
}

std::vector<unsigned> Subos::cores() const
{
	return {status.cpus, status.cpus + status.nr_cpus};
}

std::vector<unsigned> Subos::apic_ids() const
{
	return {status.apic_ids, status.apic_ids + status.nr_cpus};
}

std::vector<std::uint32_t> Subos::functions() const
{
	return functions_with(status, 0);
}

std::vector<std::uint32_t> Subos::functions_taken() const
{
	return functions_with(status, RF_FUNCTION_TAKEN);
}

Subos subos_of(const Supervisor &supervisor, const rf_status &status)
{
	std::map<std::uint32_t, std::string> names;
	Subos subos{status, {}, uptime_ns(status), supervisor.info().memory_block_size};

	for (const rf_core &core : supervisor.cores()) {
		if (core.owner != status.id || !core.lender)
			continue;
		if (names.empty())
			names = supervisor.names_by_id();
		// A lender that is gone has no name any more.
		const auto lender = names.find(core.lender);
		subos.borrowed.push_back(
			{core.cpu, lender == names.end() ? std::string() : lender->second});
	}
	return subos;
}

void to_json(Json &json, const Loan &loan)
{
	json = {{"core", loan.core}, {"lender", or_null(loan.lender)}};
}

void to_json(Json &json, const Subos &subos)
{
	const rf_status &status = subos.status;

	json = {
		{"name", status.name},
		{"id", status.id},
		{"state", state_name(status.state)},
		{"cause", cause_name(status.cause)},
		{"reason", inspect::printable(status.reason)},
		{"stage", stage_name(status.stage)},
		{"cores", subos.cores()},
		{"apic_ids", subos.apic_ids()},
		{"cores_online", status.cpus_online},
		{"core_not_held", status.not_held ? Json(status.not_held) : Json()},
		{"borrowed", subos.borrowed},
		{"memory", status.memory},
		{"memory_block_size", subos.memory_block_size},
		{"low_slice", status.low_slice},
		{"vmcoreinfo", status.vmcoreinfo},
		{"block_size", status.block_size},
		{"capabilities", capability_names(status.capabilities)},
		{"member", status.member},
		{"beat_age_seconds", subos.beat_age_seconds()},
		{"starts", status.starts},
		{"on_crash", policy_name(status.on_crash)},
		{"on_reboot", policy_name(status.on_reboot)},
		{"restarts_left", status.restarts_left},
		{"hang_timeout_seconds", subos.hang_timeout_seconds()},
		{"console_viewers", status.console_viewers},
		{"uptime_seconds", subos.uptime_seconds()},
		{"functions", bdfs_json(subos.functions())},
		{"functions_taken", bdfs_json(subos.functions_taken())},
		// Without a function there is no DMA to be confined.
		{"dma_isolated", status.nr_functions ? Json(status.dma_isolated != 0) : Json()},
		{"dma_faults", status.dma_faults},
		{"ranges", Json::array()},
		{"moments_ns", Json::object()},
	};
	for (std::uint32_t i = 0; i < status.nr_ranges; i++)
		json["ranges"].push_back(
			{{"start", status.ranges[i].start}, {"size", status.ranges[i].size}});
	for (int i = 0; i < RF_MOMENT_NR; i++)
		json["moments_ns"][moment_names[i]] = status.moments[i];
}

std::string describe_state(const rf_status &status)
{
	std::string words = state_name(status.state);

	if (status.cause != RF_CAUSE_NONE) {
		words += text(" (", cause_name(status.cause));
		if (*status.reason)
			words += ": " + inspect::printable(status.reason);
		words += ')';
	}
	return words;
}

std::vector<inspect::Range> memory_ranges(const rf_status &status)
{
	std::vector<inspect::Range> ranges;

	for (std::uint32_t i = 0; i < status.nr_ranges; i++)
		ranges.push_back({status.ranges[i].start, status.ranges[i].size});
	return ranges;
}

std::vector<std::string> last_log_lines(const Partition &subos, const rf_status &status,
					std::size_t lines)
{
	const WatchedMemory memory(subos, log_patience);
	std::vector<std::string> last;

	try {
		const auto log =
			inspect::KernelLog::open(memory, memory_ranges(status), status.vmcoreinfo);
		if (!log)
			return last;
		for (const inspect::Record &record : log->last(lines))
			last.push_back(inspect::dmesg_lines(record));
	} catch (const Error &) {
		// They come along with an error that must be told in any case.
	}
	return last;
}

std::string format_uptime(double seconds)
{
	const std::uint64_t whole = static_cast<std::uint64_t>(seconds);
	char clock[48];

	std::snprintf(clock, sizeof(clock), "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
		      whole / 3600 % 24, whole / 60 % 60, whole % 60);
	return whole >= 86400 ? text(whole / 86400, " d ", clock) : clock;
}

} // namespace rf
