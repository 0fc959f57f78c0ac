// SPDX-License-Identifier: GPL-2.0
// Errors of what is done to one of several subOSes.
#pragma once

#include "cli/output.hpp"

#include <string>

namespace rf {

// The same error in other words. The lines of a log stay with it.
[[noreturn]] inline void throw_as(const Error &error, Code code, const std::string &what,
				  const Json &details)
{
	if (const auto *with = dynamic_cast<const ErrorWithLog *>(&error))
		throw ErrorWithLog(code, what, details, with->log());
	throw Error(code, what, details);
}

// Calls it. An Error that does not name the subOS it is about, does so then.
template <typename Call> void about(const std::string &name, Call call)
{
	try {
		call();
	} catch (const Error &error) {
		const std::string what = error.what();
		const std::string quoted = text("'", name, "'");
		const bool named = what.find(quoted) != what.npos;
		throw_as(error, error.code(), named ? what : text("subOS ", quoted, ": ", what),
			 error.details());
	}
}

} // namespace rf
