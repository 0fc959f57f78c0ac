// SPDX-License-Identifier: GPL-2.0
// From owning cores and memory to running: the steps that create and start share
// (docs/boot-flow.md).
#pragma once

#include "client/supervisor.hpp"
#include "operations/stop_operation.hpp"
#include "plan/plan.hpp"
#include "view/subos.hpp"

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

// The image that was built for it.
struct Built {
	std::string version;	// of the kernel
	std::string kernel;	// its file
	bool direct = false;	// entered at the kernel proper, not through the bzImage
	std::string cmdline;
	std::vector<std::string> notes;
};

// What became of a create, a start or a restart.
struct Launched {
	Subos subos;
	std::vector<Phase> phases;
	double total_seconds = 0;
	std::optional<Built> built;	// nothing: its image was in place
	std::optional<Stopped> stopped;	// before a restart
};

Built built(const Plan &plan, const boot::BootImage &image);

void to_json(Json &json, const Launched &launched);
std::string to_text(const Launched &launched);

} // namespace rf
