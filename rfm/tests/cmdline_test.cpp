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

// Of words that say different things the last one counts.
TEST(Cmdline, FixedWordsAreLast)
{
	const std::string line =
		command_line(make_grant(), {.append = "quiet x=\"a b\" -- single"});

	EXPECT_NE(line.find(" console=hvc0 quiet x=\"a b\" tsc_early_khz=2500000 "), line.npos)
		<< line;
	EXPECT_TRUE(line.ends_with(" rdinit=/rf/init -- single")) << line;
	EXPECT_EQ(line.find("  "), line.npos) << line;
}

TEST(Cmdline, WhatAnOperatorMayChoose)
{
	const std::string line = command_line(
		make_grant(), {.append = "memhp_default_state=online console=hvc0",
			       .uart = boot::Uart{"ttyS1", 0x2f8}});

	EXPECT_LT(line.find("=online_movable"), line.find("=online console=hvc0 ")) << line;
	EXPECT_LT(line.find("console=ttyS1"), line.find("=online console=hvc0 ")) << line;
}

// The last list of modules is the one that counts, in some kernels that of features, too.
TEST(Cmdline, ListsOfTheOperatorAreAdded)
{
	boot::Grant grant = make_grant();
	grant.feedback = true;
	const boot::Options options = {.append = "module_blacklist=floppy quiet "
						 "module-blacklist=\"lp,parport\" clearcpuid=avx512f"};
	const std::string line = command_line(grant, options);

	EXPECT_NE(line.find(",pcspkr,floppy,lp,parport "), line.npos) << line;
	EXPECT_TRUE(has_word(line, "clearcpuid=hfi,avx512f")) << line;
	EXPECT_EQ(line.find("module_blacklist="), line.rfind("module_blacklist=")) << line;
	EXPECT_TRUE(has_word(command_line(make_grant(), options), "clearcpuid=avx512f"));
}

TEST(Cmdline, NotesTellWhatIsLeftOut)
{
	const auto made = boot::make_command_line(
		make_grant(), {.append = "console=ttyS0 reboot=k panic=1 pci=off quiet"});

	ASSERT_EQ(made.notes.size(), 4u);
	EXPECT_TRUE(made.notes[0].starts_with("append 'console=ttyS0' is left out: ")) << made.notes[0];
	EXPECT_NE(made.notes[1].find("'reboot=k'"), std::string::npos) << made.notes[1];
	EXPECT_NE(made.notes[2].find("'panic=1'"), std::string::npos) << made.notes[2];
	EXPECT_NE(made.notes[3].find("'pci=off'"), std::string::npos) << made.notes[3];
	EXPECT_TRUE(has_word(made.line, "quiet")) << made.line;
	for (const char *word : {"console=ttyS0", "reboot=k", "panic=1"})
		EXPECT_FALSE(has_word(made.line, word)) << made.line;
}

TEST(Cmdline, UncheckedWordsAreLastAsTheyAre)
{
	const auto made = boot::make_command_line(
		make_grant(), {.append = "acpi=off  \"open", .check_append = false});
	EXPECT_TRUE(made.line.ends_with(" rdinit=/rf/init acpi=off  \"open")) << made.line;
	EXPECT_TRUE(made.notes.empty());
}

TEST(Cmdline, UsersRdinitIsKeptForTheFirstStage)
{
	const std::pair<const char *, const char *> table[] = {
		{"rdinit=/bin/sh", " rf.init=/bin/sh "},
		{"quiet rdinit=/bin/sh  x=1", " quiet rf.init=/bin/sh x=1 "},
		{"\"rdinit=/my init\" y", " \"rf.init=/my init\" y "},
		{"rdinit=\"/my init\" y", " rf.init=\"/my init\" y "},
		{"foo=\"a rdinit=b\"", " foo=\"a rdinit=b\" "},
		{"xrdinit=/a", " xrdinit=/a "},
		{"rdinit=", " rf.init= "},
	};
	for (const auto &[append, expected] : table) {
		const std::string line = command_line(make_grant(), {.append = append});
		EXPECT_NE(line.find(std::string(" console=hvc0") + expected), line.npos) << line;
		EXPECT_TRUE(line.ends_with(" rdinit=/rf/init")) << line;
	}
	const std::string line = command_line(make_grant(), {.append = "a -- rdinit=/b"});
	EXPECT_TRUE(line.ends_with(" rdinit=/rf/init -- rdinit=/b")) << line;
}

TEST(Cmdline, WithoutAgent)
{
	const std::string line =
		command_line(make_grant(), {.append = "rdinit=/bin/sh", .agent = false});
	EXPECT_NE(line.find(" console=tty0 rdinit=/bin/sh "), line.npos) << line;
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

TEST(Cmdline, BytesThatWouldNotComeBackAreRefused)
{
	for (const char *append :
	     {"a\nb", "a\x7f", "a\xe9", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xe0\x80\x80",
	      "\xf4\x90\x80\x80", "x=\xff"})
		EXPECT_THROW(command_line(make_grant(), {.append = append}), boot::Error) << append;
	EXPECT_THROW(command_line(make_grant(), {.append = std::string("a\0b", 3)}), boot::Error);
	EXPECT_NO_THROW(command_line(make_grant(), {.append = "x=\u00e9\u20ac\U0001f333"}));
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
