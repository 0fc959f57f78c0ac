// SPDX-License-Identifier: GPL-2.0
#include "operations/restart_operation.hpp"

#include "cli/interrupt.hpp"
#include "host/turn.hpp"
#include "view/subos.hpp"

namespace rf {

namespace {

void check_state(const std::string &name, const rf_status &status, RestartFrom from)
{
	const auto refuse = [&](const char *why) {
		return Error(Code::busy, text("subOS '", name, "' ", why));
	};

	switch (status.state) {
	case RF_STATE_DEFINED:
		throw refuse("is being built by another rfm: wait until that is done");
	case RF_STATE_STOPPING:
		throw refuse("is going down or being destroyed: wait until that is done");
	case RF_STATE_BOOTING:
	case RF_STATE_RUNNING:
		if (!from.running)
			throw refuse("is already running: 'rfm restart' stops it first");
		break;
	case RF_STATE_LOST:
		if (!from.running && !from.lost)
			throw refuse("is lost, but may still be running: 'rfm restart --force' "
				     "holds its cores first");
	}
}

} // namespace

RestartOperation::RestartOperation(const Supervisor &supervisor, const std::string &name,
				   RestartFrom from, Phases &phases)
	: supervisor_(supervisor), subos_(supervisor.subos(name)), from_(from)
{
	const rf_status status = subos_.status();

	check_state(name, status, from_);
	const std::string words = subos_.definition();
	const Definition definition = parse_definition(name, words);
	const CreateOptions wanted = parse_create_options(definition.request);
	if (status.state == RF_STATE_LOADED) {
		plan_.wanted = wanted;
		loaded_ = definition.loaded;
		if (!loaded_)
			throw Error(Code::busy,
				    text("subOS '", name,
					 "' is being started by another rfm: wait until "
					 "that is done"));
		return;
	}
	plan_ = make_start_plan(wanted, supervisor_, status, phases);
	was_loaded_ = definition.loaded.has_value();
}

// Else another 'rfm start' could use the image that is gone. Options that were set meanwhile stay.
void RestartOperation::forget_image() const
{
	if (!was_loaded_)
		return;
	const auto turn = Turn::take_if_possible();
	subos_.define(definition_without_image(subos_.definition()));
}

Launched RestartOperation::start(Phases &phases) const
{
	const auto launched = [&](const rf_status &status, std::optional<Built> image) {
		return Launched{subos_of(supervisor_, status), phases.list(),
				phases.total_seconds(), std::move(image), std::nullopt};
	};

	if (loaded_)
		return launched(start_and_await(subos_, *loaded_, plan_.wanted, phases),
				std::nullopt);

	constexpr const char *stays = "the subOS stays stopped, 'rfm start' starts it";
	stop_if_interrupted(stays);
	forget_image();
	phases.enter("clear memory");
	subos_.reset(from_.lost ? RF_RESET_LOST : 0);
	const boot::BootImage image = load_image(plan_, supervisor_, subos_, stays, phases);
	const rf_status status = start_and_await(subos_, loaded(image), plan_.wanted, phases);
	return launched(status, built(plan_, image));
}

} // namespace rf
