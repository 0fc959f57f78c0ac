// SPDX-License-Identifier: GPL-2.0
// Other programs that do a part of rfm's work, run so that nothing of them outlives it.
#pragma once

#include "cli/output.hpp"
#include "host/work_folder.hpp"

#include <optional>
#include <string>
#include <vector>

namespace rf {

// Not a name in somebody's folder, where another file could be by then.
inline constexpr const char *passed_file = "/proc/self/fd/3";

struct Program {
	std::vector<std::string> words;		// the first one is looked up as find_program() does
	std::vector<std::string> environment;	// "NAME=value", beside rfm's own
	// A file for it, which it finds at passed_file; -1: none.
	int file = -1;
	// All its users pass through this folder, but nobody outside.
	const WorkFolder *work = nullptr;
};

struct Outcome {
	int status = 0;		// as of a shell: what it exited with, or 128 + signal
	std::string said;	// the end of what it wrote to stdout and stderr
};

// Where a program is, in PATH or where administrators' programs are.
std::optional<std::string> find_program(const std::string &name);

// Throws Error(bad_file) that names the Debian package to install.
void need_program(const std::string &name, const std::string &package);

// Runs it to its end without input, in mount and process namespaces of its own: its mounts
// stay invisible outside, and they and all its children are gone when it is. Shows `doing`
// with the seconds it takes. Throws Error(interrupted) after a signal, or Error(internal).
Outcome run_program(const Program &program, Output &output, const std::string &doing);

// The same for a program that has to succeed: Error(incomplete) with its last words.
void do_program(const Program &program, Output &output, const std::string &doing);

} // namespace rf
