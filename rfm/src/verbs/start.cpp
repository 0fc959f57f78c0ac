// SPDX-License-Identifier: GPL-2.0
// rfm start: boot a subOS that ended, or was never started, on what it still owns.
#include "base/descriptor.hpp"
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "operations/restart_operation.hpp"
#include "verbs/verbs.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"timeout", "TIME", "how long to wait (default: as for create; 0: do not wait)"},
	{"until", "STAGE", "wait for its agent, init or login (default: as for create)"},
	{"policy", nullptr,
	 "as rf_supervisor does it: start a lost one too; errors go to the kernel log"},
};

// The supervisor's module has nobody else to show an error to.
void tell_kernel_log(const std::string &message)
{
	const Descriptor log(::open("/dev/kmsg", O_WRONLY | O_CLOEXEC));
	const std::string line = text("<3>rainforest: rfm start: ", one_line(message), "\n");

	if (log.valid() && ::write(log.get(), line.data(), line.size()) < 0)
		return;
}

Launched start(const Request &request, Phases &phases)
{
	const Milliseconds timeout = time_limit(request, {});
	const Supervisor supervisor = Supervisor::open();
	RestartOperation subos(supervisor, request.operands[0], {.lost = request.has("policy")},
			       phases);

	if (request.has("timeout"))
		subos.set_timeout(timeout);
	subos.set_until(request);
	return subos.start(phases);
}

Code run(const Request &request, Output &output)
{
	Phases phases(output);

	catch_interrupts();
	try {
		const Launched started = start(request, phases);
		if (request.wants_names())
			output.names({request.operands[0]});
		else
			output.result(started);
	} catch (const Error &error) {
		if (request.has("policy"))
			tell_kernel_log(error.what());
		throw;
	}
	return Code::ok;
}

} // namespace

const Verb start_verb = {
	"start",
	"NAME",
	"start a subOS that is not running",
	"Clears the memory of a subOS that was stopped or crashed, builds the boot image\n"
	"again from the options of 'rfm create', for the cores and the memory it owns now, and\n"
	"starts it. One that was created with --no-start is started as it was loaded. The\n"
	"files are read before anything is changed.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
