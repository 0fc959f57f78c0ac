// SPDX-License-Identifier: GPL-2.0
// rfm show: everything about one subOS.
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

Code run(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();

	output.result(subos_of(supervisor, supervisor.subos(request.operands[0]).status()));
	return Code::ok;
}

} // namespace

const Verb show_verb = {
	"show", "NAME",
	"show everything about one subOS",
	"Shows state, cause and reason, stage of the boot, cores with APIC ids, loans,\n"
	"memory ranges and the step in which memory can be resized, PCI functions and\n"
	"whether their DMA is confined, policies, heartbeat, and when each moment of its\n"
	"life was reached.",
	{}, 1, 1, run,
};

} // namespace rf
