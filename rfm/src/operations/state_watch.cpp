// SPDX-License-Identifier: GPL-2.0
#include "operations/state_watch.hpp"

#include "client/partition.hpp"
#include "client/words.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr std::uint32_t states[] = {
	RF_STATE_DEFINED, RF_STATE_LOADED,  RF_STATE_BOOTING, RF_STATE_RUNNING,
	RF_STATE_STOPPING, RF_STATE_STOPPED, RF_STATE_CRASHED, RF_STATE_LOST,
};

bool is_end(std::uint64_t state)
{
	return state == RF_STATE_STOPPED || state == RF_STATE_CRASHED;
}

std::string state_names()
{
	std::string names;

	for (const std::uint32_t state : states)
		names += text(state_name(state), ", ");
	return names + gone_state;
}

bool is_state(const std::string &word)
{
	return word == gone_state || std::ranges::any_of(states, [&](std::uint32_t state) {
		return word == state_name(state);
	});
}

} // namespace

std::set<std::string> parse_states(const std::string &list)
{
	std::set<std::string> found;

	for (std::size_t from = 0; from <= list.size();) {
		const std::size_t comma = std::min(list.find(',', from), list.size());
		const std::string word = list.substr(from, comma - from);
		if (!is_state(word))
			throw Error(Code::bad_value, text("state '", word, "' is not known: give some of ",
							  state_names()));
		found.insert(word);
		from = comma + 1;
	}
	return found;
}

void StateWatch::remember(const rf_event &event)
{
	if (event.type == RF_EVENT_STATE || event.type == RF_EVENT_CREATED)
		policy_ = Policy::unknown;
	if (event.type == RF_EVENT_POLICY)
		policy_ = event.result ? Policy::gave_up : Policy::at_work;
}

void StateWatch::see(const rf_event &event)
{
	remember(event);
	if (event.type == RF_EVENT_CREATED)
		was_there_ = true;
	if (event.type == RF_EVENT_STATE) {
		was_there_ = true;
		enter(state_name(static_cast<std::uint32_t>(event.args[1])));
		if (!is_end(event.args[1]))
			ended_since_ = 0;
	}
	if (event.type == RF_EVENT_DESTROYED) {
		enter(gone_state);
		destroyed_ = true;
	}
}

void StateWatch::see(const rf_status &status, std::uint64_t now)
{
	was_there_ = true;
	described_ = describe_state(status);
	settle_ = settle_ns + (status.memory >> 30) * settle_per_gib_ns +
		  status.nr_functions * settle_per_function_ns;
	enter(state_name(status.state));
	if (!has_ended(status))
		ended_since_ = 0;
	else if (!ended_since_)
		ended_since_ = now;
}

void StateWatch::see_absent()
{
	enter(gone_state);
	destroyed_ = destroyed_ || was_there_;
}

void StateWatch::enter(const std::string &state)
{
	state_ = state;
	if (!arrived_ && wants(state))
		arrived_ = state;
}

std::optional<Error> StateWatch::failure(std::uint64_t now) const
{
	if (arrived_)
		return std::nullopt;
	if (destroyed_)
		return Error(Code::not_up,
			     text("subOS '", name_, "' was destroyed in the meantime"));
	// Whatever ended can be destroyed, which is what is waited for then.
	if (!ended_since_ || wants(gone_state) || policy_ == Policy::at_work)
		return std::nullopt;
	if (policy_ != Policy::gave_up && now - ended_since_ < settle_)
		return std::nullopt;
	return Error(Code::not_up, text("subOS '", name_, "' is ", described_,
					", and nothing starts it again: 'rfm start ", name_, "' does"));
}

std::uint64_t StateWatch::doubtful_until() const
{
	if (arrived_ || !ended_since_ || wants(gone_state) || policy_ == Policy::at_work)
		return 0;
	return ended_since_ + settle_;
}

} // namespace rf
