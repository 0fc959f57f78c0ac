// SPDX-License-Identifier: GPL-2.0
// rfm help and rfm version. `rfm help --json` is the verb table for programs:
// the tests hold man pages and completion against it.
#include "base/version.hpp"
#include "client/fit.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

// All verbs and exit codes, or one verb.
struct Help {
	std::vector<const Verb *> verbs;
	std::span<const ExitCode> codes;	// none if it is about one verb
};

Json option_json(const Option &option)
{
	const char letter = letter_of(option.name);

	return {{"name", option.name},
		{"letter", letter ? Json(std::string(1, letter)) : Json()},
		{"value", option.value ? Json(option.value) : Json()},
		{"help", option.help},
		{"in_file", option.in_file},
		{"repeatable", option.repeatable}};
}

Json verb_json(const Verb &verb)
{
	Json json = {{"verb", verb.name},
		     {"operands", verb.operands},
		     {"usage", usage_line(verb)},
		     {"summary", verb.summary},
		     {"details", verb.details},
		     {"options", Json::array()}};

	for (const Option &option : options_of(verb))
		json["options"].push_back(option_json(option));
	return json;
}

void to_json(Json &json, const Help &help)
{
	json = {{"verbs", Json::array()}};
	for (const Verb *verb : help.verbs)
		json["verbs"].push_back(verb_json(*verb));
	if (help.codes.empty())
		return;
	json["exit_codes"] = Json::array();
	for (const ExitCode &row : help.codes)
		json["exit_codes"].push_back({{"code", static_cast<int>(row.code)},
					      {"kind", row.kind},
					      {"meaning", row.meaning}});
}

std::string letter_text(const Option &option)
{
	const char letter = letter_of(option.name);

	return letter ? text("-", letter, ", ") : "    ";
}

std::string verb_text(const Verb &verb)
{
	Table options({"Options", ""});

	for (const Option &option : options_of(verb))
		options.add({text("  ", letter_text(option), "--", option.name, option.value ? " " : "",
				  option.value ? option.value : ""),
			     option.help});
	return text("Usage: ", usage_line(verb), "\n\n", verb.details, "\n\n", options.str());
}

std::string to_text(const Help &help)
{
	Table verbs({"Commands", ""}), codes({"Exit codes", ""});

	if (help.codes.empty())
		return verb_text(*help.verbs.front());
	for (const Verb *verb : help.verbs)
		verbs.add({text("  ", verb->name), verb->summary});
	for (const ExitCode &row : help.codes)
		codes.add({text("  ", static_cast<int>(row.code)), row.meaning});
	return text("Usage: rfm [--json] [-q | -v] COMMAND [operands] [options]\n"
		    "Boots further Linux kernels on cores and memory of this machine.\n\n",
		    verbs.str(), "\nSee 'rfm help COMMAND' for its options.\n\n", codes.str());
}

Code help(const Request &request, Output &output)
{
	if (request.operands.empty()) {
		output.result(Help{{verbs().begin(), verbs().end()}, exit_codes()});
		return Code::ok;
	}
	const Verb *verb = find_verb(request.operands[0]);
	if (!verb)
		throw Error(Code::usage, text("unknown command '", request.operands[0],
					      "': 'rfm help' lists the commands"));
	output.result(Help{{verb}, {}});
	return Code::ok;
}

// This rfm, and what is loaded, of whatever version.
struct Versions {
	std::string module;			// "" if it cannot be asked
	std::optional<std::uint32_t> module_abi;
	std::string problem;			// "" if there is none
};

// Why something cannot be said is no reason to fail.
Versions look_at_versions()
{
	try {
		const auto supervisor = Supervisor::open_if_possible();
		if (!supervisor)
			return {"", std::nullopt, "not loaded, or visible only to root"};
		const rf_info info = supervisor->info();
		return {info.version, info.abi,
			fit_of(info) == Fit::same ? "" : "another ABI: 'rfm check' says what helps"};
	} catch (const Error &error) {
		return {"", std::nullopt, error.what()};
	}
}

void to_json(Json &json, const Versions &versions)
{
	json = {{"rfm", tool_version},
		{"abi", RF_ABI_VERSION},
		{"rf_supervisor", or_null(versions.module)},
		{"rf_supervisor_abi", or_null(versions.module_abi)},
		{"problem", or_null(versions.problem)}};
}

std::string to_text(const Versions &versions)
{
	std::string loaded = versions.problem;

	if (versions.module_abi)
		loaded = text(versions.module, " (ABI ", *versions.module_abi,
			      versions.problem.empty() ? "" : ", ", versions.problem, ")");
	return text("rfm ", tool_version, " (ABI ", RF_ABI_VERSION, "), rf_supervisor ",
		    one_line(loaded), "\n");
}

Code version(const Request &, Output &output)
{
	output.result(look_at_versions());
	return Code::ok;
}

} // namespace

const Verb help_verb = {
	"help", "[COMMAND]",
	"show help",
	"Shows all commands and exit codes, or the options of one command.",
	{}, 0, 1, help,
};

const Verb version_verb = {
	"version", "",
	"show versions",
	"Shows the versions of rfm, of the loaded module, and of the interface (ABI) that\n"
	"each of them has. Works with a module of any version. 'rfm --version' and 'rfm -V' are\n"
	"the same.",
	{}, 0, 0, version,
};

} // namespace rf
