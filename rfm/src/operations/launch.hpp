// SPDX-License-Identifier: GPL-2.0
// From owning cores and memory to running: the steps that create and start share
// (docs/boot-flow.md).
#pragma once

#include "client/supervisor.hpp"
#include "plan/plan.hpp"

namespace rf {

// Throws Error(interrupted) after a signal; `consequence` says what becomes of the subOS.
void stop_if_interrupted(const char *consequence);

// Builds the boot image for what the subOS owns, and loads it.
boot::BootImage load_image(const Plan &plan, const Supervisor &supervisor, const Partition &subos,
			   const char *if_interrupted, Phases &phases);

// What has to be known of an image to start it.
Loaded loaded(const boot::BootImage &image);

// Starts the boot core and waits as long as the options say. Throws like await_running().
rf_status start_and_await(const Partition &subos, const Loaded &image, const CreateOptions &wanted,
			  Phases &phases);

// The result, for a subOS whose image was built now or before.
Json launched_json(const rf_status &status, const Phases &phases);
Json launched_json(const Plan &plan, const boot::BootImage &image, const rf_status &status,
		   const Phases &phases);
std::string launched_text(const Json &result);

} // namespace rf
