// SPDX-License-Identifier: GPL-2.0
#include "boot/words.hpp"

#include <set>

#include <gtest/gtest.h>

#include "boot/cmdline.hpp"
#include "fixture.hpp"

namespace rf::test {
namespace {

using boot::Fate;
using boot::next_word;
using boot::sort_words;
using boot::Values;
using boot::Word;
using boot::WordRule;

const boot::Uart COM2{"ttyS1", 0x2f8};

// What is said when it is refused; empty if not.
std::string refusal_of(const boot::Options &options)
{
	try {
		sort_words(options, "");
	} catch (const boot::Error &error) {
		return error.what();
	}
	return "";
}

std::string kernel_words(std::string append, bool agent = true)
{
	return sort_words({.append = std::move(append), .agent = agent}, "").kernel;
}

TEST(Words, AreCutAsTheKernelCutsThem)
{
	struct Case {
		std::string_view text, name, value;
		bool has_value, closed;
	} table[] = {
		{"quiet", "quiet", "", false, true},
		{"mem=100M", "mem", "100M", true, true},
		{"mem=", "mem", "", true, true},
		{"a=b=c", "a", "b=c", true, true},
		{"=a", "=a", "", false, true},
		{"=a=b", "=a", "b", true, true},
		{"\"mem=100M\"", "mem", "100M", true, true},
		{"mem=\"100M\"", "mem", "100M", true, true},
		{"mem=\"1 0\"", "mem", "1 0", true, true},
		{"mem=1\"0 0\"", "mem", "1\"0 0\"", true, true},
		{"\"mem\"=100M", "mem\"", "100M", true, true},
		{"\"a b\"", "a b", "", false, true},
		{"\"--\"", "--", "", false, true},
		{"a=\"", "a", "", true, false},
		{"a=\"b c", "a", "b c", true, false},
		{"\"\"", "", "", false, true},
	};
	for (const auto &each : table) {
		const std::string line = std::string(each.text) + (each.closed ? " next" : "");
		std::size_t pos = 0;
		const Word word = next_word(line, pos);
		EXPECT_EQ(word.text, each.text);
		EXPECT_EQ(word.name, each.name) << each.text;
		EXPECT_EQ(word.value, each.value) << each.text;
		EXPECT_EQ(word.has_value, each.has_value) << each.text;
		EXPECT_EQ(word.closed, each.closed) << each.text;
		EXPECT_EQ(pos, each.text.size());
	}
}

// A word that a rule is about.
std::string sample(const WordRule &rule)
{
	const std::string name(rule.name.substr(0, rule.name.find('*')));

	switch (rule.values) {
	case Values::all: return name + "=1";
	case Values::listed:
		return name + "=x," + std::string(rule.list.substr(0, rule.list.find(',')));
	case Values::unlisted: return name + "=" + std::string(rule.list) + ",x";
	case Values::reserving: return name + "=1G$0x10000000";
	case Values::foreign_uart: return name + "=ttyS0,115200";
	}
	return name;
}

TEST(Words, EveryRuleApplies)
{
	for (const WordRule &rule : boot::word_rules()) {
		const boot::Options options{.append = "quiet " + sample(rule) + " x=1"};
		const std::string refusal = refusal_of(options);
		const std::string said = std::string(rule.why);

		EXPECT_FALSE(rule.why.ends_with('.')) << rule.name;
		if (rule.fate == Fate::refused) {
			EXPECT_EQ(refusal, "append '" + sample(rule) + "' is not possible: " + said);
			continue;
		}
		ASSERT_EQ(refusal, "");
		const auto sorted = sort_words(options, "");
		EXPECT_EQ(sorted.kernel, "quiet x=1");
		ASSERT_EQ(sorted.notes.size(), 1u) << rule.name;
		EXPECT_EQ(sorted.notes.front(), "append '" + sample(rule) + "' is left out: " + said);
	}
}

// A rule behind one that takes all of a name would never apply.
TEST(Words, NoRuleIsHidden)
{
	std::set<std::string_view> taken;

	for (const WordRule &rule : boot::word_rules()) {
		EXPECT_FALSE(taken.contains(rule.name)) << rule.name;
		if (rule.values == Values::all)
			taken.insert(rule.name);
		EXPECT_EQ(rule.list.empty(),
			  rule.values != Values::listed && rule.values != Values::unlisted);
	}
}

TEST(Words, AreRefusedHoweverTheyAreWritten)
{
	for (const char *append :
	     {"memmap=1G@0x10000000", "memmap=64M$0x1000,1G@0x10000000", "memmap=exactmap",
	      "\"memmap=1G@0\"", "memmap=\"1G@0\"", "mem=100M", "nr_cpus=1", "nr-cpus=1", "acpi=off",
	      "acpi=\"off\"", "noapic", "noapic=", "nolapic", "nosmp", "no-ipi-broadcast=0",
	      "pci=conf1", "pci=off,conf1", "pci", "maxcpus=2", "quiet crashkernel=1G,high", "notsc",
	      "memhp-default-state=offline", "sysctl/kernel/kexec_load_disabled=0", "mce=off",
	      "sysctl.kernel/modules_disabled=1", "module_blacklist=floppy,rf_subos"})
		EXPECT_NE(refusal_of({.append = append}).find("' is not possible: "), std::string::npos)
			<< append;
}

TEST(Words, AreLeftOutHoweverTheyAreWritten)
{
	for (const char *append : {"panic=1", "\"panic=1\"", "sysctl.kernel.panic=1",
				   "sysctl/kernel/panic=1", "reboot=k", "console=ttyS0",
				   "console=uart8250,io,0x3f8", "console=brl,ttyS0", "kgdboc=kms,ttyS0",
				   "earlyprintk=vga", "earlycon", "memmap=3G$0x140000000"})
		EXPECT_EQ(kernel_words(append), "") << append;
}

TEST(Words, OthersArePassed)
{
	for (const char *append :
	     {"quiet", "root=UUID=1-2 ro", "console=tty0", "console=hvc0", "nokaslr", "no5lvl",
	      "memhp_default_state=online", "xmem=1", "a=mem=1", "a=\"b maxcpus=4\"", "mce=ignore_ce",
	      "pci=noats", "acpi=strict", "\"mem\"=100M", "mitigations=off", "mem_encrypt=off",
	      "isolcpus=1 nohz_full=1", "lab.run=\"echo a; b\"", "init=/bin/sh", "single"})
		EXPECT_EQ(kernel_words(append), append);
}

TEST(Words, WithoutTheAgentSomeAreHarmless)
{
	for (const char *append : {"noinitrd", "nomodule", "rdinit=/bin/sh"})
		EXPECT_EQ(kernel_words(append, false), append);
	EXPECT_NE(refusal_of({.append = "noinitrd"}), "");
	EXPECT_NE(refusal_of({.append = "noapic", .agent = false}), "");
}

TEST(Words, OwnUart)
{
	const auto sorted = sort_words(
		{.append = "console=ttyS1,9600 console=ttyS0 console=ttyS12", .uart = COM2}, "");

	EXPECT_EQ(sorted.kernel, "console=ttyS1,9600");
	EXPECT_EQ(sorted.notes.size(), 2u);
}

TEST(Words, OfRfmAreNotGivenTwice)
{
	const auto sorted = sort_words({.append = "no_ipi_broadcast=1 quiet maxcpus=1"},
				       " no_ipi_broadcast=1 maxcpus=1");
	EXPECT_EQ(sorted.kernel, "quiet");
	EXPECT_EQ(sorted.notes.size(), 2u);
}

TEST(Words, ForInitStayBehindAll)
{
	const auto sorted = sort_words({.append = "quiet -- mem=1G  \"open reboot=k"}, "");

	EXPECT_EQ(sorted.kernel, "quiet");
	EXPECT_EQ(sorted.init, "-- mem=1G  \"open reboot=k");
	EXPECT_EQ(sort_words({.append = "\"--\" mem=1G"}, "").init, "-- mem=1G");
	EXPECT_NE(refusal_of({.append = "--x mem=1G"}), "");
}

TEST(Words, AnOpenQuoteWouldSwallowTheFixedWords)
{
	EXPECT_NE(refusal_of({.append = "a=\"b"}).find("quote"), std::string::npos);
	EXPECT_NE(refusal_of({.append = "\"a b"}).find("quote"), std::string::npos);
	EXPECT_EQ(kernel_words("a=\"b\""), "a=\"b\"");
}

// The first code of the kernel knows neither quotes nor "--".
TEST(Words, ThatAreFoundAnywhereCannotHide)
{
	for (const char *append : {"x=\"a earlyprintk=serial\"", "-- earlyprintk=vga",
				   "x=\"a acpi_rsdp=0xf0000\"", "-- a mem_encrypt=on",
				   "\"a clearcpuid=apic\""})
		EXPECT_NE(refusal_of({.append = append}).find("in quotes or behind --"),
			  std::string::npos)
			<< append;
	EXPECT_EQ(kernel_words("x=\"a xearlyprintk=1\""), "x=\"a xearlyprintk=1\"");
}

// The kernel takes the byte 0xa0 for a blank, in the middle of a character.
TEST(Words, BlanksOfTheKernel)
{
	EXPECT_NE(refusal_of({.append = "a=\u00e0"}).find("0xa0"), std::string::npos);
	EXPECT_NE(refusal_of({.append = "\u00a0mem=1G"}), "");
	EXPECT_EQ(kernel_words("a=\"\u00e0\""), "a=\"\u00e0\"");
	EXPECT_EQ(kernel_words("a=\u00e9"), "a=\u00e9");
}

TEST(Words, ListsHaveNoBlanks)
{
	const auto sorted = sort_words({.append = "module_blacklist=\"a\" module_blacklist=b"}, "");

	EXPECT_EQ(sorted.modules, "a,b");
	EXPECT_NE(refusal_of({.append = "module_blacklist=\"a b\""}).find("commas"),
		  std::string::npos);
}

} // namespace
TEST(Words, NoSpellingHidesASerialPort)
{
	for (const char *word : {"console=0", "console=0,115200n8", "console=ns16550a,mmio32,0x1000",
				 "console=ns16550,io,0x3f8", "console=brl=x,ttyS0",
				 "console=serial8250:0.0"}) {
		const auto sorted = sort_words({.append = word}, "");
		EXPECT_EQ(sorted.kernel, "") << word;
		EXPECT_EQ(sorted.notes.size(), 1u) << word;
	}
	for (const char *word : {"console=hvc0", "console=tty0", "console=tty1", "kgdboc=kbd"})
		EXPECT_EQ(sort_words({.append = word}, "").kernel, word);
}

TEST(Words, NoSpellingHidesARefusedWord)
{
	for (const char *word : {"clearcpuid=mce", "clearcpuid=hfi,7", "clearcpuid=tsc", "clearcpuid=9",
				 "mceoff", "rdtmba", "sysctl.kernel..modules_disabled=1",
				 "sysctl/kernel//modules_disabled=1"})
		EXPECT_THROW(sort_words({.append = word}, ""), boot::Error) << word;
}

// Whoever started a subOS with them before they were refused can start it again.
TEST(Words, OfADefinitionAreLeftOut)
{
	const auto sorted = sort_words({.append = "nosmt quiet mem=1G", .stored = true}, "");

	EXPECT_EQ(sorted.kernel, "quiet");
	EXPECT_EQ(sorted.notes.size(), 2u);
}

} // namespace rf::test
