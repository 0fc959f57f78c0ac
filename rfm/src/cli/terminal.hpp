// SPDX-License-Identifier: GPL-2.0
// The operator's terminal: its modes, its size, and the signals that concern it.
#pragma once

#include <csignal>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <termios.h>

namespace rf {

// A terminal in another mode while the object lives. Does nothing if `fd` is none.
class TerminalMode {
public:
	enum class Kind {
		raw,	// every byte comes at once and as it is
		keys,	// every key comes at once, Ctrl-C is a signal still
	};
	TerminalMode(int fd, Kind kind);
	TerminalMode(const TerminalMode &) = delete;
	TerminalMode &operator=(const TerminalMode &) = delete;
	~TerminalMode() { leave(); }

	// Between leave() and enter() the terminal is as it was found.
	void enter();
	void leave();

private:
	int fd_;
	termios found_{}, wanted_{};
	bool there_, entered_ = false;
};

// Signals to be read from a descriptor instead of being delivered.
class SignalQueue {
public:
	explicit SignalQueue(std::initializer_list<int> signals);
	SignalQueue(const SignalQueue &) = delete;
	SignalQueue &operator=(const SignalQueue &) = delete;
	~SignalQueue();

	int fd() const { return fd_; }	// for poll()
	int next();			// 0: none

private:
	int fd_ = -1;
	sigset_t before_{};
};

struct WindowSize {
	std::uint16_t rows = 0;
	std::uint16_t columns = 0;
};

// Nothing if it is no terminal, or one that does not know.
std::optional<WindowSize> window_size(int fd);

// Stops this process as Ctrl-Z does, with the terminal as it was found.
void suspend(TerminalMode &mode);

} // namespace rf
