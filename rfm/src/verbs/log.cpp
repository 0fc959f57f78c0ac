// SPDX-License-Identifier: GPL-2.0
// rfm log: the kernel log of a subOS, read from its memory from outside.
#include "base/clock.hpp"
#include "cli/interrupt.hpp"
#include "client/supervisor.hpp"
#include "client/watched_memory.hpp"
#include "client/words.hpp"
#include "verbs/verbs.hpp"
#include "view/no_log.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"follow", nullptr, "keep printing new lines until the subOS ends or Ctrl-C"},
};

constexpr std::chrono::milliseconds poll_interval{250};
// A record that is not final is shown after so many looks at which it was the last.
constexpr int patience = 4;

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
	Follower(const Partition &subos, Output &output)
		: subos_(subos), memory_(subos), output_(output)
	{
	}

	void look(bool last)
	{
		// Finding the log scans all memory: not at every look.
		if (!log_ && (last || looks_++ % patience == 0))
			log_ = find_log(memory_, subos_.status());
		if (log_)
			log_->walk(next_, [&](const inspect::Record &record) {
				if (!record.final && !last && waited_++ < patience)
					return false;
				print(record);
				return true;
			});
	}
	bool found() const { return log_.has_value(); }

private:
	void print(const inspect::Record &record)
	{
		waited_ = 0;
		if (next_ && record.seq > next_)
			output_.note(text(record.seq - next_, " records were overwritten before they "
							      "could be read"));
		output_.item(LogLine{record});
		next_ = record.seq + 1;
	}

	const Partition &subos_;
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

void follow_to_end(const Partition &subos, Output &output)
{
	Follower follower(subos, output);

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

void follow(const Partition &subos, Output &output)
{
	catch_interrupts();
	try {
		follow_to_end(subos, output);
	} catch (const Error &error) {
		// The usual end, also in the middle of a search or of what a subOS invents.
		if (error.code() != Code::interrupted)
			throw;
	}
}

Code run(const Request &request, Output &output)
{
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(request.operands[0]);

	if (request.has("follow")) {
		follow(subos, output);
		return Code::ok;
	}
	const rf_status status = subos.status();
	const auto log = find_log(subos, status);
	if (!log)
		fail_without_log(subos, status);
	output.list<LogHead, LogLine>({subos.name(), log->release()}, "records", [&](const auto &sink) {
		log->walk(0, [&](const inspect::Record &record) {
			sink({record});
			return true;
		});
	});
	return Code::ok;
}

} // namespace

const Verb log_verb = {
	"log", "NAME",
	"print the kernel log of a subOS",
	"Reads the kernel's log buffer in the subOS's memory from outside, whether the\n"
	"subOS runs, hangs or is dead, and prints it like dmesg(1). With --follow and\n"
	"--json there is one JSON object per line.",
	options, 1, 1, run,
};

} // namespace rf
