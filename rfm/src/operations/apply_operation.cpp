// SPDX-License-Identifier: GPL-2.0
#include "operations/apply_operation.hpp"

#include "base/clock.hpp"
#include "cli/interrupt.hpp"
#include "client/words.hpp"
#include "operations/about.hpp"
#include "operations/apply_check.hpp"
#include "operations/await_running.hpp"
#include "operations/creation.hpp"
#include "operations/fit_resize.hpp"
#include "operations/resize_operation.hpp"
#include "operations/restart_operation.hpp"
#include "operations/set_operation.hpp"
#include "plan/definition_text.hpp"

#include <algorithm>
#include <memory>

namespace rf {

namespace {

// What a stop or a start says of what becomes of the subOS is not so here.
[[noreturn]] void throw_not_kept(const Error &error)
{
	const std::string what = error.what();

	if (error.code() == Code::interrupted)
		throw Error(error.code(), "interrupted");
	throw_as(error, error.code(), what.substr(0, what.find(kept_for_a_look)), error.details());
}

Present look_at(const Supervisor &supervisor, const Partition &subos)
{
	Present present;

	present.status = subos.status();
	if (present.status.state == RF_STATE_DEFINED)
		return present;	// has no definition yet
	present.definition = parse_definition(subos.name(), subos.definition());
	present.cores = own_cores(present.status, supervisor.cores());
	return present;
}

// The initrd of a definition that names none. A kernel that is not there any more has the one that
// it was started with.
std::string initrd_of(const Wanted &wanted, const Present &present)
{
	const Values &values = present.definition.request.values;
	const std::string &kernel = wanted.options.kernel;

	if (wanted.options.initrd)
		return "";
	try {
		return own_initrd(kernel);
	} catch (const Error &) {
		const auto before = values.find("kernel"), initrd = values.find("initrd");
		if (before == values.end() || initrd == values.end() ||
		    before->second != resolved(kernel))
			throw;
		return initrd->second;
	}
}

ApplyPlan plan_one(const Wanted &wanted, const Supervisor *supervisor,
		   const std::vector<std::string> &names)
{
	if (!supervisor || std::find(names.begin(), names.end(), wanted.name()) == names.end())
		return {.wanted = &wanted, .create = true};
	const Partition subos = supervisor->subos(wanted.name());
	const Present present = look_at(*supervisor, subos);
	return plan_apply(wanted, present, initrd_of(wanted, present));
}

} // namespace

std::vector<ApplyPlan> plan_all(const std::vector<Wanted> &all, const Supervisor *supervisor,
				bool restart, bool keep_cache, Phases &phases)
{
	const std::vector<std::string> names =
		supervisor ? supervisor->names() : std::vector<std::string>();
	std::vector<ApplyPlan> plans;

	for (const Wanted &wanted : all)
		about(wanted.name(),
		      [&] { plans.push_back(plan_one(wanted, supervisor, names)); });
	// Better now than when others were made.
	check_plans(plans, supervisor, restart, keep_cache, phases);
	return plans;
}

void ApplyOperation::run(const std::vector<ApplyPlan> &plans,
			 const std::optional<StopOptions> &restart)
{
	stop_ = restart.value_or(StopOptions());
	stop_.restart = true;
	named_ = named_cores(plans);
	try {
		run_steps(plans, restart.has_value());
	} catch (const Error &error) {
		go_back();
		fail(error);
	} catch (const std::exception &error) {
		go_back();
		fail(Error(Code::internal, text("unexpected: ", error.what())));
	} catch (...) {
		go_back();
		fail(Error(Code::internal, "unexpected"));
	}
}

// First what needs least, and what makes room; last what ends something that runs.
void ApplyOperation::run_steps(const std::vector<ApplyPlan> &plans, bool restart_too)
{
	const auto each = [&](const auto &applies, const auto &step) {
		for (const ApplyPlan &plan : plans) {
			if (!applies(plan))
				continue;
			stop_if_interrupted("what was done is undone");
			about(plan.name(), [&] { step(plan); });
		}
	};
	const auto resizes = [](const ApplyPlan &plan) { return plan.is_resized(); };
	const auto starts = [&](const ApplyPlan &plan) {
		return restart_too && plan.needs_restart();
	};

	each([](const ApplyPlan &plan) { return !plan.set.empty(); },
	     [&](const ApplyPlan &plan) { set(plan); });
	each(resizes, [&](const ApplyPlan &plan) { resize(plan, true); });
	each(resizes, [&](const ApplyPlan &plan) { resize(plan, false); });
	each([](const ApplyPlan &plan) { return plan.create; },
	     [&](const ApplyPlan &plan) { create(plan); });
	each(starts, [&](const ApplyPlan &plan) {
		restart(plan);
		if (plan.start && !plan.resize.empty()) {
			resize(plan, true);
			resize(plan, false);
		}
	});
}

void ApplyOperation::go_back()
{
	was_anything_ = !undo_.empty();
	// The way back is not the time to stop.
	forget_interrupts();
	undo_.run([&](const std::string &what) { output_.progress(text("undo: ", what, " ...")); });
	applied_.clear();
}

void ApplyOperation::fail(const Error &error) const
{
	Json details = error.details();

	details["undone"] = undo_.failures().empty();
	details["not_undone"] = undo_.failures();
	std::string what = error.what();
	if (!undo_.failures().empty()) {
		what += "; not everything could be undone: ";
		for (const std::string &failure : undo_.failures())
			what += (&failure == &undo_.failures().front() ? "" : "; ") + failure;
	} else if (was_anything_) {
		what += "; all that was done before is undone";
	}
	const auto *with = dynamic_cast<const ErrorWithLog *>(&error);
	if (with && !with->log().empty())
		what += log_follows;
	// One that goes while it is changed is no misspelt name.
	throw_as(error, error.code() == Code::no_such_subos ? Code::not_up : error.code(), what,
		 details);
}

void ApplyOperation::done(const std::string &name, const char *what, std::uint64_t begin_ns)
{
	const double seconds = static_cast<double>(monotonic_ns() - begin_ns) / 1e9;

	// Of a resize the second half.
	for (Applied &applied : applied_)
		if (applied.name == name && applied.what == what) {
			applied.seconds += seconds;
			return;
		}
	applied_.push_back({name, what, seconds});
}

void ApplyOperation::set(const ApplyPlan &plan)
{
	const std::uint64_t begin = monotonic_ns();
	const auto setting = std::make_shared<SetOperation>(
		supervisor_, plan.name(), setting_words(plan.set), false, phases_);

	undo_.add(text("set '", plan.name(), "'"), [setting] { setting->undo(); });
	setting->apply();
	done(plan.name(), "set", begin);
}

void ApplyOperation::resize(const ApplyPlan &plan, bool giving)
{
	const std::uint64_t begin = monotonic_ns();
	const auto subos = std::make_shared<Partition>(supervisor_.subos(plan.name()));
	const rf_status status = subos->status();

	check_running(*subos, status);
	const auto steps = giving ? giving_steps(supervisor_, status, plan.wanted->options)
				  : taking_steps(supervisor_, status, plan.wanted->options, named_);
	if (steps.empty())
		return;
	undo_.add(text("resized '", plan.name(), "'"),
		  [this, subos, before = holdings(status), wanted = plan.wanted] {
			  restore(supervisor_, *subos, before, wanted->options);
		  });
	output_.progress(text("resize '", plan.name(), "' ..."));
	for (const ResizeRequest &step : steps)
		take_step(*subos, step);
	done(plan.name(), "resized", begin);
}

void ApplyOperation::create(const ApplyPlan &plan)
{
	const std::uint64_t begin = monotonic_ns();
	const Plan made = make_plan(plan.wanted->options, &supervisor_, true, phases_, named_);

	for (const std::string &note : made.notes)
		output_.note(text("subOS '", plan.name(), "': ", note));
	const auto subos =
		std::make_shared<Partition>(take_for(made, supervisor_, phases_));
	// By its descriptor: of this name there may be another by then.
	undo_.add(text("created '", plan.name(), "'"), [subos] {
		try {
			subos->destroy();
		} catch (const Error &error) {
			if (error.code() != Code::no_such_subos)
				throw;
		}
	});
	try {
		launch(*subos, made, supervisor_, phases_);
	} catch (const Error &error) {
		throw_not_kept(error);
	}
	done(plan.name(), "created", begin);
}

// Of its name there may be another by then.
Partition ApplyOperation::same(const std::string &name, const rf_status &was) const
{
	Partition subos = supervisor_.subos(name);

	if (subos.status().id != was.id)
		throw Error(Code::no_such_subos,
			    text("subOS '", name, "' was destroyed, and another one has its name"));
	return subos;
}

// Ends what a restart started, or waits for what it asked to stop; one that was not asked just goes
// on. Its cores are held only if the operator said so, or if it has no init yet, which could lose
// something.
void ApplyOperation::end_restarted(const std::string &name, const rf_status &was)
{
	Partition subos = same(name, was);
	const rf_status now = subos.status();
	StopOptions how = stop_;

	if (now.starts == was.starts && now.state != RF_STATE_STOPPING)
		return;
	how.force = how.force || now.state == RF_STATE_BOOTING;
	StopOperation(std::move(subos), how, stop_deadline(how)).await(output_);
}

// With its options of before: one that ran runs again.
void ApplyOperation::start_again(const std::string &name, const rf_status &was)
{
	const rf_status now = same(name, was).status();
	const bool ran = !has_ended(was) && was.state != RF_STATE_LOADED;

	if (now.state == was.state && (now.starts == was.starts || was.state == RF_STATE_STOPPED))
		return;
	if (ran && has_ended(now)) {
		RestartOperation(supervisor_, name, {}, phases_).start(phases_);
		return;
	}
	throw Error(Code::incomplete,
		    text("it was ", state_name(was.state), " and is ", state_name(now.state),
			 was.state == RF_STATE_CRASHED
				 ? ", its kernel log and why it crashed are gone"
				 : was.state == RF_STATE_LOADED ? ", its boot image is gone" : ""));
}

// Back from a restart, the last step first: it stops, its options are set back, it starts.
void ApplyOperation::restart(const ApplyPlan &plan)
{
	const std::uint64_t begin = monotonic_ns();
	const std::string &name = plan.name();
	const rf_status was = supervisor_.subos(name).status();
	const auto setting = std::make_shared<SetOperation>(
		supervisor_, name, restart_words(plan), false, phases_);

	undo_.add(text("restarted '", name, "'"), [this, name, was] { start_again(name, was); });
	undo_.add(text("set '", name, "'"), [setting] { setting->undo(); });
	setting->apply();
	undo_.add(text("stopped '", name, "'"), [this, name, was] { end_restarted(name, was); });
	RestartOperation start(supervisor_, name, {.running = true}, phases_);
	try {
		StopOperation(same(name, was), stop_, stop_deadline(stop_)).await(output_);
		start.start(phases_);
	} catch (const Error &error) {
		throw_not_kept(error);
	}
	done(name, plan.start ? "started" : "restarted", begin);
}

} // namespace rf
