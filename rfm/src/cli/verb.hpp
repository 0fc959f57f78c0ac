// SPDX-License-Identifier: GPL-2.0
// The interface of a verb: help, completion, man pages and parsing follow from it.
#pragma once

#include "base/error.hpp"
#include "cli/output.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
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
};

// The options of a verb with the ones that every verb has.
std::vector<Option> options_of(const Verb &verb);

// "rfm create NAME [options]"
std::string usage_line(const Verb &verb);

// Throws Error(usage) for unknown options, missing values, wrong operands.
Request parse_request(const Verb &verb, const std::vector<std::string> &words);

} // namespace rf
