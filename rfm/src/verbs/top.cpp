// SPDX-License-Identifier: GPL-2.0
// rfm top: how busy all kernels of the machine are, renewed in place.
#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/terminal.hpp"
#include "client/supervisor.hpp"
#include "client/words.hpp"
#include "host/proc_statistics.hpp"
#include "verbs/verbs.hpp"
#include "view/event.hpp"
#include "view/statistics.hpp"
#include "view/subos.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <ctime>
#include <map>

#include <poll.h>
#include <unistd.h>

namespace rf {

namespace {

constexpr Option options[] = {
	{"delay", "S", "refresh the table every S seconds (1 to 3600, default 2)"},
	{"once", nullptr, "print one table and exit, as always with --json or without a terminal"},
};

constexpr unsigned delay_default = 2;
constexpr unsigned delay_most = 3600;

// For a terminal of 80 columns; a wider one gives the rest to the names.
constexpr int columns_least = 80;
constexpr int name_least = 11;

// A column after the name; left-aligned if the width is negative.
struct Column {
	const char *title;
	int width;
};
constexpr Column columns[] = {{"STATE", -8}, {"CORES", 5}, {"LOAD", 5}, {"BUSY", 4},
			      {"MEM", 5},    {"AVAIL", 5}, {"UPTIME", 8}, {"MSG/S", 5},
			      {"INT/S", 5},  {"PRESSURE", 8}};

// Four characters: "995M", "1.9G", "64G".
std::string short_size(std::uint64_t bytes)
{
	double number = static_cast<double>(bytes);
	std::size_t unit = 0;
	char buffer[16];

	for (; number >= 1000 && unit < 5; unit++)
		number /= 1024;
	std::snprintf(buffer, sizeof(buffer), "%.*f%c", unit && number < 10 ? 1 : 0, number,
		      "BKMGTP"[unit]);
	return buffer;
}

std::string short_number(const Json &value)
{
	char buffer[16];

	if (value.is_null())
		return "-";
	const double number = value;
	if (number < 99'999.5)
		std::snprintf(buffer, sizeof(buffer), "%.0f", number);
	else
		std::snprintf(buffer, sizeof(buffer), "%.0fk", std::min(number / 1000, 9999.0));
	return buffer;
}

// "02:03:04", from a day on "1d02:03".
std::string short_uptime(double seconds)
{
	const std::uint64_t whole = static_cast<std::uint64_t>(seconds);
	char buffer[48];

	if (whole < 86400)
		return format_uptime(seconds);
	if (whole >= 100 * 86400)
		return text(whole / 86400, "d");
	std::snprintf(buffer, sizeof(buffer), "%llud%02llu:%02llu",
		      static_cast<unsigned long long>(whole / 86400),
		      static_cast<unsigned long long>(whole / 3600 % 24),
		      static_cast<unsigned long long>(whole / 60 % 60));
	return buffer;
}

// "12/0/3": cpu, memory, io in percent.
std::string short_pressure(const Json &pressure)
{
	std::string words;

	for (const auto &[name, percent] : pressure.items()) {
		words += words.empty() ? "" : "/";
		words += short_number(percent);
	}
	return words;
}

std::string line_of(const std::string &name, int name_width, const std::vector<std::string> &cells)
{
	char buffer[64];
	std::string line;

	std::snprintf(buffer, sizeof(buffer), "%-*.*s", name_width, name_width, name.c_str());
	line = buffer;
	for (std::size_t i = 0; i < cells.size(); i++) {
		std::snprintf(buffer, sizeof(buffer), " %*s", columns[i].width, cells[i].c_str());
		line += buffer;
	}
	return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::vector<std::string> cells_of(const Json &row)
{
	const Json &usage = row["usage"];
	const std::string owned = row["cores"].dump();
	std::vector<std::string> cells = {row["state"]};

	if (usage.is_null()) {
		cells.insert(cells.end(), {owned, "-", "-", short_size(row["memory"]), "-", "-",
					   "-", "-", "-"});
		return cells;
	}
	const std::string online = usage["cores_online"].dump();
	char load[16];
	std::snprintf(load, sizeof(load), "%.2f", usage["load"][0].get<double>());
	cells.insert(cells.end(),
		     {online == owned ? owned : online + "/" + owned, load,
		      short_number(usage["busy_percent"]), short_size(usage["memory_total"]),
		      short_size(usage["memory_available"]), short_uptime(usage["uptime_seconds"]),
		      short_number(usage["messages_per_second"]),
		      short_number(usage["interrupts_per_second"]),
		      short_pressure(usage["pressure_percent"])});
	return cells;
}

std::vector<std::string> table_of(const Json &result, int width)
{
	const int spare = std::max(0, width - columns_least);
	int name_width = name_least;
	std::vector<std::string> lines, cells;

	for (const Json &row : result["kernels"])
		name_width = std::max(name_width, static_cast<int>(
							  row["name"].get<std::string>().size()));
	name_width = std::min(name_width, name_least + spare);
	for (const Column &column : columns)
		cells.emplace_back(column.title);
	lines.push_back(line_of("NAME", name_width, cells));
	for (const Json &row : result["kernels"])
		lines.push_back(line_of(row["name"], name_width, cells_of(row)));
	return lines;
}

std::string as_text(const Json &result)
{
	const auto size = window_size(STDOUT_FILENO);
	std::string words;

	for (const std::string &line : table_of(result, size ? size->columns : columns_least))
		words += line + '\n';
	return words;
}

// Looks at all kernels, and remembers what it saw for the rates of the next look.
class Watch {
public:
	explicit Watch(const Supervisor &supervisor) : supervisor_(supervisor) {}

	Json look()
	{
		const rf_info info = supervisor_.info();
		Json result = {{"pool_total", info.pool_total},
			       {"pool_free", info.pool_free},
			       {"kernels", Json::array({own_row()})}};

		for (const std::string &name : supervisor_.names()) {
			try {
				result["kernels"].push_back(row_of(supervisor_.subos(name)));
			} catch (const Error &error) {
				// Destroyed between the list and the look.
				if (error.code() != Code::no_such_subos)
					throw;
			}
		}
		return result;
	}

private:
	Json usage_of(std::uint32_t id, const rf_statistics &now)
	{
		const auto found = seen_.find(id);
		const auto before = found == seen_.end() ? std::nullopt
							 : std::optional(found->second);
		seen_[id] = now;
		return usage_json(now, before);
	}

	Json own_row()
	{
		const rf_statistics own = supervisor_statistics();
		Json usage = usage_of(0, own);

		usage["messages_per_second"] = Json();
		usage["interrupts_per_second"] = Json();
		return {{"name", "supervisor"},	      {"id", 0},
			{"state", "-"},		      {"cores", own.cpus_online},
			{"memory", own.memory_total}, {"usage", usage}};
	}

	Json row_of(const Partition &subos)
	{
		const rf_status status = subos.status();
		Json row = {{"name", subos.name()},
			    {"id", status.id},
			    {"state", state_name(status.state)},
			    {"cores", status.nr_cpus},
			    {"memory", status.memory},
			    {"usage", Json()}};

		if (status.state != RF_STATE_RUNNING)
			return row;
		try {
			row["usage"] = usage_of(status.id, subos.statistics());
		} catch (const Error &error) {
			if (error.code() == Code::interrupted || error.code() == Code::internal)
				throw;
			// One that does not answer does not keep the others.
			row["error"] = one_line(error.what());
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

	void draw(const Json &result) const
	{
		const WindowSize size = window_size(STDOUT_FILENO).value_or(WindowSize{24, 80});
		std::vector<std::string> lines = table_of(result, size.columns);
		std::string frame = "\033[H";

		lines.insert(lines.begin(), headline(result));
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
	static std::string headline(const Json &result)
	{
		timespec now{};

		::clock_gettime(CLOCK_REALTIME, &now);
		return text(format_time(static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u)
				    .substr(11, 8),
			    "  pool: ", short_size(result["pool_free"]), " of ",
			    short_size(result["pool_total"]), " free  q: quit");
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
void renew(Watch &watch, std::chrono::seconds delay)
{
	SignalQueue signals({SIGWINCH, SIGTSTP});
	Screen screen;
	Json seen = watch.look();
	const std::uint64_t delay_ns = static_cast<std::uint64_t>(delay.count()) * 1'000'000'000u;
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
	const std::uint64_t delay =
		parse_number("delay", request.value("delay").value_or(std::to_string(delay_default)),
			     1, delay_most);
	const Supervisor supervisor = Supervisor::open();
	Watch watch(supervisor);

	if (request.has("once") || request.json || !::isatty(STDOUT_FILENO)) {
		output.result(watch.look(), as_text);
		return Code::ok;
	}
	catch_interrupts();
	try {
		renew(watch, std::chrono::seconds(delay));
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
