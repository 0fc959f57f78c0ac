// SPDX-License-Identifier: GPL-2.0
// Whether a console has asked somebody to log in: that is what --until login waits for.
#pragma once

#include "base/descriptor.hpp"

#include <string>
#include <string_view>

namespace rf {

// The end of an unfinished line, as getty and login print it: "web login: ". Lines of the
// kernel log, which comes the same way and begins with a time in brackets, do not count.
class LoginPrompt {
public:
	void take(std::string_view bytes);
	bool seen() const { return seen_; }

private:
	std::string line_;
	bool seen_ = false;
};

// What a console, opened without what was on it before, says from now on.
class LoginWatch {
public:
	explicit LoginWatch(Descriptor console);

	// Reads what there is. Has there been a prompt?
	bool seen();

private:
	Descriptor console_;
	LoginPrompt prompt_;
};

} // namespace rf
