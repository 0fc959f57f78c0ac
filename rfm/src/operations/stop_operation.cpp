// SPDX-License-Identifier: GPL-2.0
#include "operations/stop_operation.hpp"

#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>
#include <future>

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

std::uint64_t stop_deadline(const StopOptions &wanted)
{
	return deadline_after(wanted.timeout);
}

bool is_over(const rf_status &status, std::uint32_t starts)
{
	return has_no_core_running(status) || status.starts != starts;
}

StopOperation::StopOperation(Partition subos, const StopOptions &wanted, std::uint64_t deadline)
	: subos_(std::move(subos)), wanted_(wanted), begin_(monotonic_ns()), deadline_(deadline)
{
	const rf_status status = subos_.status();

	starts_ = status.starts;
	if (!look(status) && status.state != RF_STATE_STOPPING)
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
		asked_ = true;
	} catch (const Error &error) {
		// It was faster.
		if (error.code() == Code::not_up && is_over(subos_.status(), starts_))
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
	deadline_ = monotonic_ns() + forced_ns;
	try {
		subos_.stop(RF_STOP_NOW | (wanted_.restart ? RF_STOP_RESTART : 0));
	} catch (const Error &error) {
		// It was faster.
		if (error.code() != Code::not_up || !is_over(subos_.status(), starts_))
			throw;
	}
}

// Has it ended? Whoever waits for several looks late at some: the module knows when it was.
bool StopOperation::look(const rf_status &status)
{
	const bool again = status.starts != starts_;
	const std::uint64_t end = status.moments[RF_MOMENT_END];
	const double seconds = end > begin_ ? static_cast<double>(end - begin_) / 1e9 : 0.0;

	// What the next kernel does says nothing of the end of this one.
	if (is_over(status, starts_) && !ended_) {
		ended_ = Stopped{subos_.name(), status.state, status.cause,
				 inspect::printable(status.reason), forced_, seconds, again};
		if (again) {
			ended_->cause = RF_CAUSE_NONE;
			ended_->reason.clear();
			ended_->seconds.reset();
		}
	}
	return ended_.has_value();
}

void StopOperation::wait(Output &output)
{
	for (;;) {
		const rf_status status = subos_.status();
		const std::uint64_t now = monotonic_ns();

		if (look(status) || now >= deadline_)
			return;
		if (interrupted())
			throw Error(Code::interrupted,
				    text("interrupted; subOS '", subos_.name(),
					 "' is still going down: see 'rfm list'"));
		output.progress(text("stop '", subos_.name(), "': ", state_name(status.state), ", ",
				     (now - begin_) / second_ns, " s ..."));
		const std::uint64_t left = std::min(deadline_ - now, tick_ns);
		if (subos_.wait(std::chrono::milliseconds(left / 1'000'000 + 1)) ==
		    Partition::Event::gone)
			throw Error(Code::no_such_subos,
				    text("subOS '", subos_.name(),
					 "' was destroyed in the meantime"));
	}
}

void StopOperation::force()
{
	if (!ended_ && wanted_.force && !forced_ && !look(subos_.status()))
		hold();
}

std::string StopOperation::account() const
{
	const std::string name = text("subOS '", subos_.name(), "' ");

	if (forced_)
		return name + "is held: it could not be asked, or did not end in time";
	if (asked_)
		return name + "was asked for an orderly power-off";
	return name + "is not asked: it is not running, or on its way down already";
}

Stopped StopOperation::await(Output &output)
{
	wait(output);
	force();
	wait(output);
	if (!ended_)
		throw Error(Code::no_answer,
			    text("subOS '", subos_.name(), "' was asked to stop but is still ",
				 state_name(subos_.status().state), " after ",
				 (monotonic_ns() - begin_) / second_ns,
				 " s: wait longer with --timeout TIME, or hold its cores with --force"));
	return *ended_;
}

std::vector<StopOutcome> stop_all(std::vector<Partition> subos, const StopOptions &wanted,
				  Output &output)
{
	const std::uint64_t deadline = stop_deadline(wanted);
	std::vector<std::future<StopOperation>> asked;
	std::vector<std::optional<StopOperation>> under_way(subos.size());
	std::vector<StopOutcome> outcomes;
	// For each that has not failed yet.
	const auto each = [&](const auto &step) {
		for (std::size_t i = 0; i < outcomes.size(); i++) {
			try {
				if (!outcomes[i].failure)
					step(i);
			} catch (const Error &error) {
				outcomes[i].failure = error;
			}
		}
	};

	// An agent that does not answer takes seconds: not one after the other.
	for (Partition &one : subos) {
		outcomes.push_back({one.name(), std::nullopt, std::nullopt});
		asked.push_back(std::async(std::launch::async, [&one, &wanted, deadline] {
			return StopOperation(std::move(one), wanted, deadline);
		}));
	}
	each([&](std::size_t i) {
		under_way[i].emplace(asked[i].get());
		output.detail(under_way[i]->account());
	});
	each([&](std::size_t i) { under_way[i]->wait(output); });
	// All of them, before the first is waited for once more.
	each([&](std::size_t i) { under_way[i]->force(); });
	each([&](std::size_t i) { outcomes[i].stopped = under_way[i]->await(output); });
	return outcomes;
}

void to_json(Json &json, const Stopped &stopped)
{
	json = {{"name", stopped.name},
		{"state", state_name(stopped.state)},
		{"cause", cause_name(stopped.cause)},
		{"reason", stopped.reason},
		{"forced", stopped.forced},
		{"started_again", stopped.started_again},
		{"seconds", or_null(stopped.seconds)}};
}

std::string to_text(const Stopped &stopped)
{
	if (stopped.started_again)
		return text("subOS '", stopped.name,
			    "' ended, and somebody else has started it again\n");
	return text("subOS '", stopped.name, "' is ", state_name(stopped.state),
		    stopped.cause == RF_CAUSE_NONE ? std::string()
						   : text(" (", cause_name(stopped.cause), ")"),
		    " after ", format_seconds(stopped.seconds.value_or(0)),
		    stopped.forced ? ", held by force" : "", "\n");
}

} // namespace rf
