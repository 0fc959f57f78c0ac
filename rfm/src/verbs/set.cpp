// SPDX-License-Identifier: GPL-2.0
// rfm set: change options of a subOS that was created with others.
#include "operations/set_operation.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

constexpr Option options[] = {
	{"force", nullptr, "set a kernel that lacks something"},
};

struct SetResult {
	std::string name;
	std::vector<SettingChange> changes;
	std::vector<std::string> notes;
	std::optional<std::uint32_t> restarts_left;	// that are filled up, and nothing else
};

const char *takes_word(Takes takes)
{
	return takes == Takes::now ? "now" : "next-start";
}

void to_json(Json &json, const SetResult &result)
{
	json = {{"name", result.name}, {"changes", Json::array()}, {"notes", result.notes}};
	for (const SettingChange &change : result.changes)
		json["changes"].push_back({{"key", change.key},
					   {"before", change.before},
					   {"after", change.after},
					   {"takes_effect", takes_word(change.takes)}});
}

std::string to_text(const SetResult &result)
{
	const auto shown = [](const std::string &value) {
		return value.empty() ? std::string("none") : one_line(value);
	};
	std::string lines;

	for (const SettingChange &change : result.changes)
		lines += text("subOS '", result.name, "': ", change.key, " ", shown(change.before), " -> ",
			      shown(change.after),
			      change.takes == Takes::now ? "" : ", from its next start on", "\n");
	if (!lines.empty())
		return lines;
	return text("subOS '", result.name, "': nothing to change",
		    result.restarts_left ? text("; its restarts, of which ", *result.restarts_left,
						" were left, are filled up")
					 : "",
		    "\n");
}

Code run(const Request &request, Output &output)
{
	const std::string &name = request.operands[0];
	const Supervisor supervisor = Supervisor::open();
	Phases phases(output);
	SetOperation setting(supervisor, name,
				   {request.operands.begin() + 1, request.operands.end()},
				   request.has("force"), phases);

	setting.apply();
	for (const std::string &note : setting.notes())
		output.note(note);
	if (request.wants_names())
		output.names({name});
	else
		output.result(SetResult{name, setting.changes(), setting.notes(),
					setting.restarts_filled_up()});
	return Code::ok;
}

} // namespace

const Verb set_verb = {
	"set",
	"NAME KEY=VALUE...",
	"change options of a subOS after it was created",
	"Keys are options of 'rfm create': on-crash, on-reboot, restarts and hang-timeout take\n"
	"effect at once, kernel, initrd, append, uart, no-console, timeout and until with the next\n"
	"start.\n"
	"An option without a value takes true or false; initrd=, append= and uart= mean that it\n"
	"is not given. All of it is checked as a start would, and nothing is changed unless\n"
	"everything can be. Cores, memory and PCI functions are changed by 'rfm resize'.",
	options,
	2,
	1024,
	run,
	true,
};

} // namespace rf
