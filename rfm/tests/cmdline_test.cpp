// SPDX-License-Identifier: GPL-2.0
#include "boot/cmdline.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "wire/layout.h"

namespace rf::test {
namespace {

using boot::command_line;
using boot::has_word;

TEST(Cmdline, WhatEverySubosNeeds)
{
	const std::string line = command_line(make_grant(), {.hz = 250});

	for (const char *word :
	     {"tsc_early_khz=2500000", "tsc=reliable", "lpj=10000000", "no_ipi_broadcast=1",
	      "pci=off", "apic_extnmi=none", "panic=0", "nmi_watchdog=0", "reboot=a", "swiotlb=noforce",
	      "noreplace-smp", "maxcpus=1", "dis_ucode_ldr", "nosgx",
	      "initcall_blacklist=amd_uncore_init", "memhp_default_state=online_movable",
	      "sysctl.kernel.kexec_load_disabled=1",
	      "rdinit=/rf/init", "reserve=0x3f8,8,0x2f8,8,0x3e8,8,0x2e8,8", "console=hvc0"})
		EXPECT_TRUE(has_word(line, word)) << word << " in: " << line;
	for (const char *module : {"kvm_intel", "kvm_amd", "intel_uncore", "rapl", "intel_rapl_msr",
				   "intel_rapl_common", "intel_cstate", "x86_pkg_temp_thermal",
				   "intel_pmc_core_pltdrv"}) {
		auto at = line.find("module_blacklist=");
		ASSERT_NE(at, std::string::npos);
		auto words = "," + line.substr(at + 17, line.find(' ', at) - at - 17) + ",";
		EXPECT_NE(words.find(std::string(",") + module + ","), std::string::npos) << module;
	}
	EXPECT_EQ(line.find("  "), std::string::npos) << line;
	EXPECT_EQ(line.find("earlyprintk"), std::string::npos) << line;
	EXPECT_NE(line.front(), ' ');
}

TEST(Cmdline, ProcessorWritesForTheSupervisorOnly)
{
	boot::Grant grant = make_grant();
	EXPECT_EQ(command_line(grant, {}).find("clearcpuid"), std::string::npos);
	grant.feedback = true;
	EXPECT_TRUE(has_word(command_line(grant, {}), "clearcpuid=hfi"));
}

TEST(Cmdline, UnknownClockRates)
{
	boot::Grant grant = make_grant();
	EXPECT_EQ(command_line(grant, {}).find("lpj="), std::string::npos);
	grant.tsc_khz = 0;
	const std::string line = command_line(grant, {.hz = 250});
	EXPECT_EQ(line.find("tsc"), std::string::npos) << line;
	EXPECT_NE(line.front(), ' ');
}

TEST(Cmdline, OwnUart)
{
	const std::string line = command_line(make_grant(), {.uart = boot::Uart{"ttyS1", 0x2f8}});

	EXPECT_TRUE(has_word(line, "reserve=0x3f8,8,0x3e8,8,0x2e8,8")) << line;
	EXPECT_TRUE(has_word(line, "console=ttyS1,115200")) << line;
	EXPECT_TRUE(has_word(line, "earlyprintk=serial,0x2f8,115200")) << line;
	EXPECT_FALSE(has_word(line, "console=tty0")) << line;
	// /dev/console is the last one
	EXPECT_LT(line.find("console=hvc0"), line.find("console=ttyS1")) << line;
}

TEST(Cmdline, Consoles)
{
	const boot::Uart uart{"ttyS0", 0x3f8};
	const std::tuple<boot::Options, bool, bool> table[] = {
		{{}, true, false},
		{{.uart = uart}, true, false},
		{{.console = false}, false, true},
		{{.uart = uart, .console = false}, false, false},
		// without the agent there is nobody behind it
		{{.agent = false}, false, true},
		{{.uart = uart, .agent = false}, false, false},
	};
	for (const auto &[options, hvc, tty] : table) {
		const std::string line = command_line(make_grant(), options);
		EXPECT_EQ(has_word(line, "console=hvc0"), hvc) << line;
		EXPECT_EQ(has_word(line, "console=tty0"), tty) << line;
		EXPECT_EQ(has_word(line, "console=ttyS0,115200"), options.uart.has_value()) << line;
	}
}

TEST(Cmdline, WordsThatBreakASubosAreRefused)
{
	for (const char *append : {"crashkernel=128M", "quiet crashkernel=1G,high", "\"maxcpus=4\"",
				   "maxcpus=2", "memhp_default_state=offline",
				   "memhp-default-state=offline"}) {
		try {
			command_line(make_grant(), {.append = append});
			ADD_FAILURE() << "accepted: " << append;
		} catch (const boot::Error &error) {
			EXPECT_NE(std::string(error.what()).find("is not possible: "),
				  std::string::npos)
				<< error.what();
		}
	}
	for (const char *append : {"memhp_default_state=online", "xcrashkernel=1", "a=crashkernel=1",
				   "-- crashkernel=1", "a=\"b maxcpus=4\""})
		EXPECT_NO_THROW(command_line(make_grant(), {.append = append})) << append;
}

TEST(Cmdline, UsersWordsAreLast)
{
	const std::string line = command_line(make_grant(), {.append = "quiet panic=5"});
	EXPECT_TRUE(line.ends_with(" rdinit=/rf/init quiet panic=5")) << line;
}

TEST(Cmdline, UsersRdinitIsKeptForTheFirstStage)
{
	const std::pair<const char *, const char *> table[] = {
		{"rdinit=/bin/sh", "rf.init=/bin/sh"},
		{"quiet rdinit=/bin/sh  x=1", "quiet rf.init=/bin/sh  x=1"},
		{"\"rdinit=/my init\" y", "\"rf.init=/my init\" y"},
		{"rdinit=\"/my init\" y", "rf.init=\"/my init\" y"},
		{"foo=\"a rdinit=b\"", "foo=\"a rdinit=b\""},
		{"xrdinit=/a", "xrdinit=/a"},
		{"a -- rdinit=/b", "a -- rdinit=/b"},
		{"rdinit=", "rf.init="},
	};
	for (const auto &[append, expected] : table) {
		const std::string line = command_line(make_grant(), {.append = append});
		EXPECT_TRUE(line.ends_with(std::string(" rdinit=/rf/init ") + expected)) << line;
	}
}

TEST(Cmdline, WithoutAgent)
{
	const std::string line =
		command_line(make_grant(), {.append = "rdinit=/bin/sh", .agent = false});
	EXPECT_TRUE(line.ends_with(" rdinit=/bin/sh")) << line;
	EXPECT_EQ(line.find("/rf/init"), std::string::npos) << line;
}

TEST(Cmdline, Length)
{
	const std::size_t own = command_line(make_grant(), {}).size();
	const std::size_t room = RF_CMDLINE_MAX - 2 - own;	// a blank, a NUL

	EXPECT_EQ(command_line(make_grant(), {.append = std::string(room, 'x')}).size(),
		  std::size_t{RF_CMDLINE_MAX} - 1);
	try {
		command_line(make_grant(), {.append = std::string(room + 1, 'x')});
		FAIL() << "accepted";
	} catch (const boot::Error &error) {
		EXPECT_NE(std::string(error.what()).find(std::to_string(room)), std::string::npos)
			<< error.what();
	}
}

TEST(Cmdline, ControlCharactersAreRefused)
{
	EXPECT_THROW(command_line(make_grant(), {.append = "a\nb"}), boot::Error);
	EXPECT_THROW(command_line(make_grant(), {.append = std::string("a\0b", 3)}), boot::Error);
}

TEST(Cmdline, HasWord)
{
	EXPECT_TRUE(has_word("nokaslr", "nokaslr"));
	EXPECT_TRUE(has_word("a nokaslr b", "nokaslr"));
	EXPECT_TRUE(has_word("a\tnokaslr", "nokaslr"));
	EXPECT_FALSE(has_word("nokaslrx", "nokaslr"));
	EXPECT_FALSE(has_word("xnokaslr", "nokaslr"));
	EXPECT_FALSE(has_word("nokaslr=1", "nokaslr"));
	EXPECT_FALSE(has_word("", "nokaslr"));
}

} // namespace
} // namespace rf::test
