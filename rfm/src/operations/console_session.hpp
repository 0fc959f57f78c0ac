// SPDX-License-Identifier: GPL-2.0
// The bytes between standard input, a subOS's console and standard output.
#pragma once

#include "base/descriptor.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"
#include "cli/terminal_filter.hpp"
#include "client/partition.hpp"

#include <vector>

namespace rf {

class ConsoleSession {
public:
	enum class End {
		detached,	// by key
		destroyed,	// the subOS is gone
		done,		// input at its end and output silent, or nobody reads us
		interrupted,	// by a signal
	};

	// How the console was opened.
	struct Way {
		bool writes;	// it takes input
		bool replays;	// it begins with what was written before
	};

	// Expects catch_interrupts(), and SIGPIPE ignored. `idle`: without a terminal, silence
	// after which it is over; 0: never. A terminal on standard input is in raw mode while
	// the object lives.
	ConsoleSession(const Partition &subos, Descriptor console, Way way,
		       std::chrono::milliseconds idle, Output &output);
	~ConsoleSession();

	// Throws Error(not_up) or Error(no_answer) if a file's input is not taken.
	End run();

private:
	std::optional<End> look();
	int timeout() const;
	std::uint64_t limit_ns() const;
	std::optional<End> take_input();
	std::optional<End> take_signal();
	std::optional<End> give_output();
	void take_output();
	bool has_more() const;
	void drop_answers() const;
	void give_input();
	void look_at_state();
	void send_window() const;
	void tell(const std::string &message);
	[[noreturn]] void refuse_input() const;

	const Partition &subos_;
	const Descriptor console_;
	const bool writes_;
	const std::uint64_t idle_ns_;
	Output &output_;
	const bool terminal_;		// on standard input
	// Who asks a terminal something gets the answer: a program that asks now, on a console
	// that this terminal types into. Not one that asked before, and not our own shell.
	const bool may_ask_;
	bool filters_;
	TerminalFilter filter_;
	SignalQueue signals_;
	TerminalMode mode_;

	std::string to_console_, to_output_;	// not written yet
	bool input_ended_, console_ended_ = false;
	bool running_ = false, ended_ = false, gone_ = false;	// the subOS
	std::uint64_t moved_at_;		// when the last byte moved
};

} // namespace rf
