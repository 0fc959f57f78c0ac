// SPDX-License-Identifier: GPL-2.0
#include "cli/output.hpp"
#include "cli/terminal_filter.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace {

using namespace rf;
using namespace std::string_literals;

constexpr const char *unknown = "\xef\xbf\xbd";

std::string filtered(std::string_view bytes)
{
	TerminalFilter filter;

	return filter.pass(bytes);
}

// The same in two parts, cut at each byte, and byte by byte.
void expect_passes(std::string_view bytes, std::string_view passes)
{
	TerminalFilter slow;
	std::string slowly;

	for (std::size_t cut = 0; cut <= bytes.size(); cut++) {
		TerminalFilter filter;
		const std::string first = filter.pass(bytes.substr(0, cut));
		EXPECT_EQ(first + filter.pass(bytes.substr(cut)), passes) << cut;
	}
	for (const char byte : bytes)
		slowly += slow.pass({&byte, 1});
	EXPECT_EQ(slowly, passes);
}

void expect_unchanged(std::string_view bytes)
{
	expect_passes(bytes, bytes);
}

TEST(TerminalFilter, LettersPass)
{
	expect_unchanged("plain text, tab\tand line\r\n");
	expect_unchanged("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8c\xb3 \xed\x9f\xbf \xc2\xa0");
	expect_unchanged("\a\b\v\f\x0eqqq\x0f");
}

TEST(TerminalFilter, WhatOnlyShowsPasses)
{
	for (const char *sequence : {
		     "\x1b[m", "\x1b[1;31m", "\x1b[38:2::1:2:3m", "\x1b[H", "\x1b[2;5H", "\x1b[2J",
		     "\x1b[?2J", "\x1b[K", "\x1b[10A", "\x1b[3@", "\x1b[2L", "\x1b[4X", "\x1b[5b",
		     "\x1b[1;24r", "\x1b[s", "\x1b[u", "\x1b[3g", "\x1b[2S", "\x1b[2T",
		     "\x1b[?25l", "\x1b[?25h", "\x1b[?1049h", "\x1b[?1;7;2004h", "\x1b[4l",
		     "\x1b[2 q", "\x1b[!p", "\x1b" "7", "\x1b" "8", "\x1bM", "\x1b" "c", "\x1b=",
		     "\x1b>", "\x1b(0", "\x1b)B", "\x1b#8", "\x1b]0;title\a", "\x1b]2;gr\xc3\xbc\x1b\\",
		     "\x1b]8;id=1;https://debian.org\x1b\\",
	     })
		expect_unchanged("a"s + sequence + "b");
}

// Each of these makes some terminal send something: at once, or later by itself.
const std::vector<std::string> asking = {
	"\x05",						 // ENQ
	"\x1bZ",					 // DECID
	"\x1b[c", "\x1b[0c", "\x1b[>c", "\x1b[=c", "\x1b[?1c",	// DA1, DA2, DA3
	"\x1b[5n", "\x1b[6n", "\x1b[?6n", "\x1b[?15n", "\x1b[?996n",	// DSR, DECXCPR
	"\x1b[?25$p", "\x1b[4$p",			 // DECRQM
	"\x1b[x", "\x1b[1x",				 // DECREQTPARM
	"\x1b[1$w", "\x1b[2$w",				 // DECRQPSR
	"\x1b[1;1;1;1;1;1*y", "\x1b[1$u", "\x1b[&u",	 // DECRQCRA, DECRQTSR, DECRQUPSS
	"\x1b[11t", "\x1b[13t", "\x1b[14t", "\x1b[18t", "\x1b[19t", "\x1b[20t", "\x1b[21t",
	"\x1b[>q", "\x1b[>0q",				 // XTVERSION
	"\x1b[?1;1;0S",					 // XTSMGRAPHICS
	"\x1b[?4m", "\x1b[>4;2m",			 // XTQMODKEYS, XTMODKEYS
	"\x1b[?u", "\x1b[>1u", "\x1b[=1u",		 // kitty's keyboard
	"\x1b[1'z", "\x1b['|", "\x1b[1;1;1;1'w",	 // the locator
	"\x1b[1;1;1;1;1T",				 // mouse highlighting, which waits
	"\x1b[?9h", "\x1b[?1000h", "\x1b[?1002h", "\x1b[?1003h", "\x1b[?1006h", "\x1b[?1016h",
	"\x1b[?1004h", "\x1b[?2031h", "\x1b[?2048h", "\x1b[?5522h", "\x1b[?25;1000h",
	"\x1b[?2l",					 // a VT52 from there on
	"\x1b[?1000r", "\x1b[?1000s",			 // a mode from before
	"\x1b[4i", "\x1b[5i", "\x1b[i",			 // the printer
	"\x1b[2;1y",					 // DECTST
	"\x1bP$qm\x1b\\", "\x1bP+q544e\x1b\\", "\x1bP1$t1\x1b\\", "\x1bPtmux;\x1b\x1b[6n\x1b\\",
	"\x1b]4;1;?\a", "\x1b]4;1;rgb:1/1/1;2;?\a", "\x1b]10;?\x1b\\", "\x1b]11;?\a", "\x1b]12;?\a",
	"\x1b]50;?\a", "\x1b]3;?WM_NAME\a", "\x1b]21;foreground=?\x1b\\", "\x1b]22;?__current__\x1b\\",
	"\x1b]52;c;?\a", "\x1b]52;c;cm0gLXJmIC8=\a", "\x1b]5522;type=read\x1b\\", "\x1b]2;?\a",
	"\x1b]1337;ReportCellSize\a", "\x1b]1337;ReportVariable=bmFtZQ==\a", "\x1b]1337;Copy=;eA==\a",
	"\x1b]99;i=1:p=?;\x1b\\", "\x1b]60\x1b\\", "\x1b]702;?\a", "\x1b]7;file:///\a",
	"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",	 // kitty's graphics
	"\x1bXsos\x1b\\", "\x1b^pm\x1b\\", "\x1bktitle\x1b\\",
	"\x1b%@", "\x1b G", "\x1b[62;1\"p", "\x1b[1\"v",	// not UTF-8, or eight bits, from there on
	"\x1b]P0ff0000", "\x1b]R",			 // the Linux console's colours
};

TEST(TerminalFilter, WhatIsAnsweredIsTakenOut)
{
	for (const std::string &sequence : asking)
		expect_passes("a" + sequence + "b", "ab");
}

TEST(TerminalFilter, ControlsInASequenceDoNotHideIt)
{
	expect_passes("a\x1b[\n6n", "a\n");
	expect_passes("a\x1b[6\r\x7f\x05nb", "a\rb");
	expect_passes("\x1b\b[1\x0em", "\b\x0e\x1b[1m");
	expect_passes("\x1b]5\r2;c;?\ab", "b");
	expect_passes("\x1b]\x05" "0;t\x7fi\a", "\x1b]0;ti\a");
}

TEST(TerminalFilter, ASequenceEndsWhereTerminalsEndIt)
{
	// With the next ESC, CAN or SUB. A backslash alone is text.
	expect_passes("\x1b[6\x1b[1m", "\x1b[1m");
	expect_passes("\x1b\x1b[6n", "");
	expect_passes("\x1b[6\x18n", "n");
	expect_passes("\x1b]0;t\x1a\a", "\a");
	expect_passes("\x1b]0;t\x1b[6n\x1b[1m", "\x1b[1m");
	expect_passes("\x1b]0;t\x1b\x1b\\", "");
	expect_passes("\x1bPq\a\x1b\\b", "b");
	expect_passes("\x1b[6\xc3\xbcn", "\xc3\xbcn");
	expect_passes("\x1b]0;t\x1b\xc3\xbc", "\xc3\xbc");
	// Parameters after intermediates are an error, up to the last byte.
	expect_passes("\x1b[1 2q\x1b[1?h\x1b[1<mb", "b");
	expect_passes("\x1b[[Ab", "Ab");
	expect_passes("\x1b( 0\x1b(%5b", "b");
}

TEST(TerminalFilter, AStringThatDoesNotEndHidesOneLineOnly)
{
	expect_passes("\x1bPq#0;2\r\nKernel panic\r\n", "\nKernel panic\r\n");
	expect_passes("\x1b]0;title\n[    1.000000] more", "\n[    1.000000] more");
	expect_passes("\x1b]Pxyz", "xyz");
}

TEST(TerminalFilter, ControlsBeyondAsciiBecomeVisible)
{
	// Eight-bit CSI, OSC, DECID: alone, and as the letters U+009B, U+009D, U+009A.
	expect_passes("\x9b" "6n", unknown + "6n"s);
	expect_passes("\xc2\x9b" "6n", unknown + "6n"s);
	expect_passes("\xc2\x9d" "52;c;?\a", unknown + "52;c;?\a"s);
	expect_passes("\x9a\xc2\x9a", unknown + std::string(unknown));
	expect_passes("\x1b]0;a\xc2\x9c" "b\a", "\x1b]0;a"s + unknown + "b\a");
}

TEST(TerminalFilter, WhatIsNoLetterBecomesVisible)
{
	const std::string one = unknown;

	expect_passes("\xff", one);
	expect_passes("\xc0\x9b", one + one);			// too long a form
	expect_passes("\xe0\x82\x9b", one + one + one);
	expect_passes("\xed\xa0\x80", one + one + one);		// a surrogate
	expect_passes("\xf4\x90\x80\x80", one + one + one + one);
	expect_passes("\xe2\x82\x1b[6n\x1b[1m", one + "\x1b[1m");	// cut short
	expect_passes("\xe2\x82" "a", one + "a");
	expect_passes("\xe2\xc3\xbc", one + "\xc3\xbc");
}

TEST(TerminalFilter, SaysWhetherSomethingHasBegun)
{
	TerminalFilter filter;

	EXPECT_TRUE(filter.at_rest());
	for (const auto &[bytes, rests] : std::initializer_list<std::pair<const char *, bool>>{
		     {"a", true}, {"\x1b", false}, {"[1", false}, {"m", true}, {"\xe2\x82", false},
		     {"\xac", true}, {"\x1b]0;t", false}, {"\x1b", false}, {"\\", true}}) {
		filter.pass(bytes);
		EXPECT_EQ(filter.at_rest(), rests) << bytes;
	}
}

TEST(TerminalFilter, ALongSequenceIsTakenOutAndNotKept)
{
	TerminalFilter filter;
	const std::string much(1 << 20, '1');

	EXPECT_EQ(filter.pass("\x1b[" + much + "mb"), "b");
	EXPECT_EQ(filter.pass("\x1b]0;" + much + "\ab"), "b");
	EXPECT_EQ(filter.pass("\x1b" + std::string(1 << 20, ' ') + "0b"), "b");
	EXPECT_EQ(filter.pass("\x1bP" + much + "\x1b\\b"), "b");
}

// What errors name is shown without the filter, for its letters are to be seen.
TEST(OneLine, HasNoControls)
{
	EXPECT_EQ(one_line("a\x1b[6n\nb\x7f"), "a?[6n?b?");
	EXPECT_EQ(one_line("a\xc2\x9b" "6n\xc2\xa0\xc3\x9b"), "a?6n\xc2\xa0\xc3\x9b");
}

// What passes once passes again as it is: a terminal that is given it sees nothing else in it.
TEST(TerminalFilter, WhatPassesIsPlainToItself)
{
	constexpr std::string_view bytes = "\x1b\x1b\x1b[]PX^_\\?>=;;0125689nchltpqmu$ !'(\a\n\r"
					   "\x05\x18\x9b\x9c\xc2\xe2\x82\xf0\x90k%#RT";
	std::minstd_rand random(1);
	TerminalFilter filter;

	for (unsigned round = 0; round < 2000; round++) {
		std::string input;
		for (unsigned i = 0; i < 60; i++)
			input += random() % 8 ? bytes[random() % bytes.size()]
					      : asking[random() % asking.size()][0];
		input += asking[random() % asking.size()];
		const std::string once = filtered(input);
		EXPECT_EQ(filtered(once), once);
		EXPECT_EQ(once.find('\x05'), once.npos);
		for (const std::string &sequence : asking)
			EXPECT_EQ(once.find(sequence), once.npos);
	}
}

} // namespace
