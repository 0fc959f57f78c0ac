// SPDX-License-Identifier: GPL-2.0
// The command line of a subOS.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "boot/image.hpp"

namespace rf::boot {

struct CommandLine {
	std::string line;
	std::vector<std::string> notes;	// words of the operator that it does without, and why
};

// The same line for the same arguments, each time. Throws Error for words that are refused
// (boot/words.hpp), and if the line is too long.
CommandLine make_command_line(const Grant &grant, const Options &options);

// Whether `word` stands on the command line as the kernel's early code looks for
// it (cmdline_find_option_bool): between blanks, whatever quotes say.
bool has_word(std::string_view cmdline, std::string_view word);

} // namespace rf::boot
