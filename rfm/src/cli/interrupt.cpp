// SPDX-License-Identifier: GPL-2.0
#include "cli/interrupt.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include <sys/eventfd.h>
#include <unistd.h>

namespace rf {

namespace {

volatile std::sig_atomic_t mark = 0;
int descriptor = -1;	// as long as the process

void set_mark(int)
{
	const int saved = errno;
	const std::uint64_t one = 1;

	mark = 1;
	// Never full, and nobody could be told if it were.
	[[maybe_unused]] const ssize_t written = ::write(descriptor, &one, sizeof(one));
	errno = saved;
}

// As nohup(1) has it. Shells ignore SIGINT for what they start in the background, which nobody
// means by it.
bool is_ignored(int signal)
{
	struct sigaction found {};

	return ::sigaction(signal, nullptr, &found) == 0 && found.sa_handler == SIG_IGN;
}

} // namespace

void catch_interrupts()
{
	struct sigaction action {};

	if (descriptor < 0)
		descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (descriptor < 0)
		throw Error(Code::internal, text("eventfd: ", std::strerror(errno)));
	// Without SA_RESTART: whoever waits in the kernel comes back.
	action.sa_handler = set_mark;
	for (const int signal : {SIGINT, SIGTERM, SIGHUP})
		if (signal != SIGHUP || !is_ignored(signal))
			::sigaction(signal, &action, nullptr);
}

bool interrupted()
{
	return mark;
}

void check_interrupt(const char *what)
{
	if (interrupted())
		throw Error(Code::interrupted,
			    text("interrupted (", what, "); nothing is left behind"));
}

void forget_interrupts()
{
	std::uint64_t count;

	std::signal(SIGHUP, SIG_IGN);
	mark = 0;
	// Nothing to be read is as good.
	[[maybe_unused]] const ssize_t got = ::read(descriptor, &count, sizeof(count));
}

int interrupt_descriptor()
{
	return descriptor;
}

} // namespace rf
