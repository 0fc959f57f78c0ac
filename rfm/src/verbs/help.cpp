// SPDX-License-Identifier: GPL-2.0
// rfm help and rfm version. `rfm help --json` is the verb table for programs:
// the tests hold man pages and completion against it.
#include "base/version.hpp"
#include "client/fit.hpp"
#include "client/supervisor.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

Json verb_json(const Verb &verb)
{
	Json json = {{"verb", verb.name},
		     {"operands", verb.operands},
		     {"usage", usage_line(verb)},
		     {"summary", verb.summary},
		     {"details", verb.details},
		     {"options", Json::array()}};

	for (const Option &option : options_of(verb))
		json["options"].push_back({{"name", option.name},
					   {"value", option.value ? Json(option.value) : Json()},
					   {"help", option.help},
					   {"in_file", option.in_file},
					   {"repeatable", option.repeatable}});
	return json;
}

std::string verb_text(const Json &result)
{
	const Json &verb = result["verbs"][0];
	Table options({"Options", ""});

	for (const Json &option : verb["options"]) {
		const std::string value = option["value"].is_null()
						  ? ""
						  : " " + option["value"].get<std::string>();
		options.add(
			{text("  --", option["name"].get<std::string>(), value), option["help"]});
	}
	return text("Usage: ", verb["usage"].get<std::string>(), "\n\n",
		    verb["details"].get<std::string>(), "\n\n", options.str());
}

std::string overview_text(const Json &result)
{
	Table verbs({"Commands", ""}), codes({"Exit codes", ""});

	for (const Json &verb : result["verbs"])
		verbs.add({"  " + verb["verb"].get<std::string>(), verb["summary"]});
	for (const Json &code : result["exit_codes"])
		codes.add({text("  ", code["code"]), code["meaning"]});
	return text("Usage: rfm COMMAND [operands] [options]\n"
		    "Boots further Linux kernels on cores and memory of this machine.\n\n",
		    verbs.str(), "\nSee 'rfm help COMMAND' for its options.\n\n", codes.str());
}

Code help(const Request &request, Output &output)
{
	Json result = {{"verbs", Json::array()}};

	if (!request.operands.empty()) {
		const Verb *verb = find_verb(request.operands[0]);
		if (!verb)
			throw Error(Code::usage, text("unknown command '", request.operands[0],
						      "': 'rfm help' lists the commands"));
		result["verbs"].push_back(verb_json(*verb));
		output.result(result, verb_text);
		return Code::ok;
	}
	for (const Verb *verb : verbs())
		result["verbs"].push_back(verb_json(*verb));
	result["exit_codes"] = Json::array();
	for (const ExitCode &row : exit_codes())
		result["exit_codes"].push_back({{"code", static_cast<int>(row.code)},
						{"kind", row.kind},
						{"meaning", row.meaning}});
	output.result(result, overview_text);
	return Code::ok;
}

// What is loaded, of whatever version, or why that cannot be said: no reason to fail.
Json loaded_json()
{
	try {
		const auto supervisor = Supervisor::open_if_possible();
		if (!supervisor)
			return {{"rf_supervisor", nullptr}, {"rf_supervisor_abi", nullptr},
				{"problem", "not loaded, or visible only to root"}};
		const rf_info info = supervisor->info();
		return {{"rf_supervisor", info.version}, {"rf_supervisor_abi", info.abi},
			{"problem", fit_of(info) == Fit::same
					    ? Json()
					    : Json("another ABI: 'rfm check' says what helps")}};
	} catch (const Error &error) {
		return {{"rf_supervisor", nullptr}, {"rf_supervisor_abi", nullptr},
			{"problem", error.what()}};
	}
}

std::string version_text(const Json &result)
{
	const Json &module = result["rf_supervisor"], &problem = result["problem"];
	const std::string why = problem.is_null() ? "" : problem.get<std::string>();
	std::string loaded = why;

	if (!module.is_null())
		loaded = text(module.get<std::string>(), " (ABI ", result["rf_supervisor_abi"],
			      why.empty() ? "" : ", ", why, ")");
	return text("rfm ", result["rfm"].get<std::string>(), " (ABI ", result["abi"],
		    "), rf_supervisor ", loaded, "\n");
}

Code version(const Request &, Output &output)
{
	Json result = {{"rfm", tool_version}, {"abi", RF_ABI_VERSION}};

	result.update(loaded_json());
	output.result(result, version_text);
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
	"each of them has. Works with a module of any version. 'rfm --version' is the same.",
	{}, 0, 0, version,
};

} // namespace rf
