// SPDX-License-Identifier: GPL-2.0
// rfm destroy: give everything back, and look whether it is really back.
#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "client/supervisor.hpp"
#include "host/machine.hpp"
#include "verbs/verbs.hpp"
#include "view/subos.hpp"

#include <algorithm>

namespace rf {

namespace {

constexpr Option options[] = {
	{"all", nullptr, "destroy every subOS, the newest first"},
};

// What became of the cores of a subOS that is gone.
struct Whereabouts {
	std::vector<unsigned> returned; // online in the supervisor, or somebody else's already
	std::vector<unsigned> missing;  // the supervisor's, but not online
	std::vector<unsigned> lenders;  // borrowed, and back with who lent them
};

// Where the cores are now that a subOS had; @before: all cores, while it had them.
Whereabouts look_for(const Supervisor &supervisor, const std::vector<rf_core> &before,
		     std::uint32_t id)
{
	const Machine machine = read_machine();
	Whereabouts found;

	for (const rf_core &now : supervisor.cores()) {
		const auto was = std::find_if(before.begin(), before.end(), [&](const rf_core &core) {
			return core.cpu == now.cpu && core.owner == id;
		});
		if (was == before.end())
			continue;
		const Cpu *cpu = machine.cpu(now.cpu);
		if (was->lender && now.owner == was->lender)
			found.lenders.push_back(now.cpu);
		else if (!now.owner && (!cpu || !cpu->online))
			found.missing.push_back(now.cpu);
		else
			found.returned.push_back(now.cpu);
	}
	return found;
}

// What a subOS has while it is there.
struct Before {
	std::uint32_t id = 0;
	std::vector<rf_core> cores;
};

// Nothing if the module has no answer: one that came with another rfm, or short of memory. What
// cannot be looked at can be given back all the same.
std::optional<Before> look_before(const Supervisor &supervisor, const Partition &subos)
{
	try {
		return Before{subos.status().id, supervisor.cores()};
	} catch (const Error &error) {
		if (error.code() != Code::internal && error.code() != Code::not_enough)
			throw;
		return std::nullopt;
	}
}

// One that is gone.
struct Destroyed {
	std::string name;
	std::optional<Whereabouts> cores;	// nothing if the module did not say
	std::uint64_t memory = 0;		// given back
};

Destroyed destroy(const Supervisor &supervisor, const std::string &name)
{
	const Partition subos = supervisor.subos(name);
	const std::optional<Before> before = look_before(supervisor, subos);
	const rf_destroy answer = subos.destroy();

	if (!before)
		return {name, std::nullopt, answer.memory_returned};
	const std::vector<std::string> names = supervisor.names();
	if (std::find(names.begin(), names.end(), name) != names.end())
		throw Error(Code::incomplete,
			    text("subOS '", name, "' is still there: try 'rfm destroy ", name,
				 "' again"));
	const Whereabouts cores = look_for(supervisor, before->cores, before->id);
	if (!cores.missing.empty())
		throw Error(Code::incomplete,
			    text("subOS '", name, "' is gone, but its cores ",
				 format_cpulist(cores.missing), " did not come back online"));
	return {name, cores, answer.memory_returned};
}

struct DestroyResult {
	std::vector<Destroyed> destroyed;
};

void to_json(Json &json, const Destroyed &destroyed)
{
	const auto &cores = destroyed.cores;

	json = {{"name", destroyed.name},
		{"cores_returned", cores ? Json(cores->returned) : Json()},
		{"cores_to_lenders", cores ? Json(cores->lenders) : Json()},
		{"memory_returned", destroyed.memory}};
}

void to_json(Json &json, const DestroyResult &result)
{
	json = {{"destroyed", result.destroyed}};
}

std::string to_text(const Destroyed &destroyed)
{
	const auto &cores = destroyed.cores;
	const std::string memory = format_size(destroyed.memory) + " given back";

	if (!cores)
		return text("subOS '", destroyed.name, "' is gone: ", memory,
			    "; which cores are online again, rf_supervisor did not say\n");
	return text("subOS '", destroyed.name, "' is gone: cores ", format_cpulist(cores->returned),
		    " online again, ",
		    cores->lenders.empty() ? std::string()
					   : text("borrowed cores ", format_cpulist(cores->lenders),
						  " back with their lenders, "),
		    memory, "\n");
}

std::string to_text(const DestroyResult &result)
{
	std::string lines;

	for (const Destroyed &destroyed : result.destroyed)
		lines += to_text(destroyed);
	return lines.empty() ? "there are no subOSes\n" : lines;
}

std::vector<std::string> targets(const Request &request, const Supervisor &supervisor)
{
	std::vector<std::string> names;

	if (request.has("all")) {
		names = supervisor.names();
		std::reverse(names.begin(), names.end());
		return names;
	}
	// All must exist before the first is touched.
	for (const std::string &name : request.operands) {
		supervisor.subos(name);
		if (std::find(names.begin(), names.end(), name) == names.end())
			names.push_back(name);
	}
	return names;
}

// Of several, each line must say of which it is.
Error naming(const std::string &name, const Error &error)
{
	const std::string what = error.what(), quoted = "'" + name + "'";

	if (what.find(quoted) != what.npos)
		return error;
	return Error(error.code(), text("subOS ", quoted, ": ", what), error.details());
}

Code run(const Request &request, Output &output)
{
	if (request.has("all") == !request.operands.empty())
		throw Error(Code::usage, "give either subOS names or --all");

	const Supervisor supervisor = Supervisor::open();
	DestroyResult result;
	std::vector<std::string> gone;
	std::vector<Failure> failures;

	// One that cannot be given back does not keep the others.
	for (const std::string &name : targets(request, supervisor)) {
		output.progress(text("destroy '", name, "' ..."));
		try {
			result.destroyed.push_back(destroy(supervisor, name));
			gone.push_back(name);
		} catch (const Error &error) {
			failures.push_back({name, naming(name, error)});
		}
	}
	// What is gone is a result for people, even if something else is not.
	if (request.wants_names())
		output.names(gone);
	else if (failures.empty() || (!request.json && !result.destroyed.empty()))
		output.result(result);
	if (!failures.empty())
		throw SeveralErrors(std::move(failures), {{"destroyed", result.destroyed}});
	return Code::ok;
}

} // namespace

const Verb destroy_verb = {
	"destroy", "NAME... | --all",
	"stop subOSes and give everything back",
	"Works in every state, even on a subOS that hangs, has crashed or was never started.\n"
	"Verifies what came back before reporting it. If something did not, the subOS\n"
	"stays in state 'stopping' and destroy can be called again. Works with a module of\n"
	"any version, so that an upgrade strands no subOS.",
	options, 0, 1024, run, true,
};

} // namespace rf
