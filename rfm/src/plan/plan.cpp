// SPDX-License-Identifier: GPL-2.0
// Step 1 of a create: see docs/boot-flow.md.
#include "plan/plan.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "boot/cmdline.hpp"
#include "client/problem.hpp"
#include "client/words.hpp"
#include "host/device_users.hpp"
#include "host/pci_function.hpp"
#include "plan/kernel_check.hpp"
#include "plan/losses.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include <cpuid.h>

namespace rf {

namespace {

constexpr const char *initrd_accepted = "a cpio archive (newc), plain or compressed,";

// In the environment, for tests: words that are refused are booted, to see what they do.
constexpr const char *unchecked_append = "RF_UNCHECKED_APPEND";

constexpr unsigned cpuid_la57 = 1u << 16;	// leaf 7, ecx
constexpr unsigned cpuid_hfi = 1u << 19;	// leaf 6, eax

// cpio archives, plain or in one of the compressions that kernels know.
bool looks_like_initrd(boot::View bytes)
{
	constexpr std::array<std::string_view, 9> magics{
		{{"070701"}, {"070702"}, {"\x1f\x8b"}, {"\xfd" "7zXZ"}, {"\x02\x21\x4c\x18"},
		 {"\x28\xb5\x2f\xfd"}, {"BZh"}, {"\x5d\0\0", 3}, {"\x89LZO"}}};
	const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());

	return std::any_of(magics.begin(), magics.end(),
			   [&](std::string_view magic) { return text.starts_with(magic); });
}

// What the builder says of a kernel does not name the file.
template <typename Call> auto of_kernel(const std::string &path, Call call)
{
	try {
		return call();
	} catch (const boot::Error &error) {
		throw Error(Code::bad_file, text("kernel '", path, "': ", error.what()));
	}
}

} // namespace

std::uint64_t memory_needed(const Plan &plan)
{
	return of_kernel(plan.wanted.kernel, [&] {
		return boot::memory_needed(plan.files.kernel, plan.files.vmlinux.view(),
					   plan.files.initrd());
	});
}

namespace {

void load_kernel(Artifacts &files, const CreateOptions &wanted)
{
	files.kernel_file = FileBytes::read("kernel", wanted.kernel,
					    "an x86-64 bzImage such as /boot/vmlinuz-*");
	files.kernel = of_kernel(wanted.kernel, [&] {
		return boot::parse_bzimage(files.kernel_file.view());
	});
}

FileBytes load_module(const char *file, const std::string &version)
{
	FileBytes module = read_module(find_subos_module(file, version));

	check_module(module, version);
	return module;
}

void load_initrd(Artifacts &files, const CreateOptions &wanted)
{
	const std::string &version = files.kernel.version;
	const auto path = wanted.initrd ? wanted.initrd : find_initrd(wanted.kernel, version);

	if (!path)
		throw Error(Code::bad_file, text("no initrd is installed for kernel ", version,
						 " (/boot/initrd.img-", version,
						 "): give one with --initrd FILE"));
	files.user_initrd = FileBytes::read("initrd", *path, initrd_accepted);
	if (!looks_like_initrd(files.user_initrd.view()))
		throw Error(Code::bad_file, text("initrd '", *path, "': not an initrd; ",
						 initrd_accepted, " is needed"));
	if (!wanted.agent)
		return;
	files.ficm = load_module(ficm_module, version);
	files.agent = load_module(agent_module, version);
	files.first_stage = FileBytes::read("first stage", find_first_stage(),
					    "the one of this version of rfm");
}

void decompress(Artifacts &files, bool keep_cache, Phases &phases)
{
	if (files.kernel.compression == boot::Compression::other)
		return;
	phases.enter("decompress kernel");
	KernelCache cache(files.kernel_file.view());
	if (auto entry = cache.find()) {
		files.vmlinux = std::move(*entry);
		phases.remark("cached");
		return;
	}
	files.vmlinux = of_kernel(files.kernel_file.path(),
				  [&] { return Vmlinux(boot::decompress(files.kernel)); });
	if (!keep_cache)
		return;
	const bool kept = cache.keep(files.vmlinux.view());
	phases.remark(text(cache.damaged() ? "its cached copy was damaged; " : "",
			   kept ? "now cached" : "not cached"));
}

void read_artifacts(Plan &plan, bool keep_cache, Phases &phases)
{
	const CreateOptions &wanted = plan.wanted;

	phases.enter("read files");
	load_kernel(plan.files, wanted);
	load_initrd(plan.files, wanted);
	plan.files.config = find_kernel_config(wanted.kernel, plan.files.kernel.version);
	plan.options = {.append = wanted.append,
			.uart = wanted.uart,
			.hz = find_hz(plan.files.config),
			.agent = wanted.agent,
			.console = wanted.console,
			.allow_direct = true,
			.check_append = !std::getenv(unchecked_append)};
	decompress(plan.files, keep_cache, phases);
	phases.leave();
}

void check_features(const Plan &plan)
{
	const bool needed = check_kernel({plan.files.config, plan.files.vmlinux.view()},
					 {plan.wanted.kernel, plan.apic_ids.size(),
					  plan.wanted.agent, plan.wanted.force});

	if (plan.wanted.force && !needed && plan.wanted.functions.empty())
		throw Error(Code::usage,
			    text("--force applies only to PCI functions and to kernels that lack "
				 "something: give it together with --pci, for '",
				 plan.wanted.kernel, "' lacks nothing"));
}

void check_memory(const Plan &plan)
{
	const std::uint64_t wanted = plan.request.memory;
	const std::uint64_t needed = memory_needed(plan);

	if (wanted < needed)
		throw Error(Code::bad_value,
			    text("memory ", format_size(wanted), " is too small for kernel '",
				 plan.wanted.kernel, "' with initrd '",
				 plan.files.user_initrd.path(), "' (", plan.files.user_initrd.view().size(),
				 " bytes): give at least ",
				 format_size((needed + RF_EXTENT_SIZE - 1) / RF_EXTENT_SIZE *
					     RF_EXTENT_SIZE)));
}

void check_available(const Supervisor &supervisor, const CreateRequest &request,
		     const Outlook &outlook)
{
	const std::uint64_t available =
		outlook.left(request.node, supervisor.memory(request.node).available);
	if (request.memory > available)
		throw Error(Code::not_enough,
			    text("memory ", format_size(request.memory), " cannot be taken",
				 request.node >= 0 ? text(" from node ", request.node)
						   : std::string(),
				 ": at most ", format_size(available),
				 " could be given right now"));
}

void check_supervisor(const CreateOptions &wanted, const Supervisor &supervisor)
{
	const rf_info info = supervisor.info();
	const std::vector<std::string> names = supervisor.names();

	if (info.locked_down)
		throw Error(Code::not_permitted,
			    "the kernel is locked down (Secure Boot?): it may not "
			    "start another kernel");
	if (std::find(names.begin(), names.end(), wanted.name) != names.end())
		throw Error(Code::busy, text("a subOS named '", wanted.name,
					     "' exists: choose another name or destroy it first"));
	if (!info.low_slices_free)
		throw Error(Code::not_enough, text("all ", info.low_slices,
						   " slices of low memory are "
						   "in use: destroy a subOS first"));
}

// Those that are named, or as many as are wanted. `machine` becomes what it will be by then.
std::vector<unsigned> choose_cores(const CreateOptions &wanted, Machine &machine,
				   const Settings &settings, const Supervisor *supervisor,
				   const Outlook &outlook)
{
	CoreRules rules{supervisor ? supervisor->lent_cores() : Lent{}, {}, wanted.split_siblings};
	const auto loses = [&](const std::vector<unsigned> &cores) {
		return std::ranges::find_first_of(cores, wanted.avoided) != cores.end() ||
		       loses_by_cores(settings, cores);
	};
	std::vector<unsigned> cores = wanted.cores;

	outlook.foresee(wanted.name, machine, rules.lent);
	if (cores.empty())
		cores = pick_cores(machine, wanted.ncores, wanted.node, loses, rules);
	check_cores(machine, rules, cores);
	return cores;
}

// The cores and the memory, compared with what this machine could give now.
void check_resources(Plan &plan, const Supervisor *supervisor, const Outlook &outlook)
{
	const CreateOptions &wanted = plan.wanted;
	Machine machine = read_machine(supervisor);
	const Settings settings = read_settings();

	if (wanted.node >= 0 && !machine.has_node(wanted.node))
		throw Error(Code::bad_value, text("numa node ", wanted.node,
						  " does not exist: nodes are 0 "
						  "to ",
						  machine.nodes.back()));
	plan.request = {wanted.name,	wanted.cores,	wanted.node,
			wanted.memory,	wanted.functions, wanted.function_flags,
			split_flags(machine, wanted.split_siblings)};
	plan.request.cpus = choose_cores(wanted, machine, settings, supervisor, outlook);
	for (const unsigned core : plan.request.cpus)
		plan.apic_ids.push_back(machine.cpu(core)->apic_id.value_or(0));
	if (supervisor)
		check_available(*supervisor, plan.request, outlook);

	Taking taking{plan.request.cpus, 0, wanted.node};
	if (supervisor) {
		const rf_memory memory = supervisor->memory(wanted.node);
		taking.memory = beyond_pool(memory, wanted.memory + memory.shared);
	}
	for (std::string &note : loss_notes(settings, taking))
		plan.notes.push_back(std::move(note));
}

// Without the module, only what sysfs tells.
void check_exist(const std::vector<std::uint32_t> &wanted)
{
	const std::vector<PciFunction> functions = read_functions();

	for (const std::uint32_t bdf : wanted) {
		const PciFunction *function = find_function(functions, bdf);
		if (!function)
			throw problem_error(bdf, RF_PROBLEM_ABSENT, {});
		if (function->bridge)
			throw problem_error(bdf, RF_PROBLEM_BRIDGE, {});
	}
}

void check_pci(Plan &plan, const Supervisor *supervisor, const Outlook &outlook)
{
	const std::vector<std::uint32_t> &wanted = plan.request.functions;

	if (wanted.empty())
		return;
	if (supervisor) {
		Inventory inventory = ask_inventory(*supervisor);
		outlook.foresee(inventory);
		check_functions(inventory, wanted, plan.request.function_flags, 0);
		const std::vector<std::uint32_t> open = not_confined(inventory, wanted);
		if (!open.empty())
			plan.notes.push_back(not_confined_note(open));
	} else {
		check_exist(wanted);
	}
	if (!(plan.request.function_flags & RF_PCI_FORCE))
		check_unused(wanted);
}

void check_cmdline(Plan &plan, const Supervisor *supervisor)
{
	try {
		boot::CommandLine made =
			boot::make_command_line(base_grant(plan, supervisor), plan.options);
		plan.cmdline = std::move(made.line);
		for (std::string &note : made.notes)
			plan.notes.push_back(std::move(note));
	} catch (const boot::Error &error) {
		throw Error(Code::bad_value, error.what());
	}
	if (!plan.options.check_append)
		plan.notes.push_back(text("append is not checked and comes last: ",
					  unchecked_append, " is set"));
}

// Before anything is taken, not when it is handed over.
void check_definition(const Plan &plan)
{
	const std::size_t size =
		format_definition(plan.wanted, plan.files.user_initrd.path(), Loaded{}).size();

	// The addresses of a loaded image have up to 20 digits each.
	if (size + 60 > RF_DEFINITION_MAX)
		throw Error(Code::bad_value,
			    text("the options take ", size,
				 " bytes, which is too many to save: give shorter paths"));
}

} // namespace

boot::Initrd Artifacts::initrd() const
{
	return {first_stage.view(), ficm.view(), agent.view(), user_initrd.view()};
}

boot::Grant base_grant(const Plan &plan, const Supervisor *supervisor)
{
	unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
	boot::Grant grant;

	grant.name = plan.wanted.name;
	grant.apic_ids = plan.apic_ids;
	if (supervisor) {
		const rf_info info = supervisor->info();
		grant.bsp_apic_id = info.bsp_apic_id;
		grant.tsc_khz = info.tsc_khz;
	}
	// Not /proc/cpuinfo: it hides what this kernel chose not to use.
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		grant.la57 = ecx & cpuid_la57;
	if (__get_cpuid(6, &eax, &ebx, &ecx, &edx))
		grant.feedback = eax & cpuid_hfi;
	return grant;
}

Plan make_plan(const CreateOptions &wanted, const Supervisor *supervisor, bool keep_cache,
	       Phases &phases, const Outlook &outlook)
{
	Plan plan;

	plan.wanted = wanted;
	plan.outlook = outlook;
	phases.enter("check");
	if (supervisor)
		check_supervisor(wanted, *supervisor);
	check_resources(plan, supervisor, outlook);
	check_pci(plan, supervisor, outlook);
	read_artifacts(plan, keep_cache, phases);
	check_features(plan);
	check_cmdline(plan, supervisor);
	check_memory(plan);
	check_definition(plan);
	if (!supervisor)
		plan.notes.push_back(
			"not checked against what the supervisor could give: rf_supervisor "
			"is not loaded, or rfm is not run as root");
	return plan;
}

std::vector<unsigned> cores_now(const Plan &plan, const Supervisor &supervisor)
{
	if (!plan.wanted.cores.empty())
		return plan.request.cpus;
	Machine machine = read_machine(&supervisor);

	return choose_cores(plan.wanted, machine, read_settings(), &supervisor, plan.outlook);
}

Plan make_start_plan(const CreateOptions &wanted, const Supervisor &supervisor,
		     const rf_status &status, Phases &phases, Trust trust)
{
	Plan plan;

	plan.wanted = wanted;
	plan.request = {wanted.name,
			{status.cpus, status.cpus + status.nr_cpus},
			wanted.node,
			// All of the boot image goes to the first range.
			status.nr_ranges ? status.ranges[0].size : 0};
	plan.apic_ids.assign(status.apic_ids, status.apic_ids + status.nr_cpus);
	read_artifacts(plan, true, phases);
	plan.options.stored = trust.append;
	check_kernel({plan.files.config, plan.files.vmlinux.view()},
		     {wanted.kernel, plan.apic_ids.size(), wanted.agent, trust.kernel});
	check_cmdline(plan, &supervisor);
	check_memory(plan);
	return plan;
}

} // namespace rf
