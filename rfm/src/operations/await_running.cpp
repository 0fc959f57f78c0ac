// SPDX-License-Identifier: GPL-2.0
// Steps 4 to 6 of a create, as seen from outside: see docs/boot-flow.md.
#include "operations/await_running.hpp"

#include "base/clock.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
// How often the progress line is renewed; changes of state wake us at once.
constexpr std::uint64_t tick_ns = second_ns / 2;
constexpr std::size_t log_lines = 3;

[[noreturn]] void fail(const Partition &subos, const rf_status &status, const std::string &what)
{
	const std::vector<std::string> log = last_log_lines(subos, status, log_lines);

	throw ErrorWithLog(
		Code::not_up,
		text(what, log.empty() ? "; it has no kernel log yet" : "; end of its kernel log:"),
		{{"name", subos.name()},
		 {"state", state_name(status.state)},
		 {"cause", cause_name(status.cause)},
		 {"reason", inspect::printable(status.reason)},
		 {"stage", stage_name(status.stage)}},
		log);
}

bool has_arrived(const rf_status &status, bool agent)
{
	if (agent)
		return status.state == RF_STATE_RUNNING;
	return status.stage >= RF_STAGE_KERNEL;
}

} // namespace

rf_status await_running(const Partition &subos, bool agent, unsigned seconds, Phases &phases)
{
	const std::uint64_t begin = monotonic_ns();
	const std::uint64_t deadline = begin + seconds * second_ns;

	for (;;) {
		const rf_status status = subos.status();
		const std::uint64_t now = monotonic_ns();

		if (has_ended(status))
			fail(subos, status,
			     text("subOS '", subos.name(), "' went down while booting: ",
				  describe_state(status), ", stage '", stage_name(status.stage),
				  "'; it is kept for 'rfm log' and "
				  "'rfm destroy'"));
		if (has_arrived(status, agent))
			return status;
		if (interrupted())
			throw Error(
				Code::interrupted,
				text("interrupted; subOS '", subos.name(),
				     "' goes on booting: see 'rfm list', undo with 'rfm destroy ",
				     subos.name(), "'"));
		if (now >= deadline)
			fail(subos, status,
			     text("subOS '", subos.name(), "' did not come up within ", seconds,
				  " s: stage '", stage_name(status.stage), "', ",
				  status.cpus_online, " of ", status.nr_cpus,
				  " cores up; it is kept for 'rfm log' and 'rfm destroy'"));
		phases.show(text("booting: stage '", stage_name(status.stage), "', ",
				 (now - begin) / second_ns, " s ..."));
		const std::uint64_t left = std::min(deadline - now, tick_ns);
		if (subos.wait(std::chrono::milliseconds(left / 1'000'000 + 1)) ==
		    Partition::Event::gone)
			throw Error(Code::not_up,
				    text("subOS '", subos.name(),
					 "' was destroyed by someone else while booting"));
	}
}

} // namespace rf
