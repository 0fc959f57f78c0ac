// SPDX-License-Identifier: GPL-2.0
// rfm log: the kernel log of a subOS, read from its memory from outside.
#include "base/clock.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/time_option.hpp"
#include "client/supervisor.hpp"
#include "client/watched_memory.hpp"
#include "client/words.hpp"
#include "verbs/verbs.hpp"
#include "view/log_choice.hpp"
#include "view/no_log.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"follow", nullptr, "keep printing new lines until the subOS ends or Ctrl-C"},
	{"last", "N", "only the last N records; with --follow, these and the new ones"},
	{"level", "LIST", "only these levels, as with dmesg: such as err,warn, or err+, or 0 to 7"},
	{"timeout", "TIME", "without --follow: how long to wait for the next of it (default 60s)"},
};

constexpr Milliseconds timeout_default{60'000}, timeout_least{1};
constexpr std::uint64_t last_most = 1u << 30;

constexpr std::chrono::milliseconds poll_interval{250};
// A record that is not final is shown after so many looks at which it was the last.
constexpr int patience = 4;

constexpr const char *overlap_note =
	"not all of the log can be shown: one of its records lies on another, which is damage, or a "
	"kernel that writes faster than it is read";

// A record as a result.
struct LogLine {
	const inspect::Record &record;
};

void to_json(Json &json, const LogLine &line)
{
	const inspect::Record &record = line.record;

	json = {{"seq", record.seq},
		{"seconds", static_cast<double>(record.ns) / 1e9},
		{"level", record.level},
		{"facility", record.facility},
		{"caller", record.caller},
		{"text", inspect::printable(record.text)},
		{"line", inspect::dmesg_lines(record)}};
}

std::string to_text(const LogLine &line)
{
	return inspect::dmesg_lines(line.record) + '\n';
}

// What is printed before the records, as JSON.
struct LogHead {
	std::string name, release;
};

void to_json(Json &json, const LogHead &head)
{
	json = {{"name", head.name}, {"release", head.release}};
}

std::optional<inspect::KernelLog> find_log(const inspect::Memory &memory, const rf_status &status)
{
	return inspect::KernelLog::open(memory, memory_ranges(status), status.vmcoreinfo);
}

// Prints each record once, in order, as it becomes final.
class Follower {
public:
	Follower(const Partition &subos, const LogChoice &choice, Output &output)
		: subos_(subos), choice_(choice), memory_(subos), output_(output)
	{
	}

	void look(bool last)
	{
		find(last);
		if (!log_)
			return;
		const auto end = log_->walk(next_, [&](const inspect::Record &record) {
			if (!record.final && !last && waited_++ < patience)
				return false;
			print(record);
			return true;
		});
		// Else the next look goes on behind it.
		if (last && end == inspect::KernelLog::End::overlap)
			output_.note(overlap_note);
	}
	bool found() const { return log_.has_value(); }

private:
	// It scans all memory: not at every look.
	void find(bool last)
	{
		if (log_ || (!last && looks_++ % patience))
			return;
		log_ = find_log(memory_, subos_.status());
		if (log_)
			next_ = first_chosen(*log_, choice_);
	}
	void print(const inspect::Record &record)
	{
		waited_ = 0;
		if (next_ && record.seq > next_)
			output_.note(text(record.seq - next_, " records were overwritten before they "
							      "could be read"));
		if (choice_.takes(record))
			output_.item(LogLine{record});
		next_ = record.seq + 1;
	}

	const Partition &subos_;
	const LogChoice choice_;
	const WatchedMemory memory_;
	Output &output_;
	std::optional<inspect::KernelLog> log_;
	std::uint64_t next_ = 0;
	int waited_ = 0;
	int looks_ = 0;
};

[[noreturn]] void fail_without_log(const Partition &subos, const rf_status &status)
{
	throw Error(Code::no_log,
		    text("no kernel log can be found in the memory of '", subos.name(), "' yet (",
			 describe_state(status), ", stage '", stage_name(status.stage),
			 "'): ", no_log_text(subos.name(), status, monotonic_ns())));
}

void follow_to_end(const Partition &subos, const LogChoice &choice, Output &output)
{
	Follower follower(subos, choice, output);

	while (!interrupted()) {
		const rf_status status = subos.status();
		const bool ended = has_ended(status);
		follower.look(ended);
		if (ended && !follower.found())
			fail_without_log(subos, status);
		if (ended) {
			output.note(text("subOS '", subos.name(), "' is ", describe_state(status)));
			return;
		}
		if (subos.wait(poll_interval) == Partition::Event::gone) {
			output.note(text("subOS '", subos.name(), "' was destroyed"));
			return;
		}
	}
}

void follow(const Partition &subos, const LogChoice &choice, Output &output)
{
	try {
		follow_to_end(subos, choice, output);
	} catch (const Error &error) {
		// The usual end, also in the middle of a search or of what a subOS invents.
		if (error.code() != Code::interrupted)
			throw;
	}
}

void print_all(const Partition &subos, const LogChoice &choice, Milliseconds at_most, Output &output)
{
	WatchedMemory memory(subos, at_most);
	const rf_status status = subos.status();
	const auto log = find_log(memory, status);
	auto end = inspect::KernelLog::End::all;

	if (!log) {
		// Tells if it was destroyed meanwhile.
		subos.status();
		fail_without_log(subos, status);
	}
	output.list<LogHead, LogLine>({subos.name(), log->release()}, "records", [&](const auto &sink) {
		end = walk_chosen(*log, choice, [&](const inspect::Record &record) {
			sink({record});
			// Who reads it may take longer.
			memory.renew();
			return true;
		});
	});
	// Where its memory cannot be read any more, a log looks as if it had ended.
	subos.status();
	if (end == inspect::KernelLog::End::overlap)
		output.note(overlap_note);
}

void print(const Partition &subos, const LogChoice &choice, Milliseconds at_most, Output &output)
{
	try {
		print_all(subos, choice, at_most, output);
	} catch (const Error &error) {
		if (error.code() != Code::busy)
			throw;
		throw Error(Code::busy, text(error.what(), ", more than ", format_duration(at_most),
					     ": give a longer --timeout"));
	}
}

LogChoice parse_choice(const Request &request)
{
	LogChoice choice;

	if (const auto count = request.value("last"))
		choice.last = parse_number("last", *count, 0, last_most);
	if (const auto list = request.value("level"))
		choice.levels = parse_levels(*list);
	return choice;
}

Code run(const Request &request, Output &output)
{
	const LogChoice choice = parse_choice(request);
	const Milliseconds at_most = time_limit(request, timeout_default, timeout_least);

	if (request.has("follow") && request.has("timeout"))
		throw Error(Code::usage, "--timeout is for a log that is not followed: give either "
					 "--follow or --timeout");
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);
	catch_interrupts();
	if (request.has("follow"))
		follow(subos, choice, output);
	else
		print(subos, choice, at_most, output);
	return Code::ok;
}

} // namespace

const Verb log_verb = {
	"log", "NAME",
	"print the kernel log of a subOS",
	"Reads the kernel's log buffer in the subOS's memory from outside, whether the\n"
	"subOS runs, hangs or is dead, and prints it like dmesg(1). --last and --level\n"
	"choose records, with --follow, too. With --follow and --json there is one JSON object\n"
	"per line.",
	options, 1, 1, run,
};

} // namespace rf
