// SPDX-License-Identifier: GPL-2.0
// The interface of a verb: help, completion, man pages and parsing follow from it.
#pragma once

#include "base/error.hpp"
#include "cli/output.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rf {

struct Option {
	const char *name;		// long name, without dashes
	const char *value;		// what its value stands for, nullptr for a switch
	const char *help;
	bool in_file = false;		// accepted in a configuration file
	bool repeatable = false;	// given several times, its values are joined by commas
};

// A command line after parsing: strings only, their meaning is the verb's affair.
struct Request {
	std::map<std::string, std::string> values;	// options given; "yes" for switches
	std::vector<std::string> operands;
	bool json = false;
	bool quiet = false;
	bool names_only = false;	// as text, of what was done only to whom

	bool wants_names() const { return names_only; }
	bool has(const std::string &option) const { return values.contains(option); }
	std::optional<std::string> value(const std::string &option) const;
};

struct Verb {
	const char *name;
	const char *operands;		// as shown in the usage line
	const char *summary;		// one line
	const char *details;		// paragraphs for `rfm help VERB`
	std::span<const Option> options;
	unsigned operands_least;
	unsigned operands_most;
	// Does the work and hands its result, if any, to the output.
	Code (*run)(const Request &request, Output &output);
	// What it does is wanted also where nobody is told of it.
	bool acts = false;
	const char *acts_with = nullptr;	// only with this option, of those that take a value
};

// The letter that stands for an option, or 0. One table for all verbs: a letter means one thing.
char letter_of(std::string_view option);

// The option that an earlier version had under this name, or nullptr.
const char *new_name(std::string_view option);

// What a command line consists of, before the options are those of a verb.
struct CommandLine {
	std::vector<std::string> options;	// that stand before the command
	std::string command;			// "" if there is none
	std::vector<std::string> rest;		// behind it
	bool help = false, version = false;	// asked for before the command

	// As if all options stood behind the command.
	std::vector<std::string> words() const;
};

// Throws Error(usage) for an option before the command that not every command has.
CommandLine split_command_line(const std::vector<std::string> &words);

// The options of a verb with the ones that every verb has.
std::vector<Option> options_of(const Verb &verb);

// "rfm create NAME [options]"
std::string usage_line(const Verb &verb);

// Throws Error(usage) for unknown options, missing values, wrong operands.
Request parse_request(const Verb &verb, const std::vector<std::string> &words);

} // namespace rf
