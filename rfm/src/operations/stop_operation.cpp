// SPDX-License-Identifier: GPL-2.0
#include "operations/stop_operation.hpp"

#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr std::uint64_t second_ns = 1'000'000'000;
// How often the progress line is renewed; changes of state wake us at once.
constexpr std::uint64_t tick_ns = second_ns / 2;
// A forced end needs no time but for the supervisor's own work.
constexpr std::uint64_t forced_ns = 10 * second_ns;

bool has_no_core_running(const rf_status &status)
{
	return has_ended(status) || status.state == RF_STATE_DEFINED ||
	       status.state == RF_STATE_LOADED;
}

} // namespace

StopOperation::StopOperation(Partition subos, const StopOptions &wanted)
	: subos_(std::move(subos)), wanted_(wanted), begin_(monotonic_ns())
{
	const rf_status status = subos_.status();

	if (!has_no_core_running(status) && status.state != RF_STATE_STOPPING)
		ask(status);
}

void StopOperation::ask(const rf_status &status)
{
	const std::string force =
		text("'rfm stop --force ", subos_.name(), "' holds its cores at once");

	if (status.state != RF_STATE_RUNNING) {
		if (wanted_.force)
			return hold();
		throw Error(Code::no_answer,
			    text("subOS '", subos_.name(), "' cannot be asked to stop: it is ",
				 state_name(status.state), "; ", force));
	}
	try {
		subos_.stop(wanted_.restart ? RF_STOP_RESTART : 0);
	} catch (const Error &error) {
		// It was faster.
		if (error.code() == Code::not_up && has_no_core_running(subos_.status()))
			return;
		if (error.code() != Code::no_answer)
			throw;
		if (!wanted_.force)
			throw Error(Code::no_answer, text(error.what(), "; ", force));
		hold();
	}
}

void StopOperation::hold()
{
	forced_ = true;
	try {
		subos_.stop(RF_STOP_NOW | (wanted_.restart ? RF_STOP_RESTART : 0));
	} catch (const Error &error) {
		// It was faster.
		if (error.code() != Code::not_up || !has_no_core_running(subos_.status()))
			throw;
	}
}

Json StopOperation::await(Output &output)
{
	std::uint64_t deadline =
		monotonic_ns() + (forced_ ? forced_ns : wanted_.timeout * second_ns);

	for (;;) {
		const rf_status status = subos_.status();
		const std::uint64_t now = monotonic_ns();

		if (has_no_core_running(status))
			return {{"name", subos_.name()},
				{"state", state_name(status.state)},
				{"cause", cause_name(status.cause)},
				{"reason", inspect::printable(status.reason)},
				{"forced", forced_},
				{"seconds", static_cast<double>(now - begin_) / 1e9}};
		if (interrupted())
			throw Error(Code::interrupted,
				    text("interrupted; subOS '", subos_.name(),
					 "' is still going down: see 'rfm list'"));
		if (now >= deadline && wanted_.force && !forced_) {
			hold();
			deadline = now + forced_ns;
			continue;
		}
		if (now >= deadline)
			throw Error(Code::no_answer,
				    text("subOS '", subos_.name(),
					 "' was asked to stop but is still ",
					 state_name(status.state), " after ",
					 (now - begin_) / second_ns,
					 " s: wait longer with --timeout "
					 "S, or hold its cores with --force"));
		output.progress(text("stop '", subos_.name(), "': ", state_name(status.state), ", ",
				     (now - begin_) / second_ns, " s ..."));
		const std::uint64_t left = std::min(deadline - now, tick_ns);
		if (subos_.wait(std::chrono::milliseconds(left / 1'000'000 + 1)) ==
		    Partition::Event::gone)
			throw Error(Code::no_such_subos,
				    text("subOS '", subos_.name(),
					 "' was destroyed in the meantime"));
	}
}

std::string stopped_line(const Json &stopped)
{
	const std::string cause = stopped["cause"];

	return text("subOS '", stopped["name"].get<std::string>(), "' is ",
		    stopped["state"].get<std::string>(),
		    cause == "none" ? "" : text(" (", cause, ")"), " after ",
		    format_seconds(stopped["seconds"]), stopped["forced"] ? ", held by force" : "",
		    "\n");
}

} // namespace rf
