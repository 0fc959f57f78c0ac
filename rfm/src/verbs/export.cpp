// SPDX-License-Identifier: GPL-2.0
// rfm export: a subOS as the definition that makes it.
#include "client/supervisor.hpp"
#include "plan/definition_text.hpp"
#include "verbs/verbs.hpp"

namespace rf {

namespace {

struct Export {
	std::string name;
	Values values;
	std::string toml;
};

void to_json(Json &json, const Export &result)
{
	json = {{"name", result.name}, {"definition", result.values}, {"toml", result.toml}};
}

std::string to_text(const Export &result)
{
	return result.toml;
}

Code run(const Request &request, Output &output)
{
	const std::string &name = request.operands[0];
	const Supervisor supervisor = Supervisor::open();
	const Partition subos = supervisor.subos(name);
	const rf_status status = subos.status();
	Export result{name,
		      present_values(parse_definition(name, subos.definition()), status,
				     own_cores(status, supervisor.cores())),
		      ""};

	result.toml = definition_text(name, result.values, create_verb.options);
	output.result(result);
	return Code::ok;
}

} // namespace

const Verb export_verb = {
	"export",
	"NAME",
	"print the definition of a subOS",
	"Prints the options with which 'rfm create' would make the subOS as it is now, as a\n"
	"table in TOML: with the cores, the memory and the PCI functions that it has by now,\n"
	"without cores that it borrowed. 'rfm apply' and 'rfm create --config' read it.",
	{},
	1,
	1,
	run,
};

} // namespace rf
