// SPDX-License-Identifier: GPL-2.0
// rfm map: a drawing of the machine and who owns what of it.
#include "cli/terminal.hpp"
#include "client/supervisor.hpp"
#include "host/new_file.hpp"
#include "verbs/verbs.hpp"
#include "view/map_svg.hpp"
#include "view/map_text.hpp"

#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"svg", "FILE", "write a picture (SVG) to FILE instead"},
	{"force", nullptr, "replace FILE if it exists"},
};

constexpr int columns_default = 80;

// https://no-color.org
bool wants_colours()
{
	const char *forbidden = std::getenv("NO_COLOR");
	const char *terminal = std::getenv("TERM");

	return ::isatty(STDOUT_FILENO) && !(forbidden && *forbidden) && terminal &&
	       std::strcmp(terminal, "dumb") != 0;
}

struct Drawn {
	const MachineMap &map;
	Drawing drawing;
};

void to_json(Json &json, const Drawn &drawn)
{
	to_json(json, drawn.map);
}

std::string to_text(const Drawn &drawn)
{
	return to_text(drawn.map, drawn.drawing);
}

// What went to a file.
struct Written {
	std::string file;
	std::size_t bytes;
};

void to_json(Json &json, const Written &written)
{
	json = {{"file", written.file}, {"bytes", written.bytes}};
}

std::string to_text(const Written &written)
{
	return text("the map is in '", written.file, "'\n");
}

Code run(const Request &request, Output &output)
{
	const auto path = request.value("svg");
	const MachineMap map = read_map(Supervisor::open());

	if (request.has("force") && !path)
		throw Error(Code::usage, "--force is about the file of --svg: give that, too");
	if (path) {
		NewFile file(*path, request.has("force"));
		const std::string picture = to_svg(map);
		file.write(0, std::as_bytes(std::span(picture)));
		file.finish();
		output.result(Written{*path, picture.size()});
		return Code::ok;
	}
	const auto size = window_size(STDOUT_FILENO);
	const Drawing drawing{size && size->columns ? size->columns : columns_default,
			      wants_colours()};
	output.result(Drawn{map, drawing});
	return Code::ok;
}

} // namespace

const Verb map_verb = {
	"map", "",
	"draw the machine and who owns what of it",
	"Draws cores with their SMT siblings, memory and PCI functions by NUMA node, each with\n"
	"the mark of its owner: '.' the supervisor, a letter for each subOS, '-' nobody, 'x' a\n"
	"core of the supervisor that is offline. As wide as the terminal, with colours on one\n"
	"unless NO_COLOR is set. With --svg, as a picture, to be looked at in a browser; a file\n"
	"that exists is only replaced with --force.",
	options, 0, 0, run, false, "svg",
};

} // namespace rf
