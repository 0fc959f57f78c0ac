// SPDX-License-Identifier: GPL-2.0
#include "operations/await_states.hpp"

#include "base/clock.hpp"
#include "base/name.hpp"
#include "cli/interrupt.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <poll.h>

namespace rf {

namespace {

std::string words_of(const std::set<std::string> &states)
{
	std::string words;

	for (const std::string &state : states)
		words += (words.empty() ? "" : " or ") + state;
	return words;
}

class Wait {
public:
	Wait(const Supervisor &supervisor, const std::vector<std::string> &names,
	     const AwaitOptions &wanted)
		: supervisor_(supervisor), wanted_(wanted), begin_(monotonic_ns()),
		  deadline_(wanted.timeout ? deadline_after(*wanted.timeout) : UINT64_MAX)
	{
		for (const std::string &name : names) {
			check_name(name);
			watches_.emplace_back(name, wanted.states);
		}
	}

	std::vector<Arrival> run(Output &output);

private:
	void begin();
	void look();
	void look_at(StateWatch &watch);
	void collect();
	void check() const;
	void sleep() const;
	void follow();
	[[noreturn]] void time_is_over() const;

	const Supervisor &supervisor_;
	const AwaitOptions &wanted_;
	const std::uint64_t begin_;
	const std::uint64_t deadline_;		// UINT64_MAX: none
	std::vector<StateWatch> watches_;	// that have not arrived
	std::vector<Arrival> arrivals_;
	std::uint64_t after_ = 0;		// events up to this one were seen
};

// Events first: what comes between them and the first look is seen twice, and not missed.
void Wait::begin()
{
	for (const rf_event &event : supervisor_.events(0).list) {
		after_ = event.sequence;
		for (StateWatch &watch : watches_)
			if (watch.name() == event.name)
				watch.remember(event);
	}
	// One that is still to be created is waited for where that makes sense, else it is a typo.
	if (!wanted_.states.contains(gone_state) && !wanted_.states.contains("running"))
		for (const StateWatch &watch : watches_)
			supervisor_.subos(watch.name());
}

void Wait::look_at(StateWatch &watch)
{
	try {
		watch.see(supervisor_.subos(watch.name()).status(), monotonic_ns());
	} catch (const Error &error) {
		if (error.code() != Code::no_such_subos)
			throw;
		watch.see_absent();
	}
}

void Wait::look()
{
	for (StateWatch &watch : watches_)
		if (!watch.arrived())
			look_at(watch);
}

void Wait::collect()
{
	for (const StateWatch &watch : watches_)
		if (watch.arrived())
			arrivals_.push_back({watch.name(), *watch.arrived(),
					     static_cast<double>(monotonic_ns() - begin_) / 1e9});
	std::erase_if(watches_, [](const StateWatch &watch) { return watch.arrived().has_value(); });
}

void Wait::check() const
{
	const std::uint64_t now = monotonic_ns();

	for (const StateWatch &watch : watches_)
		if (const auto failure = watch.failure(now))
			throw Error(failure->code(), failure->what(),
				    {{"name", watch.name()}, {"arrived", arrivals_}});
	if (interrupted())
		throw Error(Code::interrupted, "interrupted; nothing has changed",
			    {{"arrived", arrivals_}});
	if (now >= deadline_)
		time_is_over();
}

// One line for each.
void Wait::time_is_over() const
{
	std::vector<Failure> failures;

	for (const StateWatch &watch : watches_)
		failures.push_back({watch.name(),
				    Error(Code::no_answer,
					  text("subOS '", watch.name(), "' is ", watch.state(),
					       " and not ", words_of(wanted_.states), " after ",
					       format_duration(*wanted_.timeout)))});
	throw SeveralErrors(std::move(failures), {{"arrived", arrivals_}});
}

void Wait::sleep() const
{
	pollfd entries[] = {{supervisor_.fd(), POLLIN, 0}, {interrupt_descriptor(), POLLIN, 0}};
	std::uint64_t until = deadline_;

	for (const StateWatch &watch : watches_)
		if (const std::uint64_t doubtful = watch.doubtful_until())
			until = std::min(until, doubtful);
	const std::uint64_t now = monotonic_ns();
	const std::uint64_t left_ms = until > now ? (until - now) / 1'000'000 + 1 : 0;
	const int timeout = until == UINT64_MAX
				    ? -1
				    : static_cast<int>(std::min<std::uint64_t>(left_ms, INT_MAX));
	if (::poll(entries, std::size(entries), timeout) < 0 && errno != EINTR)
		throw Error(Code::internal, text("poll: ", std::strerror(errno)));
}

void Wait::follow()
{
	for (const rf_event &event : supervisor_.events(after_).list) {
		after_ = event.sequence;
		for (StateWatch &watch : watches_)
			if (watch.name() == event.name)
				watch.see(event);
	}
}

std::vector<Arrival> Wait::run(Output &output)
{
	begin();
	for (;;) {
		look();
		collect();
		if (watches_.empty())
			return arrivals_;
		check();
		output.progress(text("wait for '", watches_.front().name(), "', which is ",
				     watches_.front().state(), " ..."));
		sleep();
		follow();
	}
}

} // namespace

std::vector<Arrival> await_states(const Supervisor &supervisor,
				  const std::vector<std::string> &names,
				  const AwaitOptions &wanted, Output &output)
{
	return Wait(supervisor, names, wanted).run(output);
}

void to_json(Json &json, const Arrival &arrival)
{
	json = {{"name", arrival.name}, {"state", arrival.state}, {"seconds", arrival.seconds}};
}

} // namespace rf
