// SPDX-License-Identifier: GPL-2.0
// rfm top: how busy all kernels of the machine are, renewed in place.
#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/terminal.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "client/words.hpp"
#include "host/proc_statistics.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"
#include "view/statistics.hpp"
#include "view/subos.hpp"
#include "view/usage_table.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>
#include <ctime>
#include <map>

#include <poll.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"delay", "TIME", "time from one table to the next (100ms to 1h, default 2s)"},
	{"once", nullptr, "print one table and exit, as always with --json or without a terminal"},
};

constexpr Milliseconds delay_least{100}, delay_default{2000}, delay_most{3600'000};

struct Kernels {
	std::uint64_t pool_total = 0, pool_free = 0;	// memory for subOSes
	std::vector<KernelRow> rows;			// the supervisor's first
};

void to_json(Json &json, const Kernels &kernels)
{
	json = {{"pool_total", kernels.pool_total},
		{"pool_free", kernels.pool_free},
		{"kernels", kernels.rows}};
}

std::string to_text(const Kernels &kernels)
{
	const auto size = window_size(STDOUT_FILENO);
	const int columns = size ? size->columns : usage_columns_least;
	std::string words;

	for (const std::string &line : usage_lines(kernels.rows, columns))
		words += line + '\n';
	return words;
}

// Looks at all kernels, and remembers what it saw for the rates of the next look.
class Watch {
public:
	explicit Watch(const Supervisor &supervisor) : supervisor_(supervisor) {}

	Kernels look()
	{
		const rf_info info = supervisor_.info();
		Kernels kernels{info.pool_total, info.pool_free, {own_row()}};

		for (KernelRow &row : usage_rows(supervisor_.names(), [this](const std::string &name) {
			     return row_of(supervisor_.subos(name));
		     }))
			kernels.rows.push_back(std::move(row));
		return kernels;
	}

private:
	Usage usage_since(std::uint32_t id, const rf_statistics &now)
	{
		const auto found = seen_.find(id);
		const auto before = found == seen_.end() ? std::nullopt
							 : std::optional(found->second);
		seen_[id] = now;
		return usage_of(now, before);
	}

	KernelRow own_row()
	{
		const rf_statistics own = supervisor_statistics();
		Usage usage = usage_since(0, own);

		usage.messages_per_second.reset();
		usage.interrupts_per_second.reset();
		return {.name = "supervisor",
			.id = 0,
			.cores = own.cpus_online,
			.memory = own.memory_total,
			.usage = usage};
	}

	KernelRow row_of(const Partition &subos)
	{
		const rf_status status = subos.status();
		KernelRow row{.name = subos.name(),
			      .id = status.id,
			      .state = state_name(status.state),
			      .cores = status.nr_cpus,
			      .memory = status.memory};

		if (status.state != RF_STATE_RUNNING)
			return row;
		try {
			row.usage = usage_since(status.id, subos.statistics());
		} catch (const Error &error) {
			if (error.code() == Code::interrupted ||
			    error.code() == Code::no_such_subos)
				throw;
			// One that does not answer does not keep the others, and what is known
			// of it from outside.
			row.error = one_line(error.what());
		}
		return row;
	}

	const Supervisor &supervisor_;
	std::map<std::uint32_t, rf_statistics> seen_;	// by id of the subOS
};

// The terminal's other screen, so that what was on it comes back.
class Screen {
public:
	Screen() : mode_(STDIN_FILENO, TerminalMode::Kind::keys) { enter(); }
	~Screen() { leave(); }

	void draw(const Kernels &kernels) const
	{
		const WindowSize size = window_size(STDOUT_FILENO).value_or(WindowSize{24, 80});
		std::vector<std::string> lines = usage_lines(kernels.rows, size.columns);
		std::string frame = "\033[H";

		lines.insert(lines.begin(), headline(kernels));
		lines.resize(std::min<std::size_t>(lines.size(), size.rows - 1u));
		// Erased first: behind a line as wide as the screen its end would be erased.
		for (const std::string &line : lines)
			frame += "\033[K" + line.substr(0, size.columns) + '\n';
		std::cout << frame << "\033[J" << std::flush;
	}
	void suspend()
	{
		leave();
		rf::suspend(mode_);
		enter();
	}

private:
	static std::string headline(const Kernels &kernels)
	{
		timespec now{};

		::clock_gettime(CLOCK_REALTIME, &now);
		return text(format_time(static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u)
				    .substr(11, 8),
			    "  pool: ", short_size(kernels.pool_free), " of ",
			    short_size(kernels.pool_total), " free  q: quit");
	}
	void enter() const { std::cout << "\033[?1049h\033[?25l\033[2J" << std::flush; }
	void leave() const { std::cout << "\033[?25h\033[?1049l" << std::flush; }

	TerminalMode mode_;
};

bool is_end_key()
{
	char keys[64];
	const ssize_t got = ::read(STDIN_FILENO, keys, sizeof(keys));

	return got == 0 || (got > 0 && std::memchr(keys, 'q', static_cast<std::size_t>(got)));
}

// Shows tables until a key or a signal ends it.
void renew(Watch &watch, Milliseconds delay)
{
	SignalQueue signals({SIGWINCH, SIGTSTP});
	Screen screen;
	Kernels seen = watch.look();
	const std::uint64_t delay_ns = static_cast<std::uint64_t>(delay.count()) * 1'000'000u;
	std::uint64_t next = monotonic_ns() + delay_ns;
	const int keys = ::isatty(STDIN_FILENO) ? STDIN_FILENO : -1;

	while (!interrupted()) {
		screen.draw(seen);
		const std::uint64_t now = monotonic_ns();
		const int left = now < next ? static_cast<int>((next - now) / 1'000'000 + 1) : 0;
		pollfd entries[] = {{keys, POLLIN, 0},
				    {signals.fd(), POLLIN, 0},
				    {interrupt_descriptor(), POLLIN, 0}};
		if (::poll(entries, std::size(entries), left) < 0 && errno != EINTR)
			throw Error(Code::internal, text("poll: ", std::strerror(errno)));
		if (entries[0].revents && is_end_key())
			return;
		if (entries[1].revents && signals.next() == SIGTSTP)
			screen.suspend();
		if (monotonic_ns() >= next && !interrupted()) {
			seen = watch.look();
			next = monotonic_ns() + delay_ns;
		}
	}
}

Code run(const Request &request, Output &output)
{
	const Milliseconds delay =
		time_option(request, "delay", delay_least, delay_most, delay_default);
	const Supervisor supervisor = Supervisor::open();
	Watch watch(supervisor);

	if (request.has("once") || request.json || !::isatty(STDOUT_FILENO)) {
		output.result(watch.look());
		return Code::ok;
	}
	catch_interrupts();
	try {
		renew(watch, delay);
	} catch (const Error &error) {
		// Ctrl-C is the usual end, also while a subOS is being asked.
		if (error.code() != Code::interrupted)
			throw;
	}
	return Code::ok;
}

} // namespace

const Verb top_verb = {
	"top", "",
	"show how busy all kernels are",
	"Shows the supervisor first, then each subOS: state, cores online, load of the last\n"
	"minute, processor time in use in percent, total and available memory, uptime, FICM\n"
	"messages and doorbell interrupts per second, and pressure on processors, memory and\n"
	"I/O in percent. The first table has the averages since each kernel's start.",
	options, 0, 0, run,
};

} // namespace rf
