// SPDX-License-Identifier: GPL-2.0
#include "operations/set_operation.hpp"

#include "plan/plan.hpp"

#include <algorithm>

namespace rf {

namespace {

Request request_of(const std::string &name, const Values &values)
{
	Request request;

	request.operands = {name};
	request.values = values;
	return request;
}

} // namespace

SetOperation::SetOperation(const Supervisor &supervisor, const std::string &name,
			   const std::vector<std::string> &words, bool force, Phases &phases)
	: subos_(supervisor.subos(name)), before_(subos_.definition())
{
	const rf_status status = subos_.status();

	if (status.state == RF_STATE_DEFINED)
		throw Error(Code::busy, text("subOS '", name,
					     "' is being built by another rfm: wait until that is done"));
	const Definition now = parse_definition(name, before_);
	const Values values = with_settings(name, now.request.values, words);
	changes_ = setting_changes(now.request.values, values);
	was_ = parse_create_options(now.request);
	wanted_ = parse_create_options(request_of(name, values));
	after_ = definition_with(before_, values);
	if (changes_at(Takes::next_start) && now.loaded && status.state == RF_STATE_LOADED)
		throw Error(Code::busy, text("subOS '", name,
					     "' is loaded as it is and not started: 'rfm start ", name,
					     "' first, then 'rfm set' and 'rfm restart'"));
	check(supervisor, status, force, phases);
}

bool SetOperation::changes_at(Takes takes) const
{
	return std::ranges::any_of(changes_, [&](const SettingChange &change) {
		return change.takes == takes;
	});
}

// What could not be started is refused now, and not when it has stopped.
void SetOperation::check(const Supervisor &supervisor, const rf_status &status, bool force,
			 Phases &phases)
{
	const auto is_new = [&](const char *key) {
		return std::ranges::any_of(changes_, [&](const SettingChange &change) {
			return change.key == key;
		});
	};

	if (after_.size() > RF_DEFINITION_MAX)
		throw Error(Code::bad_value,
			    text("the options of subOS '", subos_.name(), "' would take ", after_.size(),
				 " bytes, and the supervisor keeps at most ", RF_DEFINITION_MAX));
	if (!changes_at(Takes::next_start))
		return;
	const Plan plan = make_start_plan(wanted_, supervisor, status, phases,
					  {.append = !is_new("append"),
					   .kernel = force || !is_new("kernel")});
	notes_ = plan.notes;
}

void SetOperation::put(const std::string &definition, const rf_policies &policies) const
{
	subos_.define(definition);
	// They also fill up the restarts that are left: not for nothing.
	if (changes_at(Takes::now))
		subos_.set_policies(policies);
}

void SetOperation::apply() const
{
	if (changes_.empty())
		return;
	try {
		put(after_, wanted_.policies);
	} catch (const Error &) {
		subos_.define(before_);
		throw;
	}
}

void SetOperation::undo() const
{
	if (!changes_.empty())
		put(before_, was_.policies);
}

} // namespace rf
