// SPDX-License-Identifier: GPL-2.0
#include "plan/setup_plan.hpp"

#include "base/error.hpp"
#include "base/sizes.hpp"
#include "plan/drop_in.hpp"
#include "plan/requirement_rows.hpp"
#include "plan/setup_pool.hpp"

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace rf {

namespace {

// The rows of `rfm check` that say the same before the reboot as after it.
constexpr std::array kept_rows{"kernel", "module", "lockdown", "timer", "cores", "SMT"};
constexpr unsigned possible_wanted = 16;

// Words that could be written again.
std::vector<std::string> plain_words(const std::string &cmdline)
{
	std::istringstream list(cmdline);
	std::vector<std::string> words;

	for (std::string word; list >> word;)
		if (is_plain_word(word))
			words.push_back(word);
	return words;
}

// The last one that begins so.
std::string word_with(const std::vector<std::string> &words, std::string_view begin)
{
	const auto found = std::find_if(words.rbegin(), words.rend(), [&](const std::string &word) {
		return word.starts_with(begin);
	});
	return found == words.rend() ? "" : *found;
}

bool has(const std::vector<std::string> &words, const std::string &word)
{
	return std::find(words.begin(), words.end(), word) != words.end();
}

void want(SetupPlan &plan, const std::string &word, const char *why)
{
	SetupWords &parameter = plan.parameters.emplace_back();

	parameter.words.push_back(word);
	parameter.why = why;
}

void add_apic(SetupPlan &plan, const Machine &machine, const Platform &platform,
	      const std::vector<std::string> &present)
{
	// With the word, the machine is so no more.
	const std::string possible = is_logical_flat(machine, platform)
					     ? text("possible_cpus=", possible_wanted)
					     : word_with(present, "possible_cpus=");
	const bool remaps = platform.has_interrupt_remapping || has(present, "intremap=off");
	const bool x2apic = platform.has_flag("x2apic") &&
			    (remaps || platform.has_flag("hypervisor"));

	want(plan, "no_ipi_broadcast=1",
	     "keeps the kernel from sending interrupts to all cores but its own, which subOSes "
	     "would get");
	if (!possible.empty())
		want(plan, possible,
		     "makes a kernel before 6.12 with 8 possible cores or fewer use physical APIC "
		     "destinations");
	if (remaps)
		want(plan, "intremap=off",
		     "interrupt remapping is one table for the whole machine, which subOSes cannot "
		     "use");
	if (x2apic || has(present, "nox2apic"))
		want(plan, "nox2apic", "x2APIC mode is not supported");
}

// What the last "on" or "off" of a list says, if there is one.
std::optional<bool> is_on(const std::string &list)
{
	std::istringstream items(list);
	std::optional<bool> on;

	for (std::string item; std::getline(items, item, ',');)
		if (item == "on" || item == "off")
			on = item == "on";
	return on;
}

void add_iommu(SetupPlan &plan, const Platform &platform, const BootFacts &facts,
	       const std::vector<std::string> &present)
{
	constexpr std::string_view key = "intel_iommu=";
	const std::string word = word_with(present, std::string(key));
	const std::string list = word.empty() ? "" : word.substr(key.size());
	const std::optional<bool> on = is_on(list);

	if (!facts.has_dmar)
		return;
	if (on == false || platform.has_parameter("iommu=off"))
		plan.findings.push_back(
			{"IOMMU", Verdict::warn,
			 "turned off on the kernel command line: devices given to a subOS can "
			 "reach all memory",
			 text("take ", word.empty() ? "iommu=off" : word,
			      " off the kernel command line")});
	else
		want(plan, on ? word : text(key, "on", list.empty() ? "" : ",", list),
		     "confines what devices of subOSes can reach");
}

void add_secure_boot(SetupPlan &plan, const BootFacts &facts)
{
	if (facts.secure_boot)
		plan.findings.push_back(
			{"Secure Boot", Verdict::warn,
			 "on: only signed modules are loaded, and no further kernel is started",
			 "turn Secure Boot off in the firmware"});
}

// Before the reboot the module cannot be loaded: that it could be is enough.
void add_kept(SetupPlan &plan, const Machine &machine, const Platform &platform, bool is_root)
{
	for (const Finding &row : find_all(machine, platform, std::nullopt, {}, is_root)) {
		if (std::ranges::find(kept_rows, row.name) == kept_rows.end())
			continue;
		plan.findings.push_back(row);
		if (row.name == "module" && !platform.module_loaded && !platform.module_file.empty())
			plan.findings.back() = {"module", Verdict::ok,
						"installed: " + platform.module_file, ""};
	}
}

void mark_present(SetupPlan &plan, const Platform &platform)
{
	for (SetupWords &parameter : plan.parameters)
		parameter.there = std::all_of(
			parameter.words.begin(), parameter.words.end(),
			[&](const std::string &word) { return platform.has_parameter(word); });
}

void check_pool(std::optional<std::uint64_t> pool)
{
	if (pool && *pool % RF_EXTENT_SIZE)
		throw Error(Code::bad_value,
			    text("pool '", format_size(*pool), "' is not a multiple of ",
				 format_size(RF_EXTENT_SIZE), ": give for example 4G, or 0 for "
							      "none"));
}

} // namespace

std::vector<std::string> SetupPlan::words() const
{
	std::vector<std::string> all;

	for (const SetupWords &parameter : parameters)
		all.insert(all.end(), parameter.words.begin(), parameter.words.end());
	return all;
}

bool SetupPlan::all_there() const
{
	return std::all_of(parameters.begin(), parameters.end(),
			   [](const SetupWords &parameter) { return parameter.there; });
}

SetupPlan plan_setup(const Machine &machine, const Platform &platform, const BootFacts &facts,
		     bool is_root, std::optional<std::uint64_t> pool)
{
	const std::vector<std::string> running = plain_words(platform.cmdline);
	const std::vector<std::string> planned = read_drop_in(facts.drop_in);
	std::vector<std::string> present = running;
	std::vector<MemoryRange> ram = facts.ram;
	SetupPlan plan;

	check_pool(pool);
	present.insert(present.end(), planned.begin(), planned.end());
	add_kept(plan, machine, platform, is_root);
	add_secure_boot(plan, facts);
	add_apic(plan, machine, platform, present);
	add_iommu(plan, platform, facts, present);

	// What is reserved by now is no RAM any more.
	if (!ram.empty())
		for (const MemoryRange &range : pool_ranges(pool_words(running)))
			ram.push_back(range);
	const auto memory = choose_pool(pool_words(planned).empty() ? running : planned,
					join_ranges(ram), platform.block_size, pool);
	if (memory)
		plan.parameters.push_back(*memory);
	want(plan, "modules_load=rf_supervisor", "has systemd load the module at boot");
	mark_present(plan, platform);
	return plan;
}

} // namespace rf
