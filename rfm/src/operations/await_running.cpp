// SPDX-License-Identifier: GPL-2.0
// Steps 4 to 6 of a create, as seen from outside: see docs/boot-flow.md.
#include "operations/await_running.hpp"

#include "base/clock.hpp"
#include "base/duration.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

const char *const kept_for_a_look = "; it is kept for 'rfm log' and 'rfm destroy'";
const char *const log_follows = "; end of its kernel log:";

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
// How often the progress line is renewed; changes of state wake us at once.
constexpr std::uint64_t tick_ns = second_ns / 2;
// How often a console is looked at, which wakes nobody.
constexpr std::uint64_t look_ns = second_ns / 10;
constexpr std::size_t log_lines = 3, looked_through = 32;

[[noreturn]] void fail(const Partition &subos, const rf_status &status, const std::string &what)
{
	const std::vector<std::string> log = last_log_lines(subos, status, log_lines);

	throw ErrorWithLog(
		Code::not_up,
		text(what, log.empty() ? "; it has no kernel log yet" : log_follows),
		{{"name", subos.name()},
		 {"state", state_name(status.state)},
		 {"cause", cause_name(status.cause)},
		 {"reason", inspect::printable(status.reason)},
		 {"stage", stage_name(status.stage)}},
		log);
}

// What the first stage said before it gave up: other lines follow it. "" if it said nothing.
std::string first_stage_line(const Partition &subos, const rf_status &status)
{
	constexpr std::string_view mark = "rainforest: ", end = "; powering off";

	for (const std::string &line : last_log_lines(subos, status, looked_through)) {
		const std::size_t begin = line.find(mark);
		const std::size_t stop = line.find(end);
		if (begin != line.npos && stop != line.npos && stop > begin)
			return line.substr(begin + mark.size(), stop - begin - mark.size());
	}
	return "";
}

[[noreturn]] void fail_ended(const Partition &subos, const rf_status &status)
{
	const std::string line = first_stage_line(subos, status);

	fail(subos, status,
	     text("subOS '", subos.name(), "' went down while booting: ",
		  line.empty() ? "" : line + ": ", describe_state(status), ", stage '",
		  stage_name(status.stage), "'", kept_for_a_look));
}

[[noreturn]] void fail_late(const Partition &subos, const rf_status &status,
			    const CreateOptions &wanted)
{
	if (status.state == RF_STATE_RUNNING)
		fail(subos, status,
		     text("subOS '", subos.name(), "' runs, but showed no login prompt within ",
			  format_duration(wanted.timeout), kept_for_a_look));
	fail(subos, status,
	     text("subOS '", subos.name(), "' did not come up within ",
		  format_duration(wanted.timeout), ": stage '", stage_name(status.stage), "', ",
		  status.cpus_online, " of ", status.nr_cpus, " cores up", kept_for_a_look));
}

} // namespace

bool has_arrived(const rf_status &status, const CreateOptions &wanted)
{
	if (!wanted.agent)
		return status.stage >= RF_STAGE_KERNEL;
	if (status.state == RF_STATE_RUNNING)
		return true;
	// It has said what it can do.
	return wanted.until == Until::agent && status.stage >= RF_STAGE_CPUS && status.capabilities;
}

rf_status await_running(const Partition &subos, const CreateOptions &wanted, LoginWatch *login,
			Phases &phases)
{
	const std::uint64_t begin = monotonic_ns();
	const std::uint64_t deadline = deadline_after(wanted.timeout);

	for (;;) {
		const rf_status status = subos.status();
		const std::uint64_t now = monotonic_ns();

		if (has_ended(status))
			fail_ended(subos, status);
		const bool prompted = !login || login->seen();
		if (has_arrived(status, wanted) && prompted)
			return status;
		if (interrupted())
			throw Error(
				Code::interrupted,
				text("interrupted; subOS '", subos.name(),
				     "' goes on booting: see 'rfm list', undo with 'rfm destroy ",
				     subos.name(), "'"));
		if (now >= deadline)
			fail_late(subos, status, wanted);
		phases.show(text("booting: stage '", stage_name(status.stage), "', ",
				 (now - begin) / second_ns, " s ..."));
		const std::uint64_t left = std::min(deadline - now, login ? look_ns : tick_ns);
		if (subos.wait(std::chrono::milliseconds(left / 1'000'000 + 1)) ==
		    Partition::Event::gone)
			throw Error(Code::not_up,
				    text("subOS '", subos.name(),
					 "' was destroyed by someone else while booting"));
	}
}

} // namespace rf
