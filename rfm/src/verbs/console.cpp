// SPDX-License-Identifier: GPL-2.0
// rfm console: the operator's terminal (or files and pipes) on a subOS's console.
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "operations/console_session.hpp"
#include "verbs/verbs.hpp"

#include <csignal>
#include <iostream>

#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"read-only", nullptr, "only watch, send no input"},
	{"no-history", nullptr, "show only new output, not the past output"},
	{"idle", "TIME",
	 "without a terminal: once the input has ended, end after TIME without output "
	 "(default 2s; 0: never)"},
};

constexpr std::chrono::seconds idle_default{2};
constexpr std::chrono::hours idle_most{24};

// A person who comes second looks on. Input from elsewhere that nobody takes must not
// look as if it were taken.
Descriptor open_console(const Partition &subos, std::uint32_t flags, bool terminal, bool &writes,
			Output &output)
{
	if (writes) {
		try {
			return subos.console(flags | RF_CONSOLE_WRITE);
		} catch (const Error &error) {
			if (error.code() != Code::busy)
				throw;
			if (!terminal)
				throw Error(Code::busy,
					    text(error.what(), ": use --read-only to watch it"));
			output.note(text(error.what(), ": this one is read-only"));
			writes = false;
		}
	}
	return subos.console(flags);
}

void tell_end(ConsoleSession::End end, const std::string &name, bool terminal, Output &output)
{
	// The subOS may have left the cursor anywhere.
	if (terminal)
		std::cerr << '\n';
	switch (end) {
	case ConsoleSession::End::interrupted: throw Error(Code::interrupted, "interrupted");
	case ConsoleSession::End::destroyed:
		output.note(text("subOS '", name, "' was destroyed"));
		break;
	case ConsoleSession::End::detached:
		output.note(text("detached from '", name, "'"));
		break;
	case ConsoleSession::End::done: break;
	}
}

Code run(const Request &request, Output &output)
{
	const Milliseconds idle = time_option(request, "idle", {}, idle_most, idle_default);
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	const bool terminal = ::isatty(STDIN_FILENO);
	bool writes = !request.has("read-only");
	const bool replays = !request.has("no-history");
	Descriptor console = open_console(subos, replays ? 0 : RF_CONSOLE_LIVE, terminal, writes,
					  output);

	if (terminal)
		output.note(text("console of '", subos.name(), "'; Ctrl-] detaches"));
	catch_interrupts();
	// A reader of our output that goes away is an end like others.
	std::signal(SIGPIPE, SIG_IGN);
	// The terminal must be as it was before anything is said about the end.
	const ConsoleSession::End end =
		ConsoleSession(subos, std::move(console), {writes, replays},
			       idle, output)
			.run();
	tell_end(end, subos.name(), terminal, output);
	return Code::ok;
}

} // namespace

const Verb console_verb = {
	"console", "NAME",
	"connect to the console of a subOS",
	"Connects the terminal to the subOS's console hvc0, beginning with its past output.\n"
	"Ctrl-] detaches. If another session writes to it, you can only watch. Without a\n"
	"terminal, standard input is copied to the console and its output to standard\n"
	"output. Nothing but the console's output goes to standard output. Past output, and\n"
	"all of it if this terminal cannot type, comes without what terminals answer.",
	options, 1, 1, run,
};

} // namespace rf
