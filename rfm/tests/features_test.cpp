// SPDX-License-Identifier: GPL-2.0
#include "boot/features.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "plan/kernel_check.hpp"

namespace rf::test {
namespace {

using boot::Feature;
using boot::Features;

constexpr const char *WHOLE = "CONFIG_ACPI=y\nCONFIG_X86_LOCAL_APIC=y\nCONFIG_SMP=y\n"
			      "CONFIG_HOTPLUG_CPU=y\nCONFIG_MEMORY_HOTPLUG=y\n";

std::string without(const std::string &option)
{
	std::string config = WHOLE;
	const std::string line = option + "=y\n";

	return config.replace(config.find(line), line.size(), "# " + option + " is not set\n");
}

Bytes kernel_with(std::string_view words)
{
	Bytes vmlinux(5000, std::byte{1});

	boot::append(vmlinux, boot::as_view(words));
	vmlinux.resize(vmlinux.size() + 5000);
	return vmlinux;
}

// "" if it is accepted.
std::string refusal_of(const Features &features, KernelUse use = {})
{
	use.path = "/k";
	try {
		check_kernel(features, use);
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::bad_file);
		return error.what();
	}
	return "";
}

TEST(Features, FromTheConfiguration)
{
	const Features features(without("CONFIG_SMP"), {});

	EXPECT_EQ(features.has(Feature::acpi), true);
	EXPECT_EQ(features.has(Feature::smp), false);
	EXPECT_EQ(Features("", {}).has(Feature::smp), std::nullopt);
	const Features others("CONFIG_ACPI=m\nXCONFIG_SMP=y\nCONFIG_SMPX=y", {});
	EXPECT_EQ(others.has(Feature::smp), false);
	EXPECT_TRUE(features.is_set("CONFIG_ACPI"));
	EXPECT_FALSE(features.is_set("CONFIG_SMP"));
}

TEST(Features, FromTheNamesOfParameters)
{
	using namespace std::string_view_literals;
	const Bytes vmlinux = kernel_with("\0acpi_sci\0nolapic\0x\0nr_cpus=\0"sv);

	for (const char *config : {"", "# CONFIG_ACPI is not set\n"}) {
		const Features features(config, vmlinux);
		EXPECT_EQ(features.has(Feature::acpi), true);
		EXPECT_EQ(features.has(Feature::local_apic), true);
		EXPECT_EQ(features.has(Feature::smp), false);
		EXPECT_EQ(features.has(Feature::memory_hotplug), false);
	}
	EXPECT_EQ(Features("", vmlinux).has(Feature::cpu_hotplug), std::nullopt);
}

TEST(Features, FromTheConfigurationInTheKernel)
{
	const Bytes packed = compress(boot::Compression::gzip, boot::as_view(WHOLE));
	Bytes vmlinux = kernel_with("IKCFG_ST");
	vmlinux.resize(vmlinux.size() - 5000);
	boot::append(vmlinux, View(packed));
	boot::append(vmlinux, boot::as_view("IKCFG_ED"));

	EXPECT_EQ(boot::embedded_config(vmlinux), WHOLE);
	EXPECT_EQ(Features("", vmlinux).has(Feature::cpu_hotplug), true);
	EXPECT_EQ(boot::embedded_config(View(vmlinux).first(vmlinux.size() - 30)), "");
	EXPECT_EQ(boot::embedded_config(kernel_with("IKCFG_ST\x1f\x8b")), "");
	EXPECT_EQ(boot::embedded_config({}), "");
}

TEST(Features, Strings)
{
	const Features features("CONFIG_A=\"a \\\"b\\\" \\\\\"\nCONFIG_B=\"\"\nCONFIG_C=\"\n", {});

	EXPECT_EQ(features.text("CONFIG_A"), "a \"b\" \\");
	EXPECT_EQ(features.text("CONFIG_B"), "");
	EXPECT_EQ(features.text("CONFIG_C"), std::nullopt);
	EXPECT_EQ(features.text("CONFIG_D"), std::nullopt);
}

TEST(KernelCheck, NamesWhatIsMissing)
{
	const std::pair<const char *, const char *> table[] = {
		{"CONFIG_ACPI", "has no ACPI (CONFIG_ACPI): "},
		{"CONFIG_X86_LOCAL_APIC", "has no local APIC"},
		{"CONFIG_SMP", "has no SMP"},
		{"CONFIG_HOTPLUG_CPU", "has no CPU hotplug"},
		{"CONFIG_MEMORY_HOTPLUG", "has no memory hotplug"},
	};
	for (const auto &[option, expected] : table) {
		const Features features(without(option), {});
		const std::string said = refusal_of(features, {.cores = 2});
		const bool acpi = option == std::string("CONFIG_ACPI");
		EXPECT_TRUE(said.starts_with("kernel '/k' " + std::string(expected))) << said;
		// Without ACPI it takes what is the machine's: no operator may insist.
		EXPECT_EQ(said.find("--force") == said.npos, acpi) << said;
		EXPECT_EQ(refusal_of(features, {.cores = 2, .force = true}).empty(), !acpi);
		if (!acpi) {
			EXPECT_TRUE(check_kernel(features, {.cores = 2, .force = true}));
		}
	}
}

TEST(KernelCheck, AsksForWhatIsUsed)
{
	EXPECT_EQ(refusal_of({WHOLE, {}}, {.cores = 4}), "");
	EXPECT_FALSE(check_kernel({WHOLE, {}}, {.cores = 4, .force = true}));
	EXPECT_EQ(refusal_of({without("CONFIG_SMP"), {}}, {.cores = 1}), "");
	EXPECT_EQ(refusal_of({without("CONFIG_HOTPLUG_CPU"), {}}, {.agent = false}), "");
	EXPECT_EQ(refusal_of({without("CONFIG_MEMORY_HOTPLUG"), {}}, {.agent = false}), "");
	EXPECT_NE(refusal_of({without("CONFIG_ACPI"), {}}, {.agent = false}), "");
	// What cannot be told.
	EXPECT_EQ(refusal_of({"", {}}, {.cores = 4}), "");
}

TEST(KernelCheck, WordsThatAreBuiltIn)
{
	const auto with = [](const std::string &more) {
		return Features(WHOLE + ("CONFIG_CMDLINE_BOOL=y\n" + more), {});
	};
	const std::string acpi =
		refusal_of(with("CONFIG_CMDLINE=\"quiet acpi=off\"\n"), {.force = true});

	EXPECT_NE(acpi.find("'acpi=off'"), acpi.npos) << acpi;
	EXPECT_EQ(acpi.find("--force"), acpi.npos) << "it would harm others";
	EXPECT_EQ(refusal_of(with("CONFIG_CMDLINE=\"acpi=off\"\n")).find("--force"), acpi.npos);
	EXPECT_NE(refusal_of(with("CONFIG_CMDLINE=\"memmap=1G@0x10000000\"\n"), {.force = true}), "");
	// What harms the subOS alone can be tried, and that is said.
	for (const char *word : {"mem=100M", "nr_cpus=1", "quiet maxcpus=2", "mitigations=auto,nosmt",
				 "console=ttyS0"}) {
		const Features built_in = with(text("CONFIG_CMDLINE=\"", word, "\"\n"));
		EXPECT_NE(refusal_of(built_in).find("--force tries it"), std::string::npos) << word;
		EXPECT_EQ(refusal_of(built_in, {.force = true}), "") << word;
		EXPECT_TRUE(check_kernel(built_in, {.path = "/k", .force = true})) << word;
	}
	EXPECT_FALSE(check_kernel(with("CONFIG_CMDLINE=\"quiet\"\n"), {.path = "/k", .force = true}));
	EXPECT_NE(refusal_of(with("CONFIG_CMDLINE=\"console=ttyS0\"\n")), "");
	EXPECT_EQ(refusal_of(with("CONFIG_CMDLINE=\"console=ttyS0\"\n"), {.force = true}), "");
	EXPECT_EQ(refusal_of(with("CONFIG_CMDLINE=\"quiet\"\n")), "");
	EXPECT_EQ(refusal_of(with("CONFIG_CMDLINE=\"\"\n")), "");
	EXPECT_NE(refusal_of(with("CONFIG_CMDLINE=\"quiet\"\nCONFIG_CMDLINE_OVERRIDE=y\n"),
			     {.force = true})
			  .find("CONFIG_CMDLINE_OVERRIDE"),
		  std::string::npos);
	EXPECT_EQ(refusal_of(Features(WHOLE + std::string("CONFIG_CMDLINE=\"acpi=off\"\n"), {})), "");
}

} // namespace
} // namespace rf::test
