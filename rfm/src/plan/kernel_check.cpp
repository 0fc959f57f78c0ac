// SPDX-License-Identifier: GPL-2.0
#include "plan/kernel_check.hpp"

#include "base/error.hpp"
#include "boot/words.hpp"

#include <array>
#include <optional>

namespace rf {

namespace {

using boot::Feature;

struct Need {
	Feature feature;
	const char *what;
	const char *why;	// with what to do about it
	bool (*applies)(const KernelUse &);
	bool always;		// also with --force
};

constexpr auto any = [](const KernelUse &) { return true; };
constexpr auto several_cores = [](const KernelUse &use) { return use.cores > 1; };
constexpr auto with_agent = [](const KernelUse &use) { return use.agent; };

constexpr std::array<Need, 5> needs = {{
	{Feature::acpi, "ACPI",
	 "it would take the interrupt controllers and timers of the machine: give another kernel", any,
	 true},
	{Feature::local_apic, "local APIC",
	 "its cores would get no interrupts: give another kernel", any, false},
	{Feature::smp, "SMP", "it runs on one core: give one, or another kernel", several_cores,
	 false},
	{Feature::cpu_hotplug, "CPU hotplug",
	 "the agent could not start or stop its cores: give another kernel, or --no-agent", with_agent,
	 false},
	{Feature::memory_hotplug, "memory hotplug",
	 "the agent could not add or remove memory: give another kernel, or --no-agent", with_agent,
	 false},
}};

Error lacks(const KernelUse &use, const std::string &what, bool can_be_forced)
{
	return Error(Code::bad_file, text("kernel '", use.path, "' ", what,
					  can_be_forced ? "; --force tries it all the same" : ""));
}

// What is wrong with words that are built in; nothing if they can be booted with.
std::optional<std::string> refused_words(const std::string &words, bool agent, bool force)
{
	try {
		const auto sorted =
			boot::sort_words({.append = words, .agent = agent}, "", force);
		// These cannot be left out.
		if (!sorted.notes.empty() && !force)
			return sorted.notes.front();
	} catch (const boot::Error &error) {
		return error.what();
	}
	return std::nullopt;
}

// What is built in comes before all that rfm says, and nobody has looked at it. Returns whether
// it was let pass only because of `force`.
bool check_own_words(const boot::Features &features, const KernelUse &use)
{
	const auto words = features.text("CONFIG_CMDLINE");

	if (!features.is_set("CONFIG_CMDLINE_BOOL") || !words || words->empty())
		return false;
	if (features.is_set("CONFIG_CMDLINE_OVERRIDE"))
		throw lacks(use,
			    "has a command line of its own that cannot be added to "
			    "(CONFIG_CMDLINE_OVERRIDE): give another kernel",
			    false);
	const auto why = refused_words(*words, use.agent, use.force);
	if (why)
		throw lacks(use,
			    text("has words built in that it must not get (CONFIG_CMDLINE): ", *why),
			    !use.force && !refused_words(*words, use.agent, true));
	return use.force && refused_words(*words, use.agent, false);
}

} // namespace

bool check_kernel(const boot::Features &features, const KernelUse &use)
{
	bool forced = false;

	for (const Need &need : needs) {
		// What cannot be told is given the benefit of the doubt.
		if (!need.applies(use) || features.has(need.feature).value_or(true))
			continue;
		if (need.always || !use.force)
			throw lacks(use,
				    text("has no ", need.what, " (", boot::feature_option(need.feature),
					 "): ", need.why),
				    !need.always);
		forced = true;
	}
	return check_own_words(features, use) || forced;
}

} // namespace rf
