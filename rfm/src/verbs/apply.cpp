// SPDX-License-Identifier: GPL-2.0
// rfm apply: subOSes as files define them.
#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "cli/interrupt.hpp"
#include "cli/shell_word.hpp"
#include "cli/time_option.hpp"
#include "client/words.hpp"
#include "operations/apply_operation.hpp"
#include "verbs/verbs.hpp"

#include <algorithm>
#include <exception>

namespace rf {

namespace {

constexpr Option options[] = {
	{"restart", nullptr, "also restart, or start, subOSes for which that is needed"},
	{"timeout", "TIME", "how long to wait until one that is restarted has stopped (default 60s)"},
	{"force", nullptr,
	 "hold the cores of one that is restarted and does not end in time or cannot be asked"},
	{"only", "NAME", "refuse definitions of any other subOS"},
	{"dry-run", nullptr, "show what would be done; change nothing"},
};

// What is to be done, and what has been.
struct ApplyResult {
	std::vector<ApplyPlan> plans;
	bool restart = false;
	std::vector<Applied> applied;
};

Json differences_json(const ApplyPlan &plan)
{
	Json changes = Json::array();
	const auto add = [&](const auto &list, const char *by) {
		for (const auto &change : list)
			changes.push_back({{"key", change.key},
					   {"before", change.before},
					   {"after", change.after},
					   {"by", by}});
	};

	add(plan.resize, "resize");
	add(plan.set, "set");
	add(plan.restart, "restart");
	return changes;
}

void to_json(Json &json, const Applied &applied)
{
	json = {{"name", applied.name}, {"what", applied.what}, {"seconds", applied.seconds}};
}

void to_json(Json &json, const ApplyResult &result)
{
	json = {{"plan", Json::array()}, {"done", Json::array()}};
	for (const ApplyPlan &plan : result.plans)
		json["plan"].push_back({{"name", plan.name()},
					{"file", plan.wanted->file},
					{"create", plan.create},
					{"start", plan.start},
					{"changes", differences_json(plan)},
					{"needs_restart", plan.needs_restart()}});
	for (const Applied &applied : result.applied) {
		Json one;
		to_json(one, applied);
		json["done"].push_back(one);
	}
}

std::string shown(const std::string &value)
{
	return value.empty() ? "none" : one_line(value);
}

template <typename List> std::string list_text(const List &changes)
{
	std::string words;

	for (const auto &change : changes)
		words += text(words.empty() ? "" : "; ", change.key, " ", shown(change.before), " -> ",
			      shown(change.after));
	return words;
}

std::string create_text(const CreateOptions &wanted)
{
	return text(wanted.cores.empty() ? text(wanted.ncores, " cores")
					 : "cores " + format_cpulist(wanted.cores),
		    ", ", format_size(wanted.memory), ", kernel ", wanted.kernel);
}

void add_rows(Table &table, const ApplyPlan &plan, bool restart)
{
	const std::string with = restart ? "" : " (only with --restart)";

	if (plan.create)
		table.add({"create", plan.name(), create_text(plan.wanted->options)});
	if (!plan.set.empty())
		table.add({"set", plan.name(), list_text(plan.set)});
	if (!plan.resize.empty())
		table.add({"resize", plan.name(), list_text(plan.resize) + (plan.start ? with : "")});
	if (plan.start)
		table.add({"start", plan.name(), text("it is ", state_name(plan.state), with)});
	if (!plan.restart.empty())
		table.add({"restart", plan.name(), list_text(plan.restart) + with});
	if (plan.is_empty())
		table.add({"keep", plan.name(), "as it is"});
}

std::string to_text(const ApplyResult &result)
{
	std::string lines;

	if (result.applied.empty()) {
		Table table({"PLAN", "NAME", "WHAT"});
		for (const ApplyPlan &plan : result.plans)
			add_rows(table, plan, result.restart);
		return table.str();
	}
	for (const Applied &applied : result.applied)
		lines += text("subOS '", applied.name, "': ", applied.what, " in ",
			      format_seconds(applied.seconds), "\n");
	return lines;
}

// That nobody can read it is no reason not to do it. Returns why it could not be written.
std::exception_ptr show_plan(const ApplyResult &result, Output &output)
{
	try {
		output.result(result);
	} catch (...) {
		return std::current_exception();
	}
	return {};
}

void note_restarts(const std::vector<ApplyPlan> &plans, const std::string &file, Output &output)
{
	std::string names;

	for (const ApplyPlan &plan : plans)
		if (plan.needs_restart())
			names += text(names.empty() ? "'" : ", '", plan.name(), "'");
	if (!names.empty())
		output.note(text("subOS ", names, " would have to be restarted to be as defined: "
				 "'rfm apply --restart ", shell_word(file), "' does that"));
}

// It was kept for a look.
void note_crashed(const std::vector<ApplyPlan> &plans, Output &output)
{
	for (const ApplyPlan &plan : plans)
		if (plan.start && plan.state == RF_STATE_CRASHED)
			output.note(text("subOS '", plan.name(), "' is crashed: when it is started, its "
					 "kernel log and why it crashed are gone"));
}

// How what is restarted stops; nothing: none is.
std::optional<StopOptions> restart_options(const Request &request)
{
	StopOptions how;

	if (!request.has("restart") && (request.has("timeout") || request.has("force")))
		throw Error(Code::usage,
			    text("--", request.has("force") ? "force" : "timeout", " applies only to "
				 "what is restarted: give it together with --restart"));
	how.timeout = time_limit(request, how.timeout);
	how.force = request.has("force");
	return request.has("restart") ? std::optional(how) : std::nullopt;
}

std::vector<std::string> names_of(const std::vector<Applied> &applied)
{
	std::vector<std::string> names;

	for (const Applied &one : applied)
		if (std::ranges::find(names, one.name) == names.end())
			names.push_back(one.name);
	return names;
}

Code run(const Request &request, Output &output)
{
	const bool dry_run = request.has("dry-run");
	const std::optional<StopOptions> restart = restart_options(request);
	const std::vector<Wanted> all = read_wanted(request.operands[0], create_verb.options);
	if (const auto name = request.value("only"))
		check_only(all, *name);
	Phases phases(output);

	const std::optional<Supervisor> supervisor =
		dry_run ? Supervisor::open_if_possible() : std::optional(Supervisor::open());
	if (!dry_run)
		catch_interrupts();
	ApplyResult result{plan_all(all, supervisor ? &*supervisor : nullptr, restart.has_value(),
				    !dry_run, phases),
			   restart.has_value(),
			   {}};
	if (restart)
		note_crashed(result.plans, output);
	if (dry_run) {
		output.result(result);
		return Code::ok;
	}
	// For programs it comes in one piece, with what was done.
	std::exception_ptr unread;
	if (!request.json && !request.wants_names())
		unread = show_plan(result, output);

	ApplyOperation operation(*supervisor, output, phases);
	operation.run(result.plans, restart);
	if (!restart)
		note_restarts(result.plans, request.operands[0], output);
	result.applied = operation.applied();
	if (unread)
		std::rethrow_exception(unread);
	if (request.wants_names())
		output.names(names_of(result.applied));
	else if (request.json || !result.applied.empty())
		output.result(result);
	return Code::ok;
}

} // namespace

const Verb apply_verb = {
	"apply",
	"FILE | FOLDER | -",
	"make subOSes what files define",
	"Reads definitions of subOSes as 'rfm export' prints them, shows what has to be done,\n"
	"and does it: creates what is missing, and resizes and sets what differs and can be\n"
	"changed while it runs. What would need a restart is done only with --restart. One that\n"
	"is not named is left alone. If a step fails, and on Ctrl-C, everything that was done\n"
	"is undone. Doing it again changes nothing.",
	options,
	1,
	1,
	run,
	true,
};

} // namespace rf
