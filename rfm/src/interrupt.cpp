// SPDX-License-Identifier: GPL-2.0
#include "interrupt.hpp"

#include <csignal>
#include <initializer_list>

namespace rf {

namespace {

volatile std::sig_atomic_t mark = 0;

void set_mark(int)
{
	mark = 1;
}

} // namespace

void catch_interrupts()
{
	struct sigaction action {};

	// Without SA_RESTART: whoever waits in the kernel comes back.
	action.sa_handler = set_mark;
	for (const int signal : {SIGINT, SIGTERM, SIGHUP})
		::sigaction(signal, &action, nullptr);
}

bool interrupted()
{
	return mark;
}

} // namespace rf
