// SPDX-License-Identifier: GPL-2.0
#include "plan/apply_plan.hpp"

#include "base/cpulist.hpp"
#include "base/pci_address.hpp"
#include "base/sizes.hpp"
#include "client/words.hpp"

#include <algorithm>

namespace rf {

namespace {

template <typename Number> std::vector<Number> sorted(std::vector<Number> numbers)
{
	std::ranges::sort(numbers);
	return numbers;
}

std::string counted(std::size_t count)
{
	return text(count, count == 1 ? " core" : " cores");
}

std::string functions_text(const std::vector<std::uint32_t> &bdfs)
{
	return bdfs.empty() ? "none" : format_bdfs(bdfs);
}

std::vector<Difference> resize_differences(const CreateOptions &wanted, const Present &present)
{
	const rf_status &status = present.status;
	const std::vector<std::uint32_t> functions(status.functions,
						   status.functions + status.nr_functions);
	std::vector<Difference> found;

	if (!wanted.cores.empty() && sorted(wanted.cores) != sorted(present.cores))
		found.push_back({"cores", format_cpulist(present.cores),
				 format_cpulist(wanted.cores)});
	if (wanted.ncores && wanted.ncores != present.cores.size())
		found.push_back({"ncores", counted(present.cores.size()), counted(wanted.ncores)});
	if (!is_enough_memory(status, wanted.memory))
		found.push_back({"mem", format_size(status.memory), format_size(wanted.memory)});
	if (sorted(wanted.functions) != sorted(functions))
		found.push_back({"pci", functions_text(functions), functions_text(wanted.functions)});
	return found;
}

// The options of a definition in the form in which a subOS keeps its own.
Values kept_form(const Wanted &wanted, const std::string &own_initrd)
{
	Values values = wanted.request.values;

	values["kernel"] = resolved(wanted.options.kernel);
	if (wanted.options.initrd)
		values["initrd"] = resolved(*wanted.options.initrd);
	else if (!own_initrd.empty())
		values["initrd"] = own_initrd;
	return values;
}

void refuse_fixed(const std::string &name, const SettingChange &change)
{
	// What concerned the one command that created it.
	if (change.key == "no-start" || change.key == "allow-smt-split")
		return;
	const auto shown = [](const std::string &value) {
		return value.empty() ? std::string("not given") : value;
	};
	throw Error(Code::bad_value,
		    text("subOS '", name, "': ", change.key, " (", shown(change.before), " -> ",
			 shown(change.after), ") cannot be changed while it exists: 'rfm destroy ", name,
			 "' first, then apply again"));
}

void sort_changes(ApplyPlan &plan, std::vector<SettingChange> changes)
{
	for (SettingChange &change : changes) {
		if (change.takes == Takes::create)
			refuse_fixed(plan.name(), change);
		if (change.takes == Takes::now || change.takes == Takes::next_wait)
			plan.set.push_back(std::move(change));
		else if (change.takes == Takes::next_start)
			plan.restart.push_back(std::move(change));
	}
}

// Before anything is compared: of one that is being built, the definition may be missing.
void check_settled(const std::string &name, const rf_status &status)
{
	if (status.state == RF_STATE_DEFINED || status.state == RF_STATE_STOPPING)
		throw Error(Code::busy, text("subOS '", name, "' is ", state_name(status.state),
					     ": wait until that is done"));
}

void check_state(const ApplyPlan &plan, const rf_status &status)
{
	const auto state = text("subOS '", plan.name(), "' is ", state_name(status.state));

	if (!plan.resize.empty() && !plan.start &&
	    (has_ended(status) || status.state == RF_STATE_LOADED))
		throw Error(Code::not_up,
			    text(state, ", and ", plan.resize.front().key, " can be changed only while "
				 "it runs: 'rfm start ", plan.name(), "' first"));
	if (!plan.restart.empty() && status.state == RF_STATE_LOADED)
		throw Error(Code::busy,
			    text(state, " as it is, and ", plan.restart.front().key, " takes another boot "
				 "image: 'rfm start ", plan.name(), "' first, then apply again"));
	if (plan.resize.empty() && plan.restart.empty())
		return;
	if (status.state == RF_STATE_BOOTING || status.state == RF_STATE_LOST)
		throw Error(Code::not_up, state + " and would have to be changed: wait until it runs, or "
						  "look at it ('rfm log')");
}

} // namespace

bool is_enough_memory(const rf_status &status, std::uint64_t wanted)
{
	return status.memory == wanted ||
	       (status.memory > wanted && status.memory - wanted < status.block_size);
}

ApplyPlan plan_apply(const Wanted &wanted, const Present &present, const std::string &own_initrd)
{
	const std::uint32_t state = present.status.state;
	ApplyPlan plan{.wanted = &wanted, .state = state};

	check_settled(plan.name(), present.status);
	plan.resize = resize_differences(wanted.options, present);
	sort_changes(plan, setting_changes(with_policies(present.definition.request.values,
							 present.status),
					   kept_form(wanted, own_initrd)));
	plan.start = wanted.options.start &&
		     (has_ended(present.status) || state == RF_STATE_LOADED);
	check_state(plan, present.status);
	return plan;
}

std::vector<std::string> setting_words(const std::vector<SettingChange> &changes)
{
	std::vector<std::string> words;

	for (const SettingChange &change : changes) {
		const Setting &setting = *find_setting(change.key);
		const bool is_switch = std::string_view(setting.otherwise) == "no";
		words.push_back(text(change.key, "=",
				     !is_switch ? change.after
						: change.after == "yes" ? "true" : "false"));
	}
	return words;
}

std::vector<std::string> restart_words(const ApplyPlan &plan)
{
	const auto changes = [&](const char *key) {
		return std::ranges::any_of(plan.restart, [&](const SettingChange &change) {
			return change.key == key;
		});
	};
	const auto &named = plan.wanted->options.initrd;	// else it is the kernel's own
	std::vector<std::string> words = setting_words(plan.restart);

	if (changes("kernel") && !changes("initrd"))
		words.push_back("initrd=" + (named ? resolved(*named) : ""));
	return words;
}

} // namespace rf
