// SPDX-License-Identifier: GPL-2.0
#include "operations/fit_resize.hpp"

#include "base/cpulist.hpp"
#include "base/sizes.hpp"
#include "client/problem.hpp"
#include "host/device_users.hpp"
#include "operations/resize_operation.hpp"
#include "plan/apply_plan.hpp"
#include "plan/definition_text.hpp"
#include "plan/losses.hpp"

#include <algorithm>

namespace rf {

namespace {

// Those of `some` that are not in `others`, in their order.
template <typename Unit>
std::vector<Unit> without(std::vector<Unit> some, const std::vector<Unit> &others)
{
	std::erase_if(some, [&](Unit unit) {
		return std::find(others.begin(), others.end(), unit) != others.end();
	});
	return some;
}

Holdings own_holdings(const Supervisor &supervisor, const rf_status &status)
{
	Holdings now = holdings(status);

	now.cores = own_cores(status, supervisor.cores());
	return now;
}

std::vector<unsigned> cores_to_give(const Holdings &now, const Machine &machine,
				    const CreateOptions &wanted)
{
	if (!wanted.cores.empty())
		return core_change(format_cpulist(wanted.cores), now).remove;
	if (wanted.ncores >= now.cores.size())
		return {};
	return core_count_change(std::to_string(wanted.ncores), now, machine, {},
				 {{}, {}, wanted.split_siblings})
		.remove;
}

std::vector<unsigned> cores_to_take(const Holdings &now, const Machine &machine, const Lent &lent,
				    const CreateOptions &wanted)
{
	if (!wanted.cores.empty())
		return core_change(format_cpulist(wanted.cores), now).add;
	if (wanted.ncores <= now.cores.size())
		return {};
	const Settings settings = read_settings();
	return core_count_change(
		       std::to_string(wanted.ncores), now, machine,
		       [&](const auto &picked) { return loses_by_cores(settings, picked); },
		       {lent, {}, wanted.split_siblings}, wanted.node)
		.add;
}

ResizeRequest cores_step(rf_resize_op op, std::vector<unsigned> cores, const Machine &machine,
			 bool split)
{
	return {.op = op, .cpus = std::move(cores), .flags = split_flags(machine, split)};
}

// More than a block more than was wanted is given up in whole blocks.
std::uint64_t memory_to_give(const rf_status &status, std::uint64_t wanted)
{
	if (status.memory <= wanted || is_enough_memory(status, wanted))
		return 0;
	const std::uint64_t more = status.memory - wanted;
	return status.block_size ? more / status.block_size * status.block_size : more;
}

void check_new_functions(const Supervisor &supervisor, const rf_status &status,
			 const std::vector<std::uint32_t> &bdfs, std::uint32_t flags,
			 const Outlook &outlook)
{
	Inventory inventory = ask_inventory(supervisor);

	outlook.foresee(inventory);
	check_functions(inventory, bdfs, flags, status.id);
	check_unused(bdfs);
}

// What it had before it may have again, by force and with SMT siblings parted.
std::vector<ResizeRequest> restoring_steps(const Supervisor &supervisor, const rf_status &status,
					   const Holdings &before, const CreateOptions &wanted)
{
	const Holdings now = holdings(status);
	const Machine machine = read_machine(&supervisor);
	std::vector<ResizeRequest> steps;
	const auto on_functions = [&](rf_resize_op op, const std::vector<std::uint32_t> &bdfs,
				      std::uint32_t flags) {
		if (!bdfs.empty())
			steps.push_back({.op = op, .functions = bdfs, .function_flags = flags});
	};
	const auto on_cores = [&](rf_resize_op op, const std::vector<unsigned> &cores) {
		if (!cores.empty())
			steps.push_back(cores_step(op, cores, machine, true));
	};

	on_functions(RF_RESIZE_PCI_REMOVE, without(now.functions, before.functions), 0);
	on_cores(RF_RESIZE_CORES_REMOVE, without(now.cores, before.cores));
	if (now.memory > before.memory)
		steps.push_back({.op = RF_RESIZE_MEMORY_REMOVE, .memory = now.memory - before.memory});
	on_cores(RF_RESIZE_CORES_ADD, without(before.cores, now.cores));
	if (now.memory < before.memory)
		steps.push_back({.op = RF_RESIZE_MEMORY_ADD,
				 .memory = before.memory - now.memory,
				 .node = wanted.node});
	on_functions(RF_RESIZE_PCI_ADD, without(before.functions, now.functions),
		     RF_PCI_FORCE | (wanted.function_flags & RF_PCI_REQUIRE_IOMMU));
	return steps;
}

} // namespace

std::vector<ResizeRequest> giving_steps(const Supervisor &supervisor, const rf_status &status,
					const CreateOptions &wanted)
{
	const Holdings now = own_holdings(supervisor, status);
	const Machine machine = read_machine(&supervisor);
	const auto functions = without(now.functions, wanted.functions);
	const auto cores = cores_to_give(now, machine, wanted);
	std::vector<ResizeRequest> steps;

	check_removable(cores, now);
	if (!wanted.split_siblings)
		check_none_parted(cores, now, machine);
	if (!functions.empty())
		steps.push_back({.op = RF_RESIZE_PCI_REMOVE, .functions = functions});
	if (!cores.empty())
		steps.push_back(cores_step(RF_RESIZE_CORES_REMOVE, cores, machine,
					   wanted.split_siblings));
	if (const std::uint64_t memory = memory_to_give(status, wanted.memory))
		steps.push_back({.op = RF_RESIZE_MEMORY_REMOVE, .memory = memory});
	return steps;
}

std::vector<ResizeRequest> taking_steps(const Supervisor &supervisor, const rf_status &status,
					const CreateOptions &wanted, const Outlook &outlook)
{
	const Holdings now = own_holdings(supervisor, status);
	const auto functions = without(wanted.functions, now.functions);
	Machine machine = read_machine(&supervisor);
	Lent lent = supervisor.lent_cores();
	outlook.foresee(wanted.name, machine, lent);
	const auto cores = cores_to_take(now, machine, lent, wanted);
	const std::uint32_t flags = wanted.function_flags & RF_PCI_REQUIRE_IOMMU;
	std::vector<ResizeRequest> steps;

	if (!cores.empty())
		check_addable(cores, now, machine,
			      {lent, now.cores, wanted.split_siblings});
	if (!functions.empty())
		check_new_functions(supervisor, status, functions, flags, outlook);
	if (!cores.empty())
		steps.push_back(cores_step(RF_RESIZE_CORES_ADD, cores, machine,
					   wanted.split_siblings));
	if (wanted.memory > status.memory)
		steps.push_back({.op = RF_RESIZE_MEMORY_ADD,
				 .memory = wanted.memory - status.memory,
				 .node = wanted.node});
	if (!functions.empty())
		steps.push_back({.op = RF_RESIZE_PCI_ADD,
				 .functions = functions,
				 .function_flags = flags});
	return steps;
}

void take_step(const Partition &subos, const ResizeRequest &step)
{
	const rf_resize done = subos.resize(step);

	if (step.op == RF_RESIZE_MEMORY_REMOVE && done.memory_done < step.memory)
		throw Error(Code::not_enough,
			    text("subOS '", subos.name(), "' gave up ", format_size(done.memory_done),
				 " of ", format_size(step.memory), ": the rest is in use"));
}

void restore(const Supervisor &supervisor, const Partition &subos, const Holdings &before,
	     const CreateOptions &wanted)
{
	std::string failures;

	for (const ResizeRequest &step :
	     restoring_steps(supervisor, subos.status(), before, wanted)) {
		try {
			if (step.op == RF_RESIZE_PCI_ADD)
				check_unused(step.functions);
			take_step(subos, step);
		} catch (const Error &error) {
			failures += text(failures.empty() ? "" : ", and ", error.what());
		}
	}
	if (!failures.empty())
		throw Error(Code::incomplete, failures);
}

} // namespace rf
