// SPDX-License-Identifier: GPL-2.0
#include "cli/terminal.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>

#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace rf {

TerminalMode::TerminalMode(int fd, Kind kind) : fd_(fd), there_(::tcgetattr(fd, &found_) == 0)
{
	wanted_ = found_;
	if (kind == Kind::raw)
		::cfmakeraw(&wanted_);
	else
		wanted_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
	wanted_.c_cc[VMIN] = 1;
	wanted_.c_cc[VTIME] = 0;
	enter();
}

void TerminalMode::enter()
{
	if (there_ && !entered_)
		entered_ = ::tcsetattr(fd_, TCSADRAIN, &wanted_) == 0;
}

void TerminalMode::leave()
{
	if (entered_)
		::tcsetattr(fd_, TCSADRAIN, &found_);
	entered_ = false;
}

SignalQueue::SignalQueue(std::initializer_list<int> signals)
{
	sigset_t set;

	sigemptyset(&set);
	for (const int signal : signals)
		sigaddset(&set, signal);
	fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd_ < 0)
		throw Error(Code::internal, text("signalfd: ", std::strerror(errno)));
	::sigprocmask(SIG_BLOCK, &set, &before_);
}

SignalQueue::~SignalQueue()
{
	::close(fd_);
	::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int SignalQueue::next()
{
	signalfd_siginfo info{};

	if (::read(fd_, &info, sizeof(info)) != sizeof(info))
		return 0;
	return static_cast<int>(info.ssi_signo);
}

std::optional<WindowSize> window_size(int fd)
{
	winsize size{};

	if (::ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
		return std::nullopt;
	return WindowSize{size.ws_row, size.ws_col};
}

void suspend(TerminalMode &mode)
{
	mode.leave();
	::raise(SIGSTOP);
	mode.enter();
}

} // namespace rf
