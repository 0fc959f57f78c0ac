// SPDX-License-Identifier: GPL-2.0
// rfm: finds the verb, runs it, prints errors, and turns them into exit codes.
// The only place that does.
#include "base/descriptor.hpp"
#include "cli/output.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <csignal>
#include <new>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

// More than any verb has at one time. Much of what a machine is like stands in files, and
// one that cannot be opened looks like one that does not exist: "core 5 does not exist".
constexpr unsigned descriptors_least = 32;

bool has_word(const std::vector<std::string> &words, std::string_view word)
{
	return std::find(words.begin(), words.end(), word) != words.end();
}

bool acts(const Verb &verb, const CommandLine &line)
{
	const std::string option = text("--", verb.acts_with ? verb.acts_with : "");

	return verb.acts || (verb.acts_with && std::ranges::any_of(line.rest, [&](const auto &word) {
				     return word == option || word.starts_with(option + "=");
			     }));
}

// Whether what is asked for is worth nothing if nobody can read it. Who starts us without standard
// descriptors, as the kernel does (rfm start --policy), wants what some verbs do.
bool needs_output(const std::vector<std::string> &words)
{
	for (const char *word : {"--dry-run", "--help", "-h"})
		if (has_word(words, word))
			return true;
	try {
		const CommandLine line = split_command_line(words);
		const Verb *verb = find_verb(line.command);
		return !verb || !acts(*verb, line) || line.help;
	} catch (const Error &) {
		return true;
	}
}

// Before anything is changed.
void check_descriptors(bool output_closed)
{
	const unsigned spare = spare_descriptors(descriptors_least);

	if (output_closed)
		throw Error(Code::internal, "standard output is closed, and the result would be lost: "
					    "open it, or send it to /dev/null");
	if (spare < descriptors_least)
		throw Error(Code::internal,
			    text("only ", spare, " more files can be opened, and up to ",
				 descriptors_least, " may be needed: raise the limit, as with "
				 "'ulimit -n 1024'"));
}

const Verb &verb_of(const CommandLine &line)
{
	if (line.version)
		return version_verb;
	if (line.command.empty() && line.help)
		return help_verb;
	if (line.command.empty())
		throw Error(Code::usage, "no command given: 'rfm help' lists the commands");
	if (const Verb *verb = find_verb(line.command))
		return *verb;
	std::string names;
	for (const Verb *other : verbs())
		names += text(names.empty() ? "" : ", ", other->name);
	throw Error(Code::usage,
		    text("unknown command '", line.command, "'; commands are: ", names));
}

Code run(const std::vector<std::string> &words, Output &output)
{
	CommandLine line = split_command_line(words);
	const Verb &verb = verb_of(line);

	// It has no operands: what looks like a command is one too many.
	if (line.version && !line.command.empty())
		line.rest.insert(line.rest.begin(), line.command);
	Request request = parse_request(verb, line.words());
	output.set_level(request.quiet		      ? Output::Level::quiet
			 : request.has("verbose") ? Output::Level::verbose
						      : Output::Level::usual);
	if (request.has("help") && &verb != &help_verb) {
		request.operands = {verb.name};
		return help_verb.run(request, output);
	}
	return verb.run(request, output);
}

// Without these the first ones opened, of the module, would take their places. An output that
// is missed gets one that cannot be written to. Returns true if there was no output.
bool open_standard_descriptors(bool needs_output)
{
	const bool closed = ::fcntl(STDOUT_FILENO, F_GETFD) < 0;

	// open() takes the lowest one that is free.
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (::fcntl(fd, F_GETFD) < 0)
			static_cast<void>(::open("/dev/null", fd == STDOUT_FILENO && needs_output
								      ? O_RDONLY
								      : O_RDWR));
	return closed;
}

// A file that becomes too large (RLIMIT_FSIZE) and a reader that went away would end us in the
// middle of something, such as a file that is not whole: be told by write(2). Handlers and not
// SIG_IGN, which programs that we run would inherit.
void take_errors_for_signals()
{
	struct sigaction action {};

	action.sa_handler = [](int) {};
	action.sa_flags = SA_RESTART;
	for (const int signal : {SIGXFSZ, SIGPIPE}) {
		struct sigaction found {};
		::sigaction(signal, nullptr, &found);
		if (found.sa_handler == SIG_DFL)
			::sigaction(signal, &action, nullptr);
	}
}

// The end that it would have been without a handler, now that all is tidied up.
void end_by_broken_pipe()
{
	struct sigaction found {};

	::sigaction(SIGPIPE, nullptr, &found);
	if (found.sa_handler == SIG_IGN)
		return;
	std::signal(SIGPIPE, SIG_DFL);
	std::raise(SIGPIPE);
}

} // namespace

} // namespace rf

int main(int argc, char **argv)
{
	const std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
	const bool needed = rf::needs_output(words);
	const bool closed = rf::open_standard_descriptors(needed);
	// As text, an error goes where somebody may see it.
	const std::unique_ptr<rf::Output> output = rf::Output::make(
		closed && !needed ? rf::Format::table : rf::format_of(words));
	rf::Code code = rf::Code::internal;

	rf::take_errors_for_signals();
	try {
		rf::check_descriptors(closed && needed);
		code = rf::run(words, *output);
	} catch (const rf::Error &error) {
		output->error(error);
		code = error.code();
	} catch (const rf::ReaderGone &) {
		rf::end_by_broken_pipe();
		output->error(rf::Error(code, "nobody reads the standard output any more"));
	} catch (const std::bad_alloc &) {
		output->error(rf::Error(code, "out of memory"));
	} catch (const std::exception &error) {
		output->error(rf::Error(code, rf::text("unexpected: ", error.what())));
	}
	return static_cast<int>(code);
}
