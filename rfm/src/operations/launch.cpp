// SPDX-License-Identifier: GPL-2.0
#include "operations/launch.hpp"

#include "base/clock.hpp"
#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "operations/await_running.hpp"
#include "view/subos.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/random.h>
#include <unistd.h>

namespace rf {

namespace {

void fill_random(std::span<std::byte> bytes)
{
	while (!bytes.empty()) {
		const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
		if (got < 0 && errno != EINTR)
			throw Error(Code::internal, text("getrandom: ", std::strerror(errno)));
		if (got > 0)
			bytes = bytes.subspan(static_cast<std::size_t>(got));
	}
}

// Those that are neither its own nor the machine's boot core.
std::vector<std::uint32_t> other_cores(const Supervisor &supervisor, const boot::Grant &grant)
{
	std::vector<std::uint32_t> others;

	for (const rf_core &core : supervisor.cores()) {
		const bool own = std::find(grant.apic_ids.begin(), grant.apic_ids.end(),
					   core.apic_id) != grant.apic_ids.end();
		if (!own && core.apic_id != grant.bsp_apic_id)
			others.push_back(core.apic_id);
	}
	return others;
}

boot::BootImage build_image(const Plan &plan, const Supervisor &supervisor, const rf_status &status)
{
	boot::Grant grant = base_grant(plan, &supervisor);

	grant.id = status.id;
	grant.ranges.assign(status.ranges, status.ranges + status.nr_ranges);
	grant.apic_ids.assign(status.apic_ids, status.apic_ids + status.nr_cpus);
	grant.low_slice = status.low_slice;
	if (plan.wanted.agent)
		grant.other_apic_ids = other_cores(supervisor, grant);
	try {
		return boot::build(plan.files.kernel, plan.files.vmlinux.view(),
				   plan.files.initrd(), grant, plan.options, fill_random);
	} catch (const boot::Error &error) {
		throw Error(Code::bad_file,
			    text("kernel '", plan.wanted.kernel, "': ", error.what()));
	}
}

void copy(const Partition &subos, const boot::BootImage &image)
{
	std::vector<rf_segment> segments;

	for (const boot::Segment &segment : image.segments) {
		const boot::View bytes = segment.bytes();
		segments.push_back({reinterpret_cast<std::uintptr_t>(bytes.data()), bytes.size(),
				    segment.phys, segment.memsz});
	}
	subos.load(segments);
}

void add_boot_phases(Phases &phases, const rf_status &status, bool login)
{
	const auto &at = status.moments;

	phases.add("start to kernel", at[RF_MOMENT_START], at[RF_MOMENT_KERNEL]);
	phases.add("kernel to agent", at[RF_MOMENT_KERNEL], at[RF_MOMENT_AGENT]);
	phases.add("agent to running", at[RF_MOMENT_AGENT], at[RF_MOMENT_RUNNING]);
	if (login)
		phases.add("running to login", at[RF_MOMENT_RUNNING], monotonic_ns());
}

} // namespace

void stop_if_interrupted(const char *consequence)
{
	if (interrupted())
		throw Error(Code::interrupted, text("interrupted; ", consequence));
}

boot::BootImage load_image(const Plan &plan, const Supervisor &supervisor, const Partition &subos,
			   const char *if_interrupted, Phases &phases)
{
	stop_if_interrupted(if_interrupted);
	phases.enter("build image");
	boot::BootImage image = build_image(plan, supervisor, subos.status());
	phases.remark(image.direct ? "direct entry" : "through the bzImage");
	stop_if_interrupted(if_interrupted);
	phases.enter("load image");
	copy(subos, image);
	phases.leave();
	stop_if_interrupted(if_interrupted);
	return image;
}

Loaded loaded(const boot::BootImage &image)
{
	return {image.entry, image.page_table, image.boot_params, image.la57};
}

rf_status start_and_await(const Partition &subos, const Loaded &image, const CreateOptions &wanted,
			  Phases &phases)
{
	rf_start how{};

	how.flags = image.la57 ? RF_START_LA57 : 0;
	how.entry = image.entry;
	how.page_table = image.page_table;
	how.boot_params = image.boot_params;
	phases.show("start the boot core ...");
	// Before it says anything, and without what it said before a restart.
	std::optional<LoginWatch> login;
	if (wanted.timeout.count() && wanted.until == Until::login)
		login.emplace(subos.console(RF_CONSOLE_LIVE));
	subos.start(how);
	const rf_status status =
		wanted.timeout.count() ? await_running(subos, wanted, login ? &*login : nullptr, phases)
				       : subos.status();
	add_boot_phases(phases, status, login.has_value());
	return status;
}

Built built(const Plan &plan, const boot::BootImage &image)
{
	return {plan.files.kernel.version, plan.wanted.kernel, image.direct, image.cmdline,
		plan.notes};
}

void to_json(Json &json, const Launched &launched)
{
	to_json(json, launched.subos);
	json["phases"] = launched.phases;
	json["total_seconds"] = launched.total_seconds;
	if (launched.built) {
		json["version"] = launched.built->version;
		json["kernel"] = launched.built->kernel;
		json["entry"] = launched.built->direct ? "direct" : "bzimage";
		json["cmdline"] = launched.built->cmdline;
		json["notes"] = launched.built->notes;
	}
	if (launched.stopped)
		json["stopped"] = *launched.stopped;
}

std::string to_text(const Launched &launched)
{
	const rf_status &status = launched.subos.status;
	Table table({"PHASE", "TIME", ""});

	for (const Phase &phase : launched.phases)
		table.add({phase.name, format_seconds(phase.seconds), phase.detail});
	table.add({"total", format_seconds(launched.total_seconds), ""});
	std::string headline = text("subOS '", status.name, "' is ", state_name(status.state),
				    ": cores ", format_cpulist(launched.subos.cores()), ", ",
				    format_size(status.memory));
	if (status.nr_functions)
		headline += ", PCI functions " + format_bdfs(launched.subos.functions(), ", ");
	if (launched.built)
		headline += ", kernel " + launched.built->version;
	return one_line(headline) + "\n\n" + table.str();
}

} // namespace rf
