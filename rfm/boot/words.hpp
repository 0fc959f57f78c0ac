// SPDX-License-Identifier: GPL-2.0
// An operator's own words on the command line of a subOS: cut as the kernel cuts them, and
// held against the table of those that it must not get.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/image.hpp"

namespace rf::boot {

// A word as next_arg() in the kernel's lib/cmdline.c understands it.
struct Word {
	std::string_view text;	// as it stands there
	std::string_view name;	// without the quote before it
	std::string_view value;	// without quotes
	bool has_value = false;
	bool closed = true;	// false: a quote is open at its end
};

// The word at `pos`, which is no blank; moves `pos` behind it.
Word next_word(std::string_view text, std::size_t &pos);
// A blank to the kernel's isspace(): also the byte 0xa0.
bool is_space(char c);

enum class Fate {
	refused,	// nothing is booted with it
	dropped,	// left out, with a note
};

// Which values of a parameter a rule is about.
enum class Values {
	all,
	listed,		// one of those between its commas is in WordRule::list
	unlisted,	// one of them is not
	reserving,	// memmap=: all regions are of the kind that is kept out of use ($)
	foreign_uart,	// a console on a serial port that is not the subOS's own
};

struct WordRule {
	std::string_view name;	// the kernel takes - for _; a * at its end stands for anything
	Fate fate;
	std::string_view why;	// a clause that also says what to do instead
	Values values = Values::all;
	std::string_view list = {};
	bool agent_only = false;	// without the agent it does no harm
	bool harms_itself = false;	// and nobody else: who insists may try it
};

// The table. The first rule that applies to a word counts; what no rule is about is passed.
std::span<const WordRule> word_rules();

// What is left of --append.
struct OperatorWords {
	std::string kernel;	// for the kernel, in their order
	std::string init;	// "-- ...": for init; empty if there are none
	std::string modules;	// of module_blacklist=, with commas
	std::string features;	// of clearcpuid=, with commas
	std::vector<std::string> notes;	// one line for each word that is left out
};

// `own`: rfm's own words, which need not be given again. Throws Error that names a word that
// is refused, what is wrong with it, and what to do instead. `forced`: refused words that harm
// nobody else are left out, with a note.
OperatorWords sort_words(const Options &options, std::string_view own, bool forced = false);

} // namespace rf::boot
