// SPDX-License-Identifier: GPL-2.0
// rfm create: plan, take, build, load, start, wait. Until the start everything
// hangs on one descriptor: an error or a signal undoes it all. The steps are
// those of docs/boot-flow.md.
#include "config.hpp"
#include "cpulist.hpp"
#include "interrupt.hpp"
#include "plan.hpp"
#include "sizes.hpp"
#include "startup.hpp"
#include "subos.hpp"

#include <cstdio>
#include <cerrno>
#include <cstring>

#include <sys/random.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"cores", "LIST", "logical cores to give, boot core first, such as 2-3,5", true},
	{"ncores", "N", "instead of --cores: pick N of the highest-numbered online cores", true},
	{"numa", "NODE", "take memory (and with --ncores cores) from this NUMA node", true},
	{"mem", "SIZE", "memory to give, such as 512M or 2G; multiples of 2M", true},
	{"kernel", "FILE", "bzImage to boot, such as /boot/vmlinuz-VERSION", true},
	{"initrd", "FILE", "its initrd (default: the one installed for the kernel's version)",
	 true},
	{"append", "STR", "words to add to the kernel's command line", true},
	{"uart", "TTY", "serial port that the subOS owns: ttyS0 to ttyS3", true},
	{"no-agent", nullptr, "boot one core without rf_subos", true},
	{"no-start", nullptr, "load, but do not start", true},
	{"wait", "S", "seconds to wait until it runs (default 60; 0: do not wait)", true},
	{"config", "FILE", "read options from FILE; the command line overrides it", false},
	{"dry-run", nullptr, "check everything and print the plan; change nothing", false},
};

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

void stop_if_interrupted()
{
	if (interrupted())
		throw Error(Code::interrupted,
			    "interrupted; all that was taken is given back, nothing has changed");
}

boot::BootImage build_image(const Plan &plan, const Supervisor &supervisor, const rf_status &status)
{
	boot::Grant grant = base_grant(plan, &supervisor);

	grant.id = status.id;
	grant.ranges.assign(status.ranges, status.ranges + status.nr_ranges);
	grant.apic_ids.assign(status.apic_ids, status.apic_ids + status.nr_cpus);
	grant.low_slice = status.low_slice;
	try {
		return boot::build(plan.files.kernel, plan.files.vmlinux.view(),
				   plan.files.initrd(), grant, plan.options, fill_random);
	} catch (const boot::Error &error) {
		throw Error(Code::bad_file,
			    text("kernel '", plan.wish.kernel, "': ", error.what()));
	}
}

void load(const Partition &subos, const boot::BootImage &image)
{
	std::vector<rf_segment> segments;

	for (const boot::Segment &segment : image.segments) {
		const boot::View bytes = segment.bytes();
		segments.push_back({reinterpret_cast<std::uintptr_t>(bytes.data()), bytes.size(),
				    segment.phys, segment.memsz});
	}
	subos.load(segments);
}

void start(const Partition &subos, const boot::BootImage &image)
{
	rf_start how{};

	how.flags = image.la57 ? RF_START_LA57 : 0;
	how.entry = image.entry;
	how.page_table = image.page_table;
	how.boot_params = image.boot_params;
	subos.start(how);
}

// What the supervisor measured; the first two lie before rfm's own later phases.
void add_taking_phases(Phases &phases, const rf_status &status)
{
	const auto &at = status.moments;

	phases.add("take cores", at[RF_MOMENT_CREATE], at[RF_MOMENT_CPUS]);
	phases.add("take memory", at[RF_MOMENT_CPUS], at[RF_MOMENT_MEMORY]);
}

void add_boot_phases(Phases &phases, const rf_status &status)
{
	const auto &at = status.moments;

	phases.add("start to kernel", at[RF_MOMENT_START], at[RF_MOMENT_KERNEL]);
	phases.add("kernel to agent", at[RF_MOMENT_KERNEL], at[RF_MOMENT_AGENT]);
	phases.add("agent to running", at[RF_MOMENT_AGENT], at[RF_MOMENT_RUNNING]);
}

std::string plan_text(const Json &plan)
{
	const auto or_none = [](const Json &value) {
		return value.is_null() ? std::string("none") : value.get<std::string>();
	};
	Table table({"WHAT", "PLANNED"});

	table.add({"name", plan["name"]});
	table.add({"cores", format_cpulist(plan["cores"])});
	table.add({"APIC ids", format_cpulist(plan["apic_ids"])});
	table.add({"memory", text(format_size(plan["memory"]), " (needed: ",
				  format_size(plan["memory_needed"]), ")")});
	table.add({"NUMA node", plan["numa"] < 0 ? "any" : plan["numa"].dump()});
	table.add({"kernel", text(or_none(plan["kernel"]), " (", or_none(plan["version"]), ")")});
	table.add({"initrd", or_none(plan["initrd"])});
	table.add({"agent", or_none(plan["agent"])});
	table.add({"first stage", or_none(plan["first_stage"])});
	table.add({"uart", or_none(plan["uart"])});
	table.add({"start", plan["start"] ? text("yes, wait ", plan["wait"], " s") : "no"});
	table.add({"command line", or_none(plan["cmdline"])});
	return table.str();
}

std::string created_text(const Json &result)
{
	Table table({"PHASE", "TIME", ""});

	for (const Json &phase : result["phases"])
		table.add({phase["phase"], format_seconds(phase["seconds"]),
			   phase.value("detail", std::string())});
	table.add({"total", format_seconds(result["total_seconds"]), ""});
	return text("subOS '", result["name"].get<std::string>(), "' is ",
		    result["state"].get<std::string>(), ": cores ", format_cpulist(result["cores"]),
		    ", ", format_size(result["memory"]), ", kernel ",
		    result["version"].get<std::string>(), "\n\n", table.str());
}

Json created_json(const Plan &plan, const boot::BootImage &image, const rf_status &status,
		  const Phases &phases)
{
	Json result = subos_json(status);

	result["version"] = plan.files.kernel.version;
	result["kernel"] = plan.wish.kernel;
	result["entry"] = image.direct ? "direct" : "bzimage";
	result["cmdline"] = image.cmdline;
	result["notes"] = plan.notes;
	result["phases"] = phases.json();
	result["total_seconds"] = phases.total_seconds();
	return result;
}

Json create(const Plan &plan, const Supervisor &supervisor, Phases &phases)
{
	stop_if_interrupted();
	phases.show("take cores and memory ...");
	const Partition subos = [&] {
		try {
			return supervisor.create(plan.request);
		} catch (const Error &error) {
			stop_if_interrupted();
			throw;
		}
	}();
	rf_status status = subos.status();
	add_taking_phases(phases, status);

	stop_if_interrupted();
	phases.enter("build image");
	const boot::BootImage image = build_image(plan, supervisor, status);
	phases.remark(image.direct ? "direct entry" : "through the bzImage");
	stop_if_interrupted();
	phases.enter("load image");
	load(subos, image);
	phases.leave();
	stop_if_interrupted();

	if (!plan.wish.start) {
		subos.publish();
		return created_json(plan, image, subos.status(), phases);
	}
	phases.show("start the boot core ...");
	start(subos, image);
	status = plan.wish.wait ? await_running(subos, plan.wish.agent, plan.wish.wait, phases)
				: subos.status();
	add_boot_phases(phases, status);
	return created_json(plan, image, status, phases);
}

Code run(const Request &request_given, Output &output)
{
	Request request = request_given;
	if (const auto file = request.value("config"))
		read_config(request, *file, options);
	const Wish wish = parse_wish(request);
	const bool dry_run = request.has("dry-run");

	Phases phases(output);
	const std::optional<Supervisor> supervisor =
		dry_run ? Supervisor::open_if_possible() : std::optional(Supervisor::open());
	if (!dry_run)
		catch_interrupts();
	const Plan plan = make_plan(wish, supervisor ? &*supervisor : nullptr, !dry_run, phases);
	for (const std::string &note : plan.notes)
		output.note(note);
	if (dry_run)
		output.result({{"plan", plan_json(plan)}},
			      [](const Json &result) { return plan_text(result["plan"]); });
	else
		output.result(create(plan, *supervisor, phases), created_text);
	return Code::ok;
}

} // namespace

const Verb create_verb = {
	"create",
	"NAME",
	"carve out cores and memory and boot a kernel on them",
	"Takes the cores and the memory from the running kernel, builds the boot image and\n"
	"starts the boot core; returns when the subOS runs. Everything is checked before\n"
	"anything is changed. Until the boot core starts, an error or Ctrl-C gives back\n"
	"all that was taken. SMT siblings stay together; core 0 cannot be given.\n"
	"If the subOS does not come up in time, it is kept, so that 'rfm log' can tell\n"
	"why; 'rfm destroy' removes it.",
	options,
	1,
	1,
	run,
};

} // namespace rf
