// SPDX-License-Identifier: GPL-2.0
#include "operations/console_session.hpp"

#include "base/clock.hpp"
#include "cli/interrupt.hpp"
#include "view/subos.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr char detach_key = 0x1d;	// Ctrl-]
constexpr char interrupt_key = 0x03;	// Ctrl-C
// After POLLOUT a pipe takes so much without blocking.
constexpr std::size_t step = 4096;
// Typed while the subOS takes nothing; a serial line would lose the rest, too.
constexpr std::size_t typed_most = step;
constexpr std::uint64_t second_ns = 1'000'000'000;
// How long input from a file may wait for the subOS to take some of it.
constexpr std::uint64_t patience_ns = 30 * second_ns;
// A terminal that has said nothing for so long has answered; one that goes on is typed on.
constexpr int answers_ms = 100;
constexpr std::uint64_t answers_ns = second_ns / 2;

bool is_retry(int error)
{
	return error == EINTR || error == EAGAIN;
}

} // namespace

ConsoleSession::ConsoleSession(const Partition &subos, Descriptor console, Way way,
			       std::chrono::milliseconds idle, Output &output)
	: subos_(subos), console_(std::move(console)), writes_(way.writes),
	  idle_ns_(static_cast<std::uint64_t>(idle.count()) * 1'000'000), output_(output),
	  terminal_(::isatty(STDIN_FILENO)), may_ask_(way.writes && terminal_),
	  filters_(!may_ask_ || way.replays), signals_({SIGWINCH, SIGTSTP, SIGQUIT}),
	  mode_(STDIN_FILENO, TerminalMode::Kind::raw), input_ended_(!terminal_ && !way.writes),
	  moved_at_(monotonic_ns())
{
	// Our own open file: nobody shares these flags.
	if (::fcntl(console_.get(), F_SETFL, O_NONBLOCK) < 0)
		throw Error(Code::internal, text("console: ", std::strerror(errno)));
	look_at_state();
}

ConsoleSession::~ConsoleSession()
{
	if (!filters_)
		drop_answers();
}

ConsoleSession::End ConsoleSession::run()
{
	for (;;) {
		if (interrupted())
			return End::interrupted;
		if (console_ended_ && to_output_.empty())
			return End::destroyed;
		if (limit_ns() && monotonic_ns() - moved_at_ >= limit_ns()) {
			if (!to_console_.empty())
				refuse_input();
			return End::done;
		}
		// All that was written before has been read: what comes now asks now.
		if (filters_ && may_ask_ && filter_.at_rest() && !has_more())
			filters_ = false;
		if (const auto end = look())
			return *end;
	}
}

// One wait, and what it brought.
std::optional<ConsoleSession::End> ConsoleSession::look()
{
	const short console_wants =
		static_cast<short>((to_output_.empty() && !console_ended_ ? POLLIN : 0) |
				   (to_console_.empty() ? 0 : POLLOUT));
	// A terminal is listened to even if nothing can be sent: the way out must work.
	const bool listens = !input_ended_ && (terminal_ || to_console_.empty());
	pollfd entries[] = {
		{console_wants ? console_.get() : -1, console_wants, 0},
		{listens ? STDIN_FILENO : -1, POLLIN, 0},
		{STDOUT_FILENO, static_cast<short>(to_output_.empty() ? 0 : POLLOUT), 0},
		{gone_ ? -1 : subos_.fd(), POLLIN, 0},
		{signals_.fd(), POLLIN, 0},
		{interrupt_descriptor(), POLLIN, 0},
	};
	const auto &[console, input, output, subos, signal, interrupt] = entries;
	std::optional<End> end;

	if (::poll(entries, std::size(entries), timeout()) < 0) {
		if (errno != EINTR)
			throw Error(Code::internal, text("poll: ", std::strerror(errno)));
		return std::nullopt;
	}
	if (subos.revents)
		look_at_state();
	if (signal.revents)
		end = take_signal();
	if (!end && input.revents)
		end = take_input();
	if (console.revents & POLLOUT)
		give_input();
	if (to_output_.empty() && (console.revents & ~POLLOUT))
		take_output();
	// Errors tell that nobody reads our output any more.
	if (!end && output.revents)
		end = output.revents & POLLOUT ? give_output() : End::done;
	return end;
}

// Silence after which it is over; 0: never. A terminal decides by itself.
std::uint64_t ConsoleSession::limit_ns() const
{
	if (terminal_ || !to_output_.empty())
		return 0;
	if (!to_console_.empty())
		return patience_ns;
	return input_ended_ ? idle_ns_ : 0;
}

int ConsoleSession::timeout() const
{
	const std::uint64_t limit = limit_ns();
	const std::uint64_t silent = monotonic_ns() - moved_at_;

	if (!limit)
		return -1;
	return silent < limit ? static_cast<int>((limit - silent) / 1'000'000 + 1) : 0;
}

std::optional<ConsoleSession::End> ConsoleSession::take_input()
{
	char buffer[step];
	const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof(buffer));

	if (got < 0 && is_retry(errno))
		return std::nullopt;
	moved_at_ = monotonic_ns();
	if (got <= 0) {
		input_ended_ = true;
		return terminal_ ? std::optional(End::done) : std::nullopt;
	}
	std::string_view bytes(buffer, static_cast<std::size_t>(got));
	if (!terminal_) {
		to_console_ = bytes;
		if (ended_ || gone_)
			refuse_input();
		return std::nullopt;
	}
	const std::size_t detach = bytes.find(detach_key);
	if (!writes_)
		return detach != bytes.npos || bytes.find(interrupt_key) != bytes.npos
			       ? std::optional(End::detached)
			       : std::nullopt;
	bytes = bytes.substr(0, detach);
	to_console_ += bytes.substr(0, typed_most - std::min(typed_most, to_console_.size()));
	give_input();
	return detach != std::string_view::npos ? std::optional(End::detached) : std::nullopt;
}

void ConsoleSession::give_input()
{
	if (to_console_.empty())
		return;
	const ssize_t given = ::write(console_.get(), to_console_.data(), to_console_.size());
	if (given < 0 && is_retry(errno))
		return;
	if (given < 0 && !terminal_)
		refuse_input();
	// A terminal's keys are lost on a subOS that is down.
	to_console_.erase(0, given < 0 ? to_console_.npos : static_cast<std::size_t>(given));
	moved_at_ = monotonic_ns();
}

void ConsoleSession::take_output()
{
	char buffer[step];
	const ssize_t got = ::read(console_.get(), buffer, sizeof(buffer));

	if (got < 0 && is_retry(errno))
		return;
	if (got < 0)
		throw Error(Code::internal, text("console: ", std::strerror(errno)));
	console_ended_ = got == 0;
	const std::string_view bytes(buffer, static_cast<std::size_t>(got));
	to_output_ = filters_ ? filter_.pass(bytes) : std::string(bytes);
	moved_at_ = monotonic_ns();
}

bool ConsoleSession::has_more() const
{
	pollfd entry = {console_.get(), POLLIN, 0};

	return ::poll(&entry, 1, 0) != 0;
}

// What the terminal still answers must not be typed into the shell that called us. What was
// asked last may have a network to cross.
void ConsoleSession::drop_answers() const
{
	const std::uint64_t begin = monotonic_ns();
	pollfd entry = {STDIN_FILENO, POLLIN, 0};

	while (monotonic_ns() - begin < answers_ns && ::poll(&entry, 1, answers_ms) > 0)
		if (!(entry.revents & POLLIN) || ::tcflush(STDIN_FILENO, TCIFLUSH) < 0)
			return;
}

std::optional<ConsoleSession::End> ConsoleSession::give_output()
{
	const ssize_t given = ::write(STDOUT_FILENO, to_output_.data(),
				      std::min(to_output_.size(), step));

	if (given < 0 && is_retry(errno))
		return std::nullopt;
	if (given < 0 && errno == EPIPE)
		return End::done;
	if (given < 0)
		throw Error(Code::internal, text("the output could not be written to stdout: ",
						 std::strerror(errno)));
	to_output_.erase(0, static_cast<std::size_t>(given));
	moved_at_ = monotonic_ns();
	return std::nullopt;
}

std::optional<ConsoleSession::End> ConsoleSession::take_signal()
{
	switch (signals_.next()) {
	case SIGTSTP:
		suspend(mode_);
		[[fallthrough]];
	case SIGWINCH:
		send_window();
		return std::nullopt;
	case SIGQUIT: return End::interrupted;
	default: return std::nullopt;
	}
}

void ConsoleSession::look_at_state()
{
	try {
		const rf_status status = subos_.status();
		const bool was_running = running_, had_ended = ended_;

		running_ = status.state == RF_STATE_RUNNING;
		ended_ = has_ended(status);
		if (running_ && !was_running)
			send_window();
		if (ended_ && !had_ended)
			tell(text("subOS '", subos_.name(), "' is ", describe_state(status)));
	} catch (const Error &error) {
		if (error.code() != Code::no_such_subos)
			throw;
		// The console tells when all that it said was read.
		gone_ = true;
	}
	if ((ended_ || gone_) && !terminal_ && !to_console_.empty())
		refuse_input();
}

// The size is a convenience: a subOS that cannot take it is used all the same.
void ConsoleSession::send_window() const
{
	const auto size = window_size(STDIN_FILENO);

	if (!writes_ || !running_ || !size)
		return;
	try {
		subos_.set_window(size->rows, size->columns);
	} catch (const Error &) {
	}
}

void ConsoleSession::tell(const std::string &message)
{
	mode_.leave();
	output_.note(message);
	mode_.enter();
}

void ConsoleSession::refuse_input() const
{
	if (ended_ || gone_)
		throw Error(Code::not_up, text("subOS '", subos_.name(), "' is down: ",
					       to_console_.size(),
					       " bytes of input and all that follows were not "
					       "delivered"));
	throw Error(Code::no_answer, text("subOS '", subos_.name(),
					  "' accepts no input: ", to_console_.size(),
					  " bytes of input and all that follows were not "
					  "delivered"));
}

} // namespace rf
