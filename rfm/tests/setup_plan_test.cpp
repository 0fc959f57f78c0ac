// SPDX-License-Identifier: GPL-2.0
#include "plan/setup_plan.hpp"

#include "base/descriptor.hpp"
#include "fixture.hpp"
#include "plan/drop_in.hpp"
#include "plan/setup_pool.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <unistd.h>

namespace {

using namespace rf;

constexpr std::uint64_t gib = 1ull << 30, mib = 1ull << 20;

struct Host {
	Machine machine;
	Platform platform;
	BootFacts facts;

	// Four cores and 8 GiB, of which 6 are above 4 GiB; nothing has been set up.
	Host()
	{
		machine.possible = 4;
		machine.nodes = {0};
		for (unsigned id = 0; id < 4; id++)
			machine.cpus.push_back({id, true, 0, {id}, id});
		platform.architecture = "x86_64";
		platform.release = "6.1.0-56-amd64";
		platform.cmdline = "BOOT_IMAGE=/vmlinuz root=/dev/vda1 quiet";
		platform.cpu_flags = {"arat", "lm"};
		platform.block_size = 128 * mib;
		platform.module_file = "/lib/modules/6.1.0-56-amd64/updates/dkms/rf_supervisor.ko";
		facts.ram = {{0x1000, 0x9e000}, {mib, 2 * gib - mib}, {4 * gib, 6 * gib}};
	}

	SetupPlan plan(std::optional<std::uint64_t> pool = std::nullopt) const
	{
		return plan_setup(machine, platform, facts, true, pool);
	}

	// As after --apply and a reboot, of which the kernel makes what it does.
	void boot(const SetupPlan &plan)
	{
		facts.drop_in = write_drop_in(plan.words());
		for (const std::string &word : plan.words()) {
			platform.cmdline += " " + word;
			if (word.starts_with("possible_cpus="))
				machine.possible = 16;
			if (word == "intremap=off")
				platform.has_interrupt_remapping = false;
			if (word == "nox2apic")
				std::erase(platform.cpu_flags, "x2apic");
		}
		for (const MemoryRange &range : pool_ranges(plan.words()))
			for (MemoryRange &ram : facts.ram)
				if (ram.end() == range.end())
					ram.size -= range.size;
	}
};

using Words = std::vector<std::string>;

TEST(Setup, WordsOfASmallMachine)
{
	const Host host;

	EXPECT_EQ(host.plan().words(),
		  (Words{"no_ipi_broadcast=1", "possible_cpus=16", "movablecore=3968M",
			 "modules_load=rf_supervisor"}));
	EXPECT_FALSE(host.plan().all_there());
}

TEST(Setup, WordsOfAServer)
{
	Host host;

	host.machine.possible = 64;
	host.platform.cpu_flags.push_back("x2apic");
	host.platform.has_interrupt_remapping = host.facts.has_dmar = true;
	EXPECT_EQ(host.plan(4 * gib).words(),
		  (Words{"no_ipi_broadcast=1", "intremap=off", "nox2apic", "intel_iommu=on",
			 "memmap=4G$0x180000000", "rf_supervisor.pool=4G@0x180000000",
			 "modules_load=rf_supervisor"}));
}

TEST(Setup, NewerKernelsNeedNoMoreCores)
{
	Host host;

	host.platform.release = "6.12.95-amd64";
	EXPECT_EQ(host.plan().words()[1], "movablecore=3968M");
}

// Whatever a machine is like, nothing is left to be done after one reboot, or changed.
TEST(Setup, OneRebootIsEnough)
{
	for (const bool server : {false, true})
		for (const std::optional<std::uint64_t> pool : {std::optional<std::uint64_t>{},
								std::optional{3 * gib}}) {
			Host host;
			if (server) {
				host.machine.possible = 64;
				host.platform.cpu_flags.push_back("x2apic");
				host.platform.has_interrupt_remapping = true;
				host.facts.has_dmar = true;
			}
			const SetupPlan first = host.plan(pool);
			host.facts.drop_in = write_drop_in(first.words());
			EXPECT_EQ(host.plan(pool).words(), first.words());
			EXPECT_EQ(host.plan().words(), first.words());
			EXPECT_FALSE(host.plan().all_there());
			host.boot(first);
			EXPECT_EQ(host.plan(pool).words(), first.words());
			EXPECT_EQ(host.plan().words(), first.words());
			EXPECT_TRUE(host.plan().all_there());
		}
}

TEST(Setup, PoolCanBeChangedAfterwards)
{
	Host host;

	host.boot(host.plan(3 * gib));
	EXPECT_EQ(host.plan(6 * gib).words()[2], "memmap=6G$0x100000000");
	EXPECT_EQ(host.plan(0).words()[2], "movablecore=3968M");
	EXPECT_FALSE(host.plan(0).all_there());
}

TEST(Setup, PoolThatFitsNowhere)
{
	const Host host;

	EXPECT_NE(test::refusal([&] { host.plan(3 * mib); }).find("multiple of 2M"),
		  std::string::npos);
	try {
		host.plan(7 * gib);
		FAIL();
	} catch (const Error &error) {
		EXPECT_EQ(error.code(), Code::not_enough);
		EXPECT_NE(std::string(error.what()).find("at most 6G"), std::string::npos)
			<< error.what();
	}
}

TEST(Setup, PlaceOfAPool)
{
	Host host;

	// The end is no border of blocks.
	host.facts.ram.back().size = 6 * gib + 64 * mib;
	EXPECT_EQ(host.plan(gib).words()[2], "memmap=1G$0x240000000");
	EXPECT_EQ(host.plan(6 * gib + 64 * mib).words()[2], "memmap=6208M$0x100000000");
	// Nothing above 4 GiB.
	host.facts.ram = {{mib, 3 * gib - mib}};
	EXPECT_EQ(host.plan(gib).words()[2], "memmap=1G$0x80000000");
}

TEST(Setup, MemoryIsHiddenFromOthersThanRoot)
{
	Host host;

	host.facts.ram = parse_ram("00000000-00000000 : System RAM\n");
	EXPECT_TRUE(host.facts.ram.empty());
	EXPECT_EQ(host.plan().words().back(), "modules_load=rf_supervisor");
	EXPECT_THROW(host.plan(gib), Error);
}

TEST(Setup, OperatorsOwnWordsStay)
{
	Host host;

	host.machine.possible = 12;
	host.platform.cmdline += " possible_cpus=12 kernelcore=2G intel_iommu=on,sm_on";
	host.facts.has_dmar = true;
	EXPECT_EQ(host.plan().words(),
		  (Words{"no_ipi_broadcast=1", "possible_cpus=12", "intel_iommu=on,sm_on",
			 "kernelcore=2G", "modules_load=rf_supervisor"}));
	host.platform.cmdline += " intel_iommu=off";
	const SetupPlan plan = host.plan();
	EXPECT_EQ(plan.words().size(), 4u);
	EXPECT_EQ(plan.findings.back().remedy, "take intel_iommu=off off the kernel command line");
}

TEST(Setup, WhatNoWordHelpsWith)
{
	Host host;

	EXPECT_EQ(host.plan().findings.size(), 6u);
	host.facts.secure_boot = true;
	host.platform.lockdown = "integrity";
	host.platform.cpu_flags = {"lm"};
	Words wrong;
	for (const Finding &row : host.plan().findings)
		if (row.verdict != Verdict::ok)
			wrong.push_back(row.name);
	EXPECT_EQ(wrong, (Words{"lockdown", "timer", "Secure Boot"}));
}

TEST(Setup, RamIsWhatTheKernelHasOrGave)
{
	EXPECT_EQ(parse_ram("00001000-0009fbff : System RAM\n"
			    "000f0000-000fffff : System ROM\n"
			    "00100000-7ffdcfff : System RAM\n"
			    "  01000000-01ffffff : Kernel code\n"
			    "  02000000-02ffffff : System RAM\n"
			    "100000000-107ffffff : rainforest pool\n"
			    "108000000-17fffffff : System RAM\n"),
		  (std::vector<MemoryRange>{{0x1000, 0x9ec00}, {0x100000, 0x7fedd000},
					    {0x100000000, 0x80000000}}));
}

// ---- the drop-in ----

std::string shell(const std::string &script)
{
	std::string said;
	std::array<char, 4096> buffer;
	FILE *pipe = ::popen(script.c_str(), "r");

	while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
		said.append(buffer.data(), got);
	EXPECT_EQ(::pclose(pipe), 0) << script;
	return said;
}

TEST(DropIn, GrubMakesTheWordsOfIt)
{
	const Words words = {"no_ipi_broadcast=1", "memmap=3G$0x140000000",
			     "rf_supervisor.pool=3G@0x140000000"};
	char name[] = "/tmp/rf-drop-in-XXXXXX";
	const Descriptor file(::mkstemp(name));
	std::ofstream(name) << write_drop_in(words);
	// grub-mkconfig: the file is sourced, the variable exported; its script 10_linux puts it
	// into a here-document, and GRUB's own shell takes the backslash before a dollar sign.
	const std::string line = shell(text(
		"set -e; GRUB_CMDLINE_LINUX_DEFAULT='quiet splash'; . ", name,
		"; export GRUB_CMDLINE_LINUX_DEFAULT; sh -c 'args=\"${GRUB_CMDLINE_LINUX_DEFAULT}\"; "
		"cat << EOF\n${args}\nEOF\n'"));
	::unlink(name);

	EXPECT_EQ(line, "quiet splash no_ipi_broadcast=1 memmap=3G\\$0x140000000 "
			"rf_supervisor.pool=3G@0x140000000\n");
}

TEST(DropIn, CanBeReadAgain)
{
	const Words words = {"a=1", "memmap=3G$0x140000000,1G$0x240000000", "b"};

	EXPECT_EQ(read_drop_in(write_drop_in(words)), words);
	EXPECT_EQ(read_drop_in("GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"), Words{});
	EXPECT_EQ(read_drop_in(""), Words{});
}

TEST(DropIn, WordsThatAShellWouldTakeForMore)
{
	for (const char *word : {"", "a b", "a=`id`", "a=\"b\"", "a=\\", "a'b", "a;b", "a\n", "\xc3\xa4"})
		EXPECT_FALSE(is_plain_word(word)) << word;
	EXPECT_TRUE(is_plain_word("memmap=3G$0x140000000"));
	Host host;
	host.machine.possible = 12;
	host.platform.cmdline += " possible_cpus=12`id`";
	EXPECT_EQ(host.plan().words()[1], "movablecore=3968M");
}

} // namespace
