// SPDX-License-Identifier: GPL-2.0
#include "plan/requirements.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace {

rf::Machine machine(unsigned possible)
{
	rf::Machine machine;
	machine.possible = possible;
	machine.nodes = {0};
	for (unsigned id = 0; id < 4; id++)
		machine.cpus.push_back({id, true, 0, {id}, id});
	return machine;
}

// A machine on which everything is in order.
rf::Platform platform()
{
	rf::Platform platform;
	platform.architecture = "x86_64";
	platform.release = "6.1.0-56-amd64";
	platform.cmdline = "quiet no_ipi_broadcast=1 possible_cpus=16";
	platform.lockdown = "none";
	platform.cpu_flags = {"arat", "lm"};
	platform.block_size = 128u << 20;
	platform.memory = {{0, 1u << 30, 1u << 30}};
	platform.has_ecam = platform.has_iommu = platform.module_loaded = true;
	return platform;
}

rf::Finding find(const rf::Machine &machine, const rf::Platform &platform, const std::string &name,
		 const std::optional<rf::ModuleFacts> &facts = std::nullopt)
{
	const auto all = rf::find_all(machine, platform, facts, {}, true);
	const auto row = std::find_if(all.begin(), all.end(),
				      [&](const rf::Finding &row) { return row.name == name; });
	EXPECT_NE(row, all.end()) << name;
	return row == all.end() ? rf::Finding{} : *row;
}

TEST(Requirements, AGoodMachineIsAble)
{
	EXPECT_TRUE(rf::is_able(rf::find_all(machine(16), platform(), std::nullopt, {}, true)));
}

TEST(Requirements, FewPossibleCoresMeanLogicalModeBefore612)
{
	rf::Platform old = platform();
	EXPECT_EQ(find(machine(16), old, "APIC mode").verdict, rf::Verdict::ok);
	const rf::Finding row = find(machine(8), old, "APIC mode");
	EXPECT_EQ(row.verdict, rf::Verdict::missing);
	EXPECT_NE(row.remedy.find("possible_cpus=16"), std::string::npos);
	old.release = "6.12.95-amd64";
	EXPECT_EQ(find(machine(8), old, "APIC mode").verdict, rf::Verdict::ok);
}

TEST(Requirements, EachObstacleIsMissingAndHasARemedy)
{
	using Damage = void (*)(rf::Platform &);
	const std::pair<const char *, Damage> obstacles[] = {
		{"kernel", [](rf::Platform &p) { p.release = "5.10.0"; }},
		{"kernel", [](rf::Platform &p) { p.release = "6.13.1"; }},
		{"kernel", [](rf::Platform &p) { p.architecture = "aarch64"; }},
		{"module", [](rf::Platform &p) { p.module_loaded = false; }},
		{"lockdown", [](rf::Platform &p) { p.lockdown = "integrity"; }},
		{"IPI shorthand", [](rf::Platform &p) { p.cmdline = "no_ipi_broadcast=10"; }},
		{"timer", [](rf::Platform &p) { p.cpu_flags = {"lm"}; }},
		{"memory, node 0", [](rf::Platform &p) { p.memory = {{0, 0, 0}}; }},
		{"memory", [](rf::Platform &p) { p.block_size = 0; }},
	};

	for (const auto &[name, damage] : obstacles) {
		rf::Platform damaged = platform();
		damage(damaged);
		const rf::Finding row = find(machine(16), damaged, name);
		EXPECT_EQ(row.verdict, rf::Verdict::missing) << name;
		EXPECT_FALSE(row.remedy.empty()) << name;
	}
}

TEST(Requirements, ProgramThatStartsSubosesAgain)
{
	rf::ModuleFacts facts;
	const auto verdict = [&]() -> std::optional<rf::Verdict> {
		for (const rf::Finding &row :
		     rf::find_all(machine(16), platform(), facts, {}, true))
			if (row.name == "restart helper")
				return row.verdict;
		return std::nullopt;
	};

	EXPECT_EQ(verdict(), std::nullopt);
	facts.helper = "/usr/sbin/rfm";
	EXPECT_EQ(verdict(), rf::Verdict::warn);
	facts.helper_works = true;
	EXPECT_EQ(verdict(), rf::Verdict::ok);
}

TEST(Requirements, MemoryThatCanBeGiven)
{
	rf::ModuleFacts facts;
	const auto row = [&] { return find(machine(16), platform(), "memory, node 0", facts); };

	facts.memory = {{.movable = 128u << 20, .unsafe = 1u << 30, .shared = 4u << 20,
			 .available = 124u << 20}};
	EXPECT_EQ(row().verdict, rf::Verdict::ok);
	EXPECT_EQ(row().detail, "up to 124M: pool 0, movable 128M, other 0 if the kernel can migrate "
				"it, less 4M for shared memory and the supervisor; cannot be taken: 1G");
	facts.memory[0].available = 0;
	EXPECT_EQ(row().verdict, rf::Verdict::missing);
}

TEST(Requirements, SettingsThatWouldBeLost)
{
	rf::Settings settings;
	const auto row = [&](const std::string &name) {
		for (const rf::Finding &row :
		     rf::find_all(machine(16), platform(), std::nullopt, {}, true, settings))
			if (row.name == name)
				return row;
		return rf::Finding{};
	};

	settings.online = {0, 1, 2, 3};
	EXPECT_EQ(row("settings").verdict, rf::Verdict::ok);
	settings.tasks = {{.tid = 7, .name = "bound", .cores = {3}}};
	EXPECT_EQ(row("settings").name, "");
	EXPECT_EQ(row("settings, tasks").verdict, rf::Verdict::warn);
	EXPECT_EQ(row("settings, tasks").detail,
		  "affinity of 1 task with no core but those to be given (bound 7 on 3) will not be "
		  "restored by destroy");
	EXPECT_NE(row("settings, tasks").remedy.find("taskset -pc 0,3 7"), std::string::npos);
}

TEST(Requirements, CrashKernelThatIsLoadedAnewAgainAndAgain)
{
	rf::Settings settings;
	const auto row = [&] {
		for (const rf::Finding &row :
		     rf::find_all(machine(16), platform(), std::nullopt, {}, true, settings))
			if (row.name == "crash kernel reload")
				return row;
		return rf::Finding{};
	};

	EXPECT_EQ(row().name, "");
	settings.reload_rule = "/lib/udev/rules.d/50-kdump-tools.rules";
	EXPECT_EQ(row().verdict, rf::Verdict::warn);
	EXPECT_EQ(row().remedy.find("ln -s /dev/null /etc/udev/rules.d/50-kdump-tools.rules; "
				    "udevadm control --reload;"),
		  0u);
}

TEST(Requirements, FunctionsThatCanBeGiven)
{
	rf::ModuleFacts facts;
	const auto row = [&] { return find(machine(16), platform(), "PCI passthrough", facts); };

	facts.functions = {{.problem = RF_PROBLEM_BRIDGE},
			   {.problem = RF_PROBLEM_NO_MSI},
			   {.problem = RF_PROBLEM_NO_MSI}};
	EXPECT_EQ(row().verdict, rf::Verdict::warn);
	EXPECT_EQ(row().detail, "0 of 2 PCI functions can be given, 2 no-msi");
	facts.functions[1].problem = RF_PROBLEM_NONE;
	EXPECT_EQ(row().verdict, rf::Verdict::ok);
	EXPECT_EQ(row().detail, "1 of 2 PCI functions can be given, 1 no-msi");
}

TEST(Requirements, FunctionsThatCacheTranslations)
{
	rf::ModuleFacts facts;
	const auto row = [&] {
		for (const rf::Finding &row :
		     rf::find_all(machine(16), platform(), facts, {}, true))
			if (row.name == "ATS")
				return row;
		return rf::Finding{};
	};

	facts.functions = {{.problem = RF_PROBLEM_NONE}};
	EXPECT_EQ(row().name, "");
	facts.functions.push_back({.problem = RF_PROBLEM_ATS});
	EXPECT_EQ(row().verdict, rf::Verdict::warn);
	EXPECT_EQ(row().detail, "on for 1 PCI function(s): these cannot be given");
	EXPECT_EQ(row().remedy.rfind("pci=noats", 0), 0u);
}

} // namespace
