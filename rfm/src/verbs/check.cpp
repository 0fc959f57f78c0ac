// SPDX-License-Identifier: GPL-2.0
// rfm check: what this machine can do, what is missing, and what would help.
#include "client/fit.hpp"
#include "client/supervisor.hpp"
#include "plan/core_choice.hpp"
#include "plan/requirements.hpp"
#include "verbs/verbs.hpp"

#include <unistd.h>

namespace rf {

namespace {

std::optional<ModuleFacts> ask_module(const std::optional<Supervisor> &supervisor,
				      const Machine &machine)
{
	if (!supervisor)
		return std::nullopt;
	ModuleFacts facts;
	facts.info = supervisor->info();
	for (const int node : machine.nodes)
		facts.memory.push_back(supervisor->memory(node));
	if (facts.info.abi >= functions_abi)
		facts.functions = supervisor->functions();
	facts.helper = read_line("/sys/module/rf_supervisor/parameters/helper");
	facts.helper_works = ::access(facts.helper.c_str(), X_OK) == 0;
	return facts;
}

// Who may only look (the operators' group) is not told how much memory there is to give: then
// it is as without the module.
std::optional<ModuleFacts> ask_module_if_possible(const std::optional<Supervisor> &supervisor,
						  const Machine &machine)
{
	try {
		return ask_module(supervisor, machine);
	} catch (const Error &error) {
		if (error.code() != Code::not_permitted)
			throw;
		return std::nullopt;
	}
}

struct Checked {
	std::vector<Finding> findings;
	std::optional<ModuleFacts> module;	// nothing if it cannot be asked
};

Json memory_json(const rf_memory &memory)
{
	return {{"node", memory.node},
		{"pool_free", memory.pool_free},
		{"largest_free", memory.largest_free},
		{"movable", memory.movable},
		{"other", memory.other},
		{"unsafe", memory.unsafe},
		{"shared", memory.shared},
		{"available", memory.available}};
}

Json module_json(const ModuleFacts &module)
{
	const rf_info &info = module.info;
	Json json = {{"version", info.version},
		     {"abi", info.abi},
		     {"low_slices", info.low_slices},
		     {"low_slices_free", info.low_slices_free},
		     {"memory_block_size", info.memory_block_size},
		     {"pool_reserved", info.pool_reserved},
		     {"pool_total", info.pool_total},
		     {"pool_free", info.pool_free},
		     {"memory", Json::array()}};

	for (const rf_memory &memory : module.memory)
		json["memory"].push_back(memory_json(memory));
	return json;
}

void to_json(Json &json, const Checked &checked)
{
	json = {{"able", is_able(checked.findings)},
		{"findings", checked.findings},
		{"module", checked.module ? module_json(*checked.module) : Json()}};
}

std::string to_text(const Checked &checked)
{
	return text(to_text(checked.findings), "\n",
		    is_able(checked.findings) ? "rfm create can work here.\n"
					      : "rfm create cannot work here yet.\n");
}

Code run(const Request &, Output &output)
{
	const auto supervisor = Supervisor::open_if_possible();
	const Machine machine = read_machine(supervisor ? &*supervisor : nullptr);
	Checked checked{{}, ask_module_if_possible(supervisor, machine)};

	checked.findings = find_all(machine, read_platform(), checked.module, installed_kernels(),
				    ::geteuid() == 0, read_settings());
	output.result(checked);
	return is_able(checked.findings) ? Code::ok : Code::bad_value;
}

} // namespace

const Verb check_verb = {
	"check", "",
	"show what this machine supports and what is missing",
	"Looks at kernel, module, APIC mode, IPI shorthand, memory, cores and devices;\n"
	"for everything that is missing it names the kernel parameter or command that\n"
	"helps. Works without root and without the module, but then shows less. Exit\n"
	"code 0 if a create can work here, 3 if something is missing.",
	{}, 0, 0, run,
};

} // namespace rf
