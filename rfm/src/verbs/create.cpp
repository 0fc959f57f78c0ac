// SPDX-License-Identifier: GPL-2.0
// rfm create: plan, take, build, load, start, wait. Until the start everything
// hangs on one descriptor: an error or a signal undoes it all. The steps are
// those of docs/boot-flow.md.
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "operations/creation.hpp"
#include "operations/launch.hpp"
#include "plan/config.hpp"
#include "plan/definition_files.hpp"
#include "plan/reasons.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"cores", "LIST", "logical cores to give, boot core first, such as 2-3,5", true},
	{"ncores", "N", "instead of --cores: pick N of the highest-numbered online cores", true},
	{"numa", "NODE", "take memory (and with --ncores cores) from this NUMA node", true},
	{"mem", "SIZE", "memory to give, such as 512M or 2G (512MB is decimal); multiples of 2M", true},
	{"pci", "BDF", "PCI functions to give, such as 0000:00:04.0,00:05.0; repeatable", true,
	 true},
	{"require-iommu", nullptr, "refuse PCI functions whose DMA is not confined by an IOMMU",
	 true},
	{"force", nullptr,
	 "give PCI functions even if they are in use or cannot be reset; try a kernel that lacks "
	 "something"},
	{"kernel", "FILE", "bzImage to boot, such as /boot/vmlinuz-VERSION", true},
	{"initrd", "FILE", "its initrd (default: the one installed for the kernel's version)",
	 true},
	{"append", "STR", "parameters to add to the kernel's command line", true},
	{"uart", "TTY", "serial port that the subOS owns: ttyS0 to ttyS3", true},
	{"no-agent", nullptr, "boot one core without rf_subos", true},
	{"no-console", nullptr, "do not provide the console that 'rfm console' shows", true},
	{"on-crash", "POLICY", "after a crash or hang: keep (default), restart or destroy", true},
	{"on-reboot", "POLICY", "after the subOS reboots: restart (default) or keep", true},
	{"restarts", "N", "restarts after crashes until --on-crash falls back to keep (default 5)",
	 true},
	{"hang-timeout", "TIME", "time without heartbeat that counts as a hang (default 10s)", true},
	{"no-start", nullptr, "load, but do not start", true},
	{"timeout", "TIME", "how long to wait (default 60s; 0: do not wait)", true},
	{"until", "STAGE", "wait for its agent, init (default) or login", true},
	{"allow-smt-split", nullptr, "give cores without their SMT siblings, too", true},
	{"config", "FILE", "read options from FILE; the command line overrides it", false},
	{"dry-run", nullptr, "check everything and print the plan; change nothing", false},
};

// What the supervisor measured; the first two lie before rfm's own later phases.
void add_taking_phases(Phases &phases, const rf_status &status)
{
	const auto &at = status.moments;

	phases.add("take cores", at[RF_MOMENT_CREATE], at[RF_MOMENT_CPUS]);
	phases.add("take memory", at[RF_MOMENT_CPUS], at[RF_MOMENT_MEMORY]);
}

struct DryRun {
	const Plan &plan;
};

void to_json(Json &json, const DryRun &result)
{
	json = {{"plan", result.plan}};
}

std::string to_text(const DryRun &result)
{
	return to_text(result.plan);
}

Launched create(const Plan &plan, const Supervisor &supervisor, Phases &phases)
{
	constexpr const char *undone = "everything taken is given back; nothing has changed";

	stop_if_interrupted(undone);
	phases.show(plan.request.functions.empty() ? "take cores and memory ..."
						   : "take cores, memory and PCI functions ...");
	const Partition subos = [&] {
		try {
			return create_for(plan, supervisor);
		} catch (const Error &error) {
			stop_if_interrupted(undone);
			throw;
		}
	}();
	subos.set_policies(plan.wanted.policies);
	add_taking_phases(phases, subos.status());

	const boot::BootImage image = load_image(plan, supervisor, subos, undone, phases);
	const Loaded how = loaded(image);
	const auto launched = [&](const rf_status &status) {
		return Launched{subos_of(supervisor, status), phases.list(),
				phases.total_seconds(), built(plan, image), std::nullopt};
	};
	subos.define(format_definition(plan.wanted, plan.files.user_initrd.path(),
				       plan.wanted.start ? std::nullopt : std::optional(how)));
	if (!plan.wanted.start) {
		subos.publish();
		return launched(subos.status());
	}
	return launched(start_and_await(subos, how, plan.wanted, phases));
}

Code run(const Request &request_given, Output &output)
{
	Request request = request_given;
	if (const auto file = request.value("config"))
		read_definition(request, *file, options);
	CreateOptions wanted = parse_create_options(request);
	if (wanted.ncores)
		wanted.avoided = cores_of_others(wanted.name, {}, options);
	const bool dry_run = request.has("dry-run");

	Phases phases(output);
	const std::optional<Supervisor> supervisor =
		dry_run ? Supervisor::open_if_possible() : std::optional(Supervisor::open());
	if (!dry_run)
		catch_interrupts();
	const Plan plan = make_plan(wanted, supervisor ? &*supervisor : nullptr, !dry_run, phases);
	for (const std::string &reason : reasons(plan))
		output.detail(reason);
	for (const std::string &note : plan.notes)
		output.note(note);
	if (dry_run) {
		output.result(DryRun{plan});
		return Code::ok;
	}
	const Launched created = create(plan, *supervisor, phases);
	if (request.wants_names())
		output.names({wanted.name});
	else
		output.result(created);
	return Code::ok;
}

} // namespace

const Verb create_verb = {
	"create",
	"NAME",
	"carve out cores and memory and boot a kernel on them",
	"Takes the cores, the memory and the PCI functions from the running kernel, builds\n"
	"the boot image and starts the boot core; returns when its init runs. Everything is\n"
	"checked before anything is changed. Until the boot core starts, an error or Ctrl-C gives back\n"
	"all that was taken. SMT siblings stay together; core 0 cannot be given.\n"
	"If the subOS does not come up in time, it is kept, so that 'rfm log' can show\n"
	"why; 'rfm destroy' removes it.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
