// SPDX-License-Identifier: GPL-2.0
#include "operations/set_operation.hpp"

#include "host/turn.hpp"
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

// Of "KEY=VALUE".
bool is_policy(const std::string &word)
{
	const Setting *setting = find_setting(word.substr(0, word.find('=')));

	return setting && setting->takes == Takes::now;
}

} // namespace

SetOperation::SetOperation(const Supervisor &supervisor, const std::string &name,
			   const std::vector<std::string> &words, bool force, Phases &phases)
	: supervisor_(supervisor), subos_(supervisor.subos(name)), words_(words), force_(force),
	  phases_(phases)
{
	prepare(subos_.definition());
}

void SetOperation::prepare(const std::string &before)
{
	const std::string &name = subos_.name();
	const rf_status status = subos_.status();

	if (status.state == RF_STATE_DEFINED)
		throw Error(Code::busy, text("subOS '", name,
					     "' is being built by another rfm: wait until that is done"));
	const Definition now = parse_definition(name, before);
	// An rfm that was killed half-way has not told the supervisor what the definition says.
	was_ = with_policies(now.request.values, status);
	const Values values = with_settings(name, was_, words_);
	before_ = before;
	after_ = definition_with(before, values);
	changes_ = setting_changes(was_, values);
	wanted_ = parse_create_options(request_of(name, values));
	restarts_left_ = status.restarts_left;
	has_policies_ = std::ranges::any_of(words_, is_policy);
	if (changes_at(Takes::next_start) && now.loaded && status.state == RF_STATE_LOADED)
		throw Error(Code::busy, text("subOS '", name,
					     "' is loaded as it is and not started: 'rfm start ", name,
					     "' first, then 'rfm set' and 'rfm restart'"));
	check(status);
}

bool SetOperation::changes_at(Takes takes) const
{
	return std::ranges::any_of(changes_, [&](const SettingChange &change) {
		return change.takes == takes;
	});
}

// What could not be started is refused now, and not when it has stopped.
void SetOperation::check(const rf_status &status)
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
	const Plan plan = make_start_plan(wanted_, supervisor_, status, phases_,
					  {.append = !is_new("append"),
					   .kernel = force_ || !is_new("kernel")});
	notes_ = plan.notes;
}

std::optional<std::uint32_t> SetOperation::restarts_filled_up() const
{
	const bool filled = changes_.empty() && has_policies_ &&
			    restarts_left_ != wanted_.policies.restarts;

	return filled ? std::optional(restarts_left_) : std::nullopt;
}

void SetOperation::put(const std::string &before, const std::string &after,
		       const rf_policies *policies) const
{
	subos_.define(after);
	// They also fill up the restarts that are left: not for nothing.
	if (!policies)
		return;
	try {
		subos_.set_policies(*policies);
	} catch (const Error &) {
		subos_.define(before);
		throw;
	}
}

void SetOperation::apply()
{
	if (changes_.empty() && !has_policies_)
		return;
	const Turn turn = Turn::take();
	if (const std::string now = subos_.definition(); now != before_)
		prepare(now);
	put(before_, after_, has_policies_ ? &wanted_.policies : nullptr);
}

void SetOperation::undo()
{
	if (changes_.empty())
		return;
	const Turn turn = Turn::take();
	const std::string now = subos_.definition();
	const Values present = parse_definition(subos_.name(), now).request.values;
	Values values = present;
	for (const SettingChange &change : changes_) {
		const Setting &setting = *find_setting(change.key);
		if (!is_same(setting, effective(values, setting), change.after))
			continue;
		values.erase(change.key);
		if (was_.contains(change.key))
			values[change.key] = was_.at(change.key);
	}
	if (values == present)
		return;
	const rf_policies policies = parse_create_options(request_of(subos_.name(), values)).policies;
	put(now, definition_with(now, values), changes_at(Takes::now) ? &policies : nullptr);
}

} // namespace rf
