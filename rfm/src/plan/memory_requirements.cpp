// SPDX-License-Identifier: GPL-2.0
// Rows of `rfm check` about memory.
#include "base/error.hpp"
#include "base/sizes.hpp"
#include "plan/requirement_rows.hpp"

#include <algorithm>

namespace rf {

namespace {

const char *const memory_remedy =
	"movablecore=SIZE on the supervisor's kernel command line lets more be taken, "
	"memmap=SIZE$START reserves it; then reboot";

Finding memory_of_module(const rf_memory &memory)
{
	const std::uint64_t all = memory.pool_free + memory.movable + memory.other;
	const std::string name = text("memory, node ", memory.node);
	const std::string detail = text(
		"up to ", format_size(memory.available), ": pool ", format_size(memory.pool_free),
		", movable ", format_size(memory.movable), ", other ", format_size(memory.other),
		" if the kernel can migrate it, less ", format_size(all - memory.available),
		" for shared memory and the supervisor; cannot be taken: ",
		format_size(memory.unsafe));

	if (memory.available < RF_EXTENT_SIZE)
		return {name, Verdict::missing, detail, memory_remedy};
	if (!memory.pool_free && !memory.movable)
		return {name, Verdict::warn, detail, memory_remedy};
	return {name, Verdict::ok, detail, ""};
}

Finding memory_estimate(const NodeMemory &memory)
{
	const std::string name = text("memory, node ", memory.node);
	const std::string detail = text("estimate without the module: movable ",
					format_size(memory.movable), ", other ",
					format_size(memory.other), " if the kernel can migrate it");

	if (!memory.movable && !memory.other)
		return {name, Verdict::missing, detail, memory_remedy};
	if (!memory.movable)
		return {name, Verdict::warn, detail, memory_remedy};
	return {name, Verdict::ok, detail, ""};
}

} // namespace

Finding low_memory(const std::optional<ModuleFacts> &module)
{
	const std::string name = "low memory";

	if (!module)
		return {name, Verdict::warn, "slices can only be counted with the module loaded",
			""};
	const std::string detail = text(module->info.low_slices_free, " of ",
					module->info.low_slices, " slices free: one per subOS");
	if (!module->info.low_slices_free)
		return {name, Verdict::missing, detail, "destroy a subOS"};
	return {name, Verdict::ok, detail, ""};
}

// One node with memory is enough: others that have none to give are no obstacle.
void add_memory(std::vector<Finding> &findings, const Platform &platform,
		const std::optional<ModuleFacts> &module)
{
	std::vector<Finding> rows;

	if (module) {
		for (const rf_memory &memory : module->memory)
			rows.push_back(memory_of_module(memory));
	} else if (!platform.block_size) {
		rows.push_back({"memory", Verdict::missing, "this kernel has no memory hotplug",
				"a kernel with CONFIG_MEMORY_HOTREMOVE"});
	} else {
		for (const NodeMemory &memory : platform.memory)
			rows.push_back(memory_estimate(memory));
	}
	const bool any = std::any_of(rows.begin(), rows.end(), [](const Finding &row) {
		return row.verdict != Verdict::missing;
	});
	for (Finding &row : rows) {
		if (any && row.verdict == Verdict::missing)
			row.verdict = Verdict::warn;
		findings.push_back(std::move(row));
	}
}

} // namespace rf
