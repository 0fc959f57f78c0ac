// SPDX-License-Identifier: GPL-2.0
#include "plan/requirements.hpp"

#include "base/cpulist.hpp"
#include "base/error.hpp"
#include "base/sizes.hpp"
#include "host/artifacts.hpp"
#include "host/module_build.hpp"
#include "host/proc_files.hpp"
#include "plan/losses.hpp"
#include "plan/requirement_rows.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

namespace rf {

namespace fs = std::filesystem;

namespace {

struct Version {
	unsigned major = 0, minor = 0;
	auto operator<=>(const Version &) const = default;
};

constexpr Version oldest{6, 1}, newest{6, 12};
// Kernels before this one address up to 8 possible cores in logical flat mode.
constexpr Version always_physical{6, 12};
constexpr unsigned logical_flat_most = 8;

Version parse_version(const std::string &release)
{
	Version version;
	std::sscanf(release.c_str(), "%u.%u", &version.major, &version.minor);
	return version;
}

Finding kernel(const Platform &platform)
{
	const Version version = parse_version(platform.release);
	const std::string detail = platform.release + ", " + platform.architecture;

	if (platform.architecture != "x86_64")
		return {"kernel", Verdict::missing, detail, "an x86-64 kernel"};
	if (version < oldest || version > newest)
		return {"kernel", Verdict::missing, detail, "a kernel from 6.1 to 6.12"};
	return {"kernel", Verdict::ok, detail, ""};
}

Finding module_row(const Platform &platform, bool is_root)
{
	if (platform.module_loaded)
		return {"module", Verdict::ok,
			is_root ? "rf_supervisor is loaded"
				: "rf_supervisor is loaded; only root can query it",
			is_root ? "" : "run rfm check as root to see all"};
	if (!platform.module_file.empty())
		return {"module", Verdict::missing, "rf_supervisor is not loaded",
			"modprobe rf_supervisor"};
	return {"module", Verdict::missing, "rf_supervisor is not built for " + platform.release,
		how_to_build(platform.release)};
}

Finding apic_mode(const Machine &machine, const Platform &platform,
		  const std::optional<ModuleFacts> &module)
{
	const std::string name = "APIC mode";

	// The module refuses to load in any other mode.
	if (module)
		return {name, Verdict::ok, "xAPIC, physical destinations", ""};
	if (platform.has_flag("x2apic") && platform.has_interrupt_remapping &&
	    !platform.has_parameter("nox2apic"))
		return {name, Verdict::missing, "x2APIC is in use (interrupt remapping is on)",
			text("intremap=off nox2apic", on_command_line)};
	if (parse_version(platform.release) >= always_physical)
		return {name, Verdict::ok, "physical destinations (kernel 6.12 and later)", ""};
	if (machine.possible > logical_flat_most)
		return {name, Verdict::ok,
			text("physical destinations (", machine.possible, " possible cores)"), ""};
	return {name, Verdict::missing,
		text("logical flat: ", machine.possible, " possible cores, more than ",
		     logical_flat_most, " are needed for physical destinations"),
		text("possible_cpus=16", on_command_line)};
}

Finding ipi_shorthand(const Platform &platform)
{
	if (platform.has_parameter("no_ipi_broadcast=1"))
		return {"IPI shorthand", Verdict::ok, "off (no_ipi_broadcast=1)", ""};
	return {"IPI shorthand", Verdict::missing,
		"on: a broadcast would reach the cores of subOSes",
		text("no_ipi_broadcast=1", on_command_line)};
}

Finding timer(const Platform &platform)
{
	if (platform.has_flag("arat"))
		return {"timer", Verdict::ok, "APIC timers run in every idle state (ARAT)", ""};
	return {"timer", Verdict::missing, "APIC timers may stop in deep idle (no ARAT)",
		"a processor with ARAT"};
}

Finding lockdown(const Platform &platform)
{
	if (platform.lockdown.empty())
		return {"lockdown", Verdict::ok, "not known to this kernel, or not readable", ""};
	if (platform.lockdown == "none")
		return {"lockdown", Verdict::ok, "none", ""};
	return {"lockdown", Verdict::missing,
		platform.lockdown + ": the kernel may not start another kernel",
		"turn off Secure Boot, or take lockdown= off the kernel command line, then reboot"};
}

std::vector<unsigned> able_cores(const Machine &machine)
{
	std::vector<unsigned> able;

	for (const Cpu &cpu : machine.cpus) {
		// An offline one may be lent, or come back.
		const bool stays = std::any_of(
			cpu.siblings.begin(), cpu.siblings.end(), [&](unsigned sibling) {
				const Cpu *other = machine.cpu(sibling);
				return !sibling || !other || (!other->online && !machine.smt_off);
			});
		if (cpu.online && !stays)
			able.push_back(cpu.id);
	}
	return able;
}

Finding cores(const Machine &machine)
{
	const std::vector<unsigned> able = able_cores(machine);

	if (able.empty())
		return {"cores", Verdict::missing, "no core but core 0 is online",
			"more cores, or destroy a subOS"};
	return {"cores", Verdict::ok, text(able.size(), " can be given: ", format_cpulist(able)),
		""};
}

Finding smt(const Machine &machine)
{
	std::size_t largest = 1;

	for (const Cpu &cpu : machine.cpus)
		largest = std::max(largest, cpu.siblings.size());
	if (largest == 1)
		return {"SMT", Verdict::ok, "no SMT siblings", ""};
	return {"SMT", Verdict::ok,
		text(largest, " siblings per core: they are given together"), ""};
}

Finding numa(const Machine &machine)
{
	return {"NUMA", Verdict::ok,
		machine.nodes.size() == 1
			? std::string("1 node")
			: text(machine.nodes.size(), " nodes: choose with --numa"),
		""};
}

Finding crash_kernel(const Platform &platform)
{
	if (!platform.crash_kernel)
		return {"crash kernel", Verdict::ok, "none", ""};
	return {"crash kernel", Verdict::warn,
		format_size(platform.crash_kernel) + " reserved: a crash kernel would run while "
						     "subOSes do, on memory of its own",
		"see docs/architecture.md before lending PCI functions"};
}

// The reloads come one after the other, and each reads and places a whole kernel.
void add_reload(std::vector<Finding> &findings, const Settings &settings)
{
	const std::string &rule = settings.reload_rule;

	if (rule.empty())
		return;
	const std::string name = rule.substr(rule.rfind('/') + 1);
	// One of /etc stands in the place of those of packages: nothing can stand in its place.
	const bool own = rule.starts_with("/etc/");
	const std::string off = own ? text("mv ", rule, " ", rule, ".off")
				    : text("ln -s /dev/null /etc/udev/rules.d/", name);
	findings.push_back({"crash kernel reload", Verdict::warn,
			    text(rule, " loads the crash kernel anew for each memory block and core "
				       "that comes or goes: creates and destroys take longer"),
			    text(off, "; udevadm control --reload; then 'kdump-config reload' once after "
				 "each create, resize and destroy")});
}

// What the largest create possible would make Linux forget.
void add_settings(std::vector<Finding> &findings, const Machine &machine,
		  const std::optional<ModuleFacts> &module, const Settings &settings, bool is_root)
{
	Taking taking{able_cores(machine)};
	bool any = false;

	for (const rf_memory &memory : module ? module->memory : std::vector<rf_memory>{})
		if (!memory.pool_free)
			taking.memory += memory.movable + memory.other;
	for (const Loss &loss : losses(settings, taking)) {
		findings.push_back({"settings, " + loss.name, Verdict::warn,
				    text(loss.what, " ", loss.consequence), loss.remedy});
		any = true;
	}
	if (!any && !is_root)
		findings.push_back({"settings", Verdict::warn, "only root can see all of them",
				    "run rfm check as root to see all"});
	else if (!any)
		findings.push_back({"settings", Verdict::ok,
				    "none that destroy would not restore", ""});
}

void add_helper(std::vector<Finding> &findings, const std::optional<ModuleFacts> &module)
{
	if (!module || module->helper.empty())
		return;
	if (module->helper_works)
		findings.push_back({"restart helper", Verdict::ok, module->helper, ""});
	else
		findings.push_back({"restart helper", Verdict::warn,
				    text(module->helper, " cannot be executed: policies cannot "
							 "restart subOSes"),
				    "rmmod rf_supervisor, then modprobe rf_supervisor helper=PATH"});
}

void add_kernels(std::vector<Finding> &findings, const std::vector<InstalledKernel> &kernels)
{
	if (kernels.empty())
		findings.push_back({"installed kernels", Verdict::warn, "none in /boot",
				    "apt install linux-image-amd64"});
	for (const InstalledKernel &kernel : kernels) {
		const std::string name = "kernel " + kernel.version;
		if (kernel.has_agent)
			findings.push_back(
				{name, Verdict::ok, "can be booted: rf_subos is installed", ""});
		else
			findings.push_back({name, Verdict::warn, "rf_subos is not built for it",
					    how_to_build(kernel.version)});
	}
}

} // namespace

bool is_logical_flat(const Machine &machine, const Platform &platform)
{
	return parse_version(platform.release) < always_physical &&
	       machine.possible <= logical_flat_most;
}

const char *verdict_name(Verdict verdict)
{
	switch (verdict) {
	case Verdict::ok: return "ok";
	case Verdict::warn: return "warn";
	case Verdict::missing: return "missing";
	}
	return "?";
}

std::vector<InstalledKernel> installed_kernels()
{
	constexpr std::string_view prefix = "vmlinuz-";
	std::vector<InstalledKernel> kernels;

	for (const fs::path &entry : entries("/boot")) {
		const std::string file = entry.filename();
		if (!file.starts_with(prefix))
			continue;
		const std::string version = file.substr(prefix.size());
		kernels.push_back({version, find_module(ficm_module, version) &&
						    find_module(agent_module, version)});
	}
	std::sort(kernels.begin(), kernels.end(),
		  [](const auto &a, const auto &b) { return a.version < b.version; });
	return kernels;
}

std::vector<Finding> find_all(const Machine &machine, const Platform &platform,
			      const std::optional<ModuleFacts> &module,
			      const std::vector<InstalledKernel> &kernels, bool is_root,
			      const Settings &settings)
{
	std::vector<Finding> findings = {
		kernel(platform),	module_row(platform, is_root),
		lockdown(platform),	apic_mode(machine, platform, module),
		ipi_shorthand(platform), timer(platform),
		cores(machine),		smt(machine),
		numa(machine),		low_memory(module),
	};

	add_abi(findings, module);
	add_memory(findings, platform, module);
	add_devices(findings, platform);
	add_passthrough(findings, module);
	findings.push_back(crash_kernel(platform));
	add_reload(findings, settings);
	add_settings(findings, machine, module, settings, is_root);
	add_helper(findings, module);
	add_kernels(findings, kernels);
	return findings;
}

bool is_able(const std::vector<Finding> &findings)
{
	return std::none_of(findings.begin(), findings.end(), [](const Finding &finding) {
		return finding.verdict == Verdict::missing;
	});
}

} // namespace rf
