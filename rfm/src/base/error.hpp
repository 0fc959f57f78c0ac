// SPDX-License-Identifier: GPL-2.0
// What can go wrong, as the exit codes that rfm documents. Library code throws
// Error and never prints or exits; main() does both.
#pragma once

#include <nlohmann/json.hpp>

#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace rf {

using Json = nlohmann::ordered_json;

enum class Code : int {
	ok = 0,
	internal = 1,
	usage = 2,
	bad_value = 3,
	no_such_subos = 4,
	busy = 5,
	not_enough = 6,
	bad_file = 7,
	not_permitted = 8,
	no_module = 9,
	not_up = 10,
	incomplete = 11,
	no_log = 12,
	no_answer = 13,
	interrupted = 130,
};

struct ExitCode {
	Code code;
	const char *kind;	// stable word for programs
	const char *meaning;
};

// Every exit code, in ascending order: help, man page and JSON errors use it.
std::span<const ExitCode> exit_codes();
const ExitCode &exit_code(Code code);

class Error : public std::runtime_error {
public:
	Error(Code code, const std::string &message, Json details = Json::object())
		: std::runtime_error(message), code_(code), details_(std::move(details)) {}
	Code code() const { return code_; }
	// More about the error, for the JSON renderer.
	const Json &details() const { return details_; }

private:
	Code code_;
	Json details_;
};

// Joins its arguments to one string, as operator<< prints them.
template <typename... Parts> std::string text(const Parts &...parts)
{
	std::ostringstream out;
	(out << ... << parts);
	return out.str();
}

} // namespace rf
