// SPDX-License-Identifier: GPL-2.0
// rfm metrics: the numbers of all kernels for Prometheus.
#include "client/supervisor.hpp"
#include "host/new_file.hpp"
#include "verbs/verbs.hpp"
#include "view/metrics.hpp"

#include <cerrno>
#include <cstring>

#include <sys/stat.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"textfile", "FILE", "write them to FILE, for node_exporter, instead of standard output"},
};

// In which agents are asked. Prometheus looks every 15 s or less often.
constexpr std::chrono::seconds patience{10};
constexpr mode_t readable = 0644;	// for node_exporter

// What went to a file.
struct Written {
	std::string file;
	std::size_t samples;
};

void to_json(Json &json, const Written &written)
{
	json = {{"file", written.file}, {"samples", written.samples}};
}

std::string to_text(const Written &)
{
	return "";
}

// Under its name only when it is whole: node_exporter may look at any time.
void write_file(const std::string &path, const std::string &words)
{
	NewFile file(path, true);

	file.write(0, std::as_bytes(std::span(words)));
	if (::fchmod(file.fd(), readable) < 0)
		throw Error(Code::bad_file, text("'", path, "' cannot be made readable: ",
						 std::strerror(errno)));
	file.finish();
}

// The numbers of before would be taken for those of now as long as the file has them.
Exposition read_or_take_back(const std::string &path)
{
	try {
		return to_exposition(read_metrics(Supervisor::open(), patience));
	} catch (const Error &error) {
		if (error.code() == Code::no_module)
			write_file(path, exposition_without_module().text());
		throw;
	}
}

Code run(const Request &request, Output &output)
{
	const auto path = request.value("textfile");

	if (!path) {
		output.result(read_metrics(Supervisor::open(), patience));
		return Code::ok;
	}
	const Exposition exposition = read_or_take_back(*path);
	write_file(*path, exposition.text());
	output.result(Written{*path, exposition.samples()});
	return Code::ok;
}

} // namespace

const Verb metrics_verb = {
	"metrics", "",
	"print numbers of all kernels for Prometheus",
	"Prints, in Prometheus' text format, how each subOS fares and who owns what: state,\n"
	"uptime, cores, memory, starts, crashes, heartbeat, DMA faults, and what its agent says\n"
	"of processors, memory, pressure and messages. One that does not answer takes some\n"
	"seconds, ten for all, and rainforest_subos_agent_up is 0 for it. With --textfile, for\n"
	"the textfile collector of node_exporter: FILE is replaced when all is written, and says\n"
	"only rainforest_up 0 when the module is not loaded.",
	options, 0, 0, run, false, "textfile",
};

} // namespace rf
