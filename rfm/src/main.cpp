// SPDX-License-Identifier: GPL-2.0
// rfm: finds the verb, runs it, prints errors, and turns them into exit codes.
// The only place that does.
#include "cli/output.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <new>

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

Code run(std::vector<std::string> words, Output &output)
{
	if (words.empty())
		throw Error(Code::usage, "no command given: 'rfm help' lists the commands");

	std::string name = words.front();
	words.erase(words.begin());
	if (name == "--help" || name == "-h")
		name = help_verb.name;
	else if (name == "--version" || name == "-V")
		name = version_verb.name;
	const Verb *verb = find_verb(name);
	if (!verb) {
		std::string names;
		for (const Verb *other : verbs())
			names += text(names.empty() ? "" : ", ", other->name);
		throw Error(Code::usage, text("unknown command '", name, "'; commands are: ",
						names));
	}

	Request request = parse_request(*verb, words);
	if (request.has("help") && verb != &help_verb) {
		request.operands = {verb->name};
		return help_verb.run(request, output);
	}
	return verb->run(request, output);
}

// The kernel starts us without standard descriptors (rfm start --policy): without these
// the first ones opened, of the module, would take their places.
void open_standard_descriptors()
{
	int fd;

	do
		fd = ::open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		::close(fd);
}

} // namespace

} // namespace rf

int main(int argc, char **argv)
{
	const std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
	const bool json = std::find(words.begin(), words.end(), "--json") != words.end();
	const std::unique_ptr<rf::Output> output = rf::Output::make(json);
	rf::Code code = rf::Code::internal;

	rf::open_standard_descriptors();
	try {
		code = rf::run(words, *output);
	} catch (const rf::Error &error) {
		output->error(error);
		code = error.code();
	} catch (const std::bad_alloc &) {
		output->error(rf::Error(code, "out of memory"));
	} catch (const std::exception &error) {
		output->error(rf::Error(code, rf::text("unexpected: ", error.what())));
	}
	return static_cast<int>(code);
}
