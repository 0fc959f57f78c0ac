// SPDX-License-Identifier: GPL-2.0
// rfm restart: stop, then start.
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "operations/restart_operation.hpp"
#include "operations/stop_operation.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"timeout", "TIME",
	 "how long to wait until it has stopped (default 60s), and again until it runs (default: as "
	 "for create; 0: do not wait)"},
	{"force", nullptr, "hold its cores if it does not end in time or cannot be asked"},
	{"until", "STAGE", "wait for its agent, init or login (default: as for create)"},
};

Code run(const Request &request, Output &output)
{
	StopOptions wanted;
	wanted.timeout = time_limit(request, wanted.timeout);
	wanted.force = request.has("force");
	wanted.restart = true;

	Phases phases(output);
	const std::string &name = request.operands[0];
	const Supervisor supervisor = Supervisor::open();
	catch_interrupts();
	// First what could fail: a subOS that cannot be started again is not stopped.
	RestartOperation subos(supervisor, name, {.running = true}, phases);
	if (request.has("timeout"))
		subos.set_timeout(wanted.timeout);
	subos.set_until(request);

	phases.enter("stop");
	const Stopped stopped =
		StopOperation(supervisor.subos(name), wanted, stop_deadline(wanted)).await(output);
	phases.remark(stopped.forced ? "by force" : "");
	phases.leave();
	Launched launched = subos.start(phases);
	launched.stopped = stopped;
	if (request.wants_names())
		output.names({name});
	else
		output.result(launched);
	return Code::ok;
}

} // namespace

const Verb restart_verb = {
	"restart",
	"NAME",
	"stop a subOS and start it again",
	"As 'rfm stop' and then 'rfm start', but the files are read before it is stopped.\n"
	"It keeps its cores and its memory. A subOS that is not running is just started.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
